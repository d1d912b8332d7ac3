"""Candidate pairs from LSH buckets, without comparing all with all and without skipping large buckets.

Up to `full_pairs` members every pair is a candidate. In a larger bucket each member is paired with the bucket's best
member; those whose pair is not confirmed are paired with the next 2, 4, 8 leaders, for a bounded number of rounds. So a
bucket of n members costs at most n * (2^rounds - 1) comparisons, and what is left unpaired is counted. Documents are
numbers in the order of election (published ones negative); bands are shuffled as blocks of numbers, not as rows.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

# A member that goes on to the next round has a key; other rows are pairs to compare. A published member has no `other`.
PAIRS = "key BIGINT, number BIGINT, other BIGINT"
_BLOCKS = "part INT, keys BINARY, numbers BINARY"
# A task holds 16 bytes for each of about this many places in buckets, or for those of the largest bucket.
_PLACES = 1 << 20
# A task holds back this many places before it writes blocks of them.
_HELD = 1 << 20
# Of the clusters of earlier snapshots, a new document is compared with at most this many a bucket and round.
_MOST_LEADERS = 64
_STEP = np.uint64(0x9E3779B97F4A7C15)


def parts_for(places: int) -> int:
    """Tasks for so many places in buckets (documents times bands)."""
    return max(1, -(-places // _PLACES))


def first_pairs(new: DataFrame, old: DataFrame | None, *, parts: int, full_pairs: int) -> DataFrame:
    """Rows of `PAIRS` of the first round.

    `new`: number, bands; `old`: number, band, band_hash (of a published cluster only the best member in a bucket).
    """
    blocks = new.select("number", "bands").mapInArrow(_blocks(parts, _of_documents), _BLOCKS)
    if old is not None:
        published = old.select("number", "band", "band_hash").mapInArrow(_blocks(parts, _of_rows), _BLOCKS)
        blocks = blocks.unionByName(published)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys, numbers = [], []
        for batch in batches:
            keys += [np.frombuffer(block, dtype=np.uint64) for block in _views(batch["keys"])]
            numbers += [np.frombuffer(block, dtype=np.int64) for block in _views(batch["numbers"])]
        if keys:
            yield from paired(np.concatenate(keys), np.concatenate(numbers), full_pairs=full_pairs, leaders=1)

    return blocks.repartitionById(parts, "part").drop("part").mapInArrow(run, PAIRS)


def next_pairs(waiting: DataFrame, *, parts: int, full_pairs: int, leaders: int) -> DataFrame:
    """Rows of `PAIRS` of a later round; `waiting`: key, number, similar (a row for each comparison of the last one)."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = [[batch[name].to_numpy(zero_copy_only=False) for name in _WAITING] for batch in batches]
        if held:
            left = unconfirmed(*(np.concatenate(column) for column in zip(*held, strict=True)))
            yield from paired(*left, full_pairs=full_pairs, leaders=leaders)

    return waiting.select(*_WAITING).repartition(parts, "key").mapInArrow(run, PAIRS)


def unresolved(waiting: DataFrame, *, parts: int) -> DataFrame:
    """`places`: in how many large buckets members are left that no leader confirmed, one row a task."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from spark_jobs.dedup.bucket_kernels import meeting_places

        held = [[batch[name].to_numpy(zero_copy_only=False) for name in _WAITING] for batch in batches]
        if held:
            left = unconfirmed(*(np.concatenate(column) for column in zip(*held, strict=True)))
            yield pa.RecordBatch.from_pydict({"places": pa.array([meeting_places(*left)], pa.int64())})

    return waiting.select(*_WAITING).repartition(parts, "key").mapInArrow(run, "places BIGINT")


_WAITING = ("key", "number", "similar")


def unconfirmed(keys: I64, numbers: I64, similar: npt.NDArray[np.bool_]) -> tuple[U64, I64]:
    """Keys and numbers of the members that no comparison confirmed, once each."""
    from spark_jobs.dedup.bucket_kernels import still_waiting

    order = np.lexsort((numbers, keys))
    keys, numbers = keys[order], numbers[order]
    stays = still_waiting(keys, numbers, similar[order])
    return keys[stays].view(np.uint64), numbers[stays]


def paired(keys: U64, numbers: I64, *, full_pairs: int, leaders: int) -> Iterator[pa.RecordBatch]:
    """Rows of `PAIRS` of whole buckets, in any order; a pair that is met in several buckets is given once."""
    from spark_jobs.dedup.bucket_kernels import bucket_pairs

    order = np.argsort(keys)
    waits, key, member, other, compared = bucket_pairs(keys[order], numbers[order], full_pairs, leaders, _MOST_LEADERS)
    met = pa.table({"number": member[~waits], "other": other[~waits]})
    for batch in met.group_by(["number", "other"], use_threads=False).aggregate([]).to_batches(_HELD):
        yield _batch(pa.nulls(batch.num_rows, pa.int64()), batch["number"], batch["other"])
    places = np.flatnonzero(waits)
    for start in range(0, len(places), _HELD):
        at = places[start : start + _HELD]
        yield _batch(pa.array(key[at].view(np.int64)), pa.array(member[at]), pa.array(other[at], mask=~compared[at]))


def _batch(*columns: pa.Array) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns), names=["key", "number", "other"])


def _blocks(parts: int, places: Callable[[pa.RecordBatch], tuple[U64, I64]]) -> Batches:
    """Places of documents in buckets as blocks, one a part of the keys: what is shuffled."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: list[tuple[U64, I64]] = []
        size = 0
        for batch in batches:
            held.append(places(batch))
            size += len(held[-1][0])
            if size >= _HELD:
                yield _cut(held, parts)
                held, size = [], 0
        if size:
            yield _cut(held, parts)

    return run


def _cut(held: list[tuple[U64, I64]], parts: int) -> pa.RecordBatch:
    keys, numbers = (np.concatenate(column) for column in zip(*held, strict=True))
    part = (keys >> np.uint64(33)) % np.uint64(parts)
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(parts + 1, dtype=np.uint64)) * 8
    columns = [pa.array(np.arange(parts, dtype=np.int32))]
    for values in (keys[order], numbers[order]):
        data = pa.py_buffer(values)
        columns.append(pa.Array.from_buffers(pa.binary(), parts, [None, pa.py_buffer(bounds.astype(np.int32)), data]))
    return pa.RecordBatch.from_arrays(columns, names=["part", "keys", "numbers"])


def _of_documents(batch: pa.RecordBatch) -> tuple[U64, I64]:
    bands = batch["bands"]
    lengths = np.diff(bands.offsets.to_numpy())
    hashes = bands.flatten().to_numpy()
    band = np.arange(len(hashes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return bucket_key(band, hashes), np.repeat(batch["number"].to_numpy(), lengths)


def _of_rows(batch: pa.RecordBatch) -> tuple[U64, I64]:
    return bucket_key(batch["band"].to_numpy(), batch["band_hash"].to_numpy()), batch["number"].to_numpy()


def bucket_key(band: npt.NDArray[np.integer], hashes: I64) -> U64:
    """One number a bucket. Two buckets in one would cost comparisons and nothing else: every pair is verified."""
    return hashes.view(np.uint64) ^ (band.astype(np.uint64) * _STEP)


def _views(blobs: pa.BinaryArray) -> Iterator[memoryview]:
    _, offsets, data = blobs.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[blobs.offset : blobs.offset + len(blobs) + 1]
    whole = memoryview(data if data is not None else b"")
    for row in range(len(blobs)):
        yield whole[bounds[row] : bounds[row + 1]]
