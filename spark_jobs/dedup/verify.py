"""Verification of candidate pairs: the exact Jaccard similarity of their shingle sets, from stored hashes.

A pair that shares an LSH bucket proves nothing by itself; only a verified pair links two documents. Sets are shuffled
once: to the leader that they are compared with, behind whose own set they pass in order.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

VERIFIED = "number BIGINT, other BIGINT, similarity DOUBLE"
# Sets (about 3 kB each for a page of 2 kB) in a task that compares, so that few spill.
_SETS = 40_000
# From so many routes on they are shuffled themselves: below, Spark sends them to where the sets lie.
_MANY_ROUTES = 300_000
# No document has this number.
_NOBODY = -(1 << 63)


def similarities(left: pa.BinaryArray, right: pa.BinaryArray) -> npt.NDArray[np.float64]:
    """Jaccard similarity of pairs of shingle sets (sorted distinct 64-bit hashes); 0 for two empty sets."""
    from spark_jobs.dedup.bucket_kernels import jaccard_counts

    shared, union = jaccard_counts(*_sets(left), *_sets(right))
    return np.asarray(shared / np.maximum(union, 1), dtype=np.float64)


def routes_of(pairs: DataFrame, rows: DataFrame) -> DataFrame:
    """Where each set must go: row, number, other (the leader it is compared with, or itself where it leads).

    `pairs`: distinct number, other; `rows`: number, and the row of `sets` that holds its shingles.
    """
    leads = pairs.select(F.col("other").alias("number"), "other").distinct()
    return pairs.unionByName(leads).join(rows, "number").select("row", "number", "other")


def verify(routes: DataFrame, sets: DataFrame, *, count: int) -> DataFrame:
    """Columns of `VERIFIED` of every pair in `routes` (row, number, other; `count` rows); `sets`: row, shingles."""
    sent = routes if count < _MANY_ROUTES else routes.hint("shuffle_hash")
    met = sets.join(sent, "row").select("other", "number", "shingles")
    # The best number is the leader's: it comes first.
    ordered = met.repartition(max(1, -(-count // _SETS)), "other").sortWithinPartitions("other", "number")
    return ordered.mapInArrow(_measure, VERIFIED)


def _measure(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from spark_jobs.dedup.bucket_kernels import shared_with_leader

    leader, carried = _NOBODY, np.frombuffer(b"", dtype=np.uint64)
    for batch in batches:
        if not batch.num_rows:
            continue
        other, number = batch["other"].to_numpy(), batch["number"].to_numpy()
        values, offsets = _sets(batch["shingles"])
        leads = other == number
        of = np.maximum.accumulate(np.where(leads, np.arange(len(leads)), -1))
        expected = np.where(of >= 0, other[of], leader)
        if (expected != other).any():
            raise ValueError(f"no shingles of document {other[expected != other][0]}, which others are compared with")
        shared, union, last = shared_with_leader(values, offsets, leads, carried)
        leader = other[-1]
        if last >= 0:
            carried = np.frombuffer(values[offsets[last] : offsets[last + 1]].tobytes(), dtype=np.uint64)
        found = ~leads
        yield pa.RecordBatch.from_arrays(
            [pa.array(number[found]), pa.array(other[found]), pa.array(shared[found] / np.maximum(union[found], 1))],
            names=["number", "other", "similarity"],
        )


def _sets(blobs: pa.BinaryArray) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    _, offsets, data = blobs.cast(pa.large_binary()).buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[: len(blobs) + 1] if len(blobs) else np.zeros(1, dtype=np.int64)
    used = memoryview(data)[bounds[0] : bounds[-1]] if data is not None else b""
    values = np.frombuffer(used, dtype="<u8")
    values.flags.writeable = False
    return values, (bounds - bounds[0]) // 8
