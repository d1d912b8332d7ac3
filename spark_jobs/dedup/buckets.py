"""Candidate pairs from LSH buckets, without comparing all with all and without skipping large buckets.

Up to `full_pairs` members every pair is a candidate. In a larger bucket each member is paired with the bucket's best
member; those whose pair is not confirmed are paired with the next 2, 4, 8 leaders, for a bounded number of rounds. So a
bucket of n members costs at most n * (2^rounds - 1) comparisons, and what is left unpaired is counted. Documents are
numbers in the order of election (published ones negative); bands are shuffled as blocks of numbers, not as rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from spark_jobs.dedup.blocks import BLOCKS, HELD, I64, U64, cut_batches, read, to_tasks
from spark_jobs.dedup.groups import cut_pairs

# Blocks of pairs to compare; and with a key, members that go on to the next round (a published one has no `other`).
PAIRS = f"{BLOCKS}, key BIGINT, number BIGINT, other BIGINT"
# A task holds 16 bytes for each of about this many places in buckets, or for those of the largest bucket, and some 60
# for each pair that they give.
_PLACES = 1 << 20
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
    blocks = new.select("number", "bands").mapInArrow(cut_batches(parts, _of_documents), BLOCKS)
    if old is not None:
        published = old.select("number", "band", "band_hash").mapInArrow(cut_batches(parts, _of_rows), BLOCKS)
        blocks = blocks.unionByName(published)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys, numbers = read(batches, 2)
        yield from _rows(paired(keys.view(np.uint64), numbers, full_pairs=full_pairs, leaders=1), parts)

    return to_tasks(blocks, parts).mapInArrow(run, PAIRS)


def next_pairs(waiting: DataFrame, *, parts: int, full_pairs: int, leaders: int) -> DataFrame:
    """Rows of `PAIRS` of a later round; `waiting`: key, number, similar (a row for each comparison of the last one)."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = [[batch[name].to_numpy(zero_copy_only=False) for name in _WAITING] for batch in batches]
        if held:
            left = unconfirmed(*(np.concatenate(column) for column in zip(*held, strict=True)))
            yield from _rows(paired(*left, full_pairs=full_pairs, leaders=leaders), parts)

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


@dataclass(frozen=True, kw_only=True, eq=False)
class Paired:
    """Pairs to compare, with the best member of the bucket they met in, and who waits for the next round."""

    number: I64
    other: I64
    best: I64
    waits_key: I64
    waits_number: I64
    waits_other: pa.Int64Array


def paired(keys: U64, numbers: I64, *, full_pairs: int, leaders: int) -> Paired:
    """Pairs of whole buckets, in any order; one that is met in several buckets is there as often."""
    from spark_jobs.dedup.bucket_kernels import bucket_pairs

    order = np.argsort(keys)
    waits, key, member, other, best, compared = bucket_pairs(
        keys[order], numbers[order], full_pairs, leaders, _MOST_LEADERS
    )
    return Paired(
        number=member[compared], other=other[compared], best=best[compared],
        waits_key=key[waits].view(np.int64), waits_number=member[waits],
        waits_other=pa.array(other[waits], mask=~compared[waits]),
    )  # fmt: skip


def _rows(found: Paired, parts: int) -> Iterator[pa.RecordBatch]:
    names = [column.split()[0] for column in PAIRS.split(", ")]
    for batch in cut_pairs(found.number, found.other, found.best, parts):
        nothing = pa.nulls(batch.num_rows, pa.int64())
        yield pa.RecordBatch.from_arrays([*batch.columns, nothing, nothing, nothing], names=names)
    for start in range(0, len(found.waits_key), HELD):
        at = slice(start, start + HELD)
        waiting = [pa.array(found.waits_key[at]), pa.array(found.waits_number[at]), found.waits_other[at]]
        nothing = [pa.nulls(len(waiting[0]), pa.int32()), pa.nulls(len(waiting[0]), pa.binary())]
        yield pa.RecordBatch.from_arrays([*nothing, *waiting], names=names)


def _of_documents(batch: pa.RecordBatch) -> tuple[U64, tuple[I64, I64]]:
    bands = batch["bands"]
    lengths = np.diff(bands.offsets.to_numpy())
    hashes = bands.flatten().to_numpy()
    band = np.arange(len(hashes)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    keys = bucket_key(band, hashes)
    return keys, (keys.view(np.int64), np.repeat(batch["number"].to_numpy(), lengths))


def _of_rows(batch: pa.RecordBatch) -> tuple[U64, tuple[I64, I64]]:
    keys = bucket_key(batch["band"].to_numpy(), batch["band_hash"].to_numpy())
    return keys, (keys.view(np.int64), batch["number"].to_numpy())


def bucket_key(band: npt.NDArray[np.integer], hashes: I64) -> U64:
    """One number a bucket. Two buckets in one would cost comparisons and nothing else: every pair is verified."""
    return hashes.view(np.uint64) ^ (band.astype(np.uint64) * _STEP)
