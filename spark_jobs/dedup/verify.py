"""Verification of candidate pairs: the exact Jaccard similarity of their shingle sets, from stored hashes.

A pair that shares an LSH bucket proves nothing by itself; only a verified pair links two documents. Sets are shuffled
once a group: the leaders of the group come first and are held, the members pass behind them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.blocks import I64, U64

VERIFIED = "number BIGINT, other BIGINT, similarity DOUBLE"
# Sets (about 3 kB each for a page of 2 kB) in a task that compares, so that few spill.
_SETS = 40_000
# From so many sets on, where they go is shuffled itself: below, Spark sends it to where the sets lie.
_MANY_SETS = 300_000
# No document has this number, and so no group.
_NOBODY = -(1 << 63)


def similarities(left: pa.BinaryArray, right: pa.BinaryArray) -> npt.NDArray[np.float64]:
    """Jaccard similarity of pairs of shingle sets (sorted distinct 64-bit hashes); 0 for two empty sets."""
    from spark_jobs.dedup.group_kernels import jaccard_counts

    shared, union = jaccard_counts(*_sets(left), *_sets(right))
    return np.asarray(shared / np.maximum(union, 1), dtype=np.float64)


def verify(groups: DataFrame, rows: DataFrame, sets: DataFrame, *, count: int) -> DataFrame:
    """Columns of `VERIFIED` of every pair in `groups` (`count` rows) whose sets are there.

    `rows`: number, and the row of `sets` (row, shingles) that holds its shingles.
    """
    routes = groups.join(rows, "number")
    sent = routes if count < _MANY_SETS else routes.hint("shuffle_hash")
    met = sets.join(sent, "row").select("group", "number", "leads", "others", "shingles")
    tasks = max(1, -(-count // _SETS))
    ordered = met.repartition(tasks, "group").sortWithinPartitions("group", F.desc("leads"), "number")
    return ordered.mapInArrow(_measure, VERIFIED)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Leaders:
    """Leaders of a group that rows of a later batch are compared with."""

    group: int = _NOBODY
    numbers: I64 = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    values: U64 = field(default_factory=lambda: np.frombuffer(b"", dtype=np.uint64))
    offsets: I64 = field(default_factory=lambda: np.zeros(1, dtype=np.int64))

    def after(self, group: I64, number: I64, leads: npt.NDArray[np.bool_], values: U64, offsets: I64) -> "_Leaders":
        """Those of the last group of a batch, with the ones that are held if it is theirs."""
        first = int(np.searchsorted(group, group[-1]))
        end = first + int(leads[first:].sum())
        held = self if self.group == group[-1] else _Leaders()
        if held is self and first == end:
            return self
        # Spark may use the memory of the batch again: the sets are copied.
        sets = held.values.tobytes() + values[offsets[first] : offsets[end]].tobytes()
        bounds = offsets[first + 1 : end + 1] - offsets[first] + held.offsets[-1]
        return _Leaders(
            group=int(group[-1]), numbers=np.concatenate([held.numbers, number[first:end]]),
            values=np.frombuffer(sets, dtype=np.uint64), offsets=np.concatenate([held.offsets, bounds]),
        )  # fmt: skip


def _measure(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from spark_jobs.dedup.group_kernels import shared_with_leaders

    held = _Leaders()
    for batch in batches:
        if not batch.num_rows:
            continue
        group, number = batch["group"].to_numpy(), batch["number"].to_numpy()
        leads = batch["leads"].to_numpy(zero_copy_only=False)
        listed, pairs = _sets(batch["others"])
        others = listed.view(np.int64)
        values, offsets = _sets(batch["shingles"])
        shared, union = shared_with_leaders(
            group, number, leads, others, pairs, values, offsets, held.group, held.numbers, held.values, held.offsets
        )
        held = held.after(group, number, leads, values, offsets)
        # Where a leader's set is missing there is no pair: who asked for it counts.
        met, members = shared >= 0, np.repeat(number, np.diff(pairs))
        similarity = shared[met] / np.maximum(union[met], 1)
        yield pa.RecordBatch.from_arrays(
            [pa.array(members[met]), pa.array(others[met]), pa.array(similarity)],
            names=["number", "other", "similarity"],
        )


def _sets(blobs: pa.BinaryArray) -> tuple[U64, I64]:
    _, offsets, data = blobs.cast(pa.large_binary()).buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[: len(blobs) + 1] if len(blobs) else np.zeros(1, dtype=np.int64)
    used = memoryview(data)[bounds[0] : bounds[-1]] if data is not None else b""
    values = np.frombuffer(used, dtype="<u8")
    values.flags.writeable = False
    return values, (bounds - bounds[0]) // 8
