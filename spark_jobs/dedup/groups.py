"""Candidate pairs gathered into groups, so that a shingle set is sent once a group and not once a pair.

Documents that share buckets mostly share them with the same others, so all pairs whose leaders have met the same best
document are one group: a set that is compared with twenty leaders goes to one or two groups. A group has at most
`_LEADERS` leaders, whose sets a task holds; the members pass behind them.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from spark_jobs.dedup.blocks import BLOCKS, I64, U64, cut, cut_batches, mixed, part_of, read, to_tasks

# A document in a group: whether others are compared with it there, and whom it is compared with (64-bit numbers).
GROUPS = "group BIGINT, number BIGINT, leads BOOLEAN, others BINARY"
# Sets that a task holds at once: for pages of 2 kB some 200 kB, for books of 1 MB some 100 MB.
_LEADERS = 64
# Rows of an Arrow batch: each names up to `_LEADERS` others, so one is at most some 30 MB.
_ROWS = 1 << 16
# The hint of a pair that was compared in an earlier round: no document has this number.
_KNOWN = (1 << 63) - 1


def groups_of(pairs: DataFrame, known: DataFrame | None, *, parts: int) -> DataFrame:
    """Rows of `GROUPS`: every pair is in one group, once, unless it is known.

    `pairs`: blocks of rows (number, other, hint), repeated as often as two documents met; the hint is the best document
    that was there. `known`: number, other of pairs that were compared before.
    """
    if known is not None:
        pairs = pairs.unionByName(known.select("number", "other").mapInArrow(cut_batches(parts, _known), BLOCKS))
    distinct = to_tasks(pairs, parts).mapInArrow(_by_leader(parts), BLOCKS)
    return to_tasks(distinct, parts).mapInArrow(_into_groups, GROUPS)


def cut_pairs(number: I64, other: I64, hint: I64, parts: int) -> Iterator[pa.RecordBatch]:
    """Blocks of pairs, by leader."""
    return cut(part_of(mixed(other), parts), parts, (number, other, hint))


def _known(batch: pa.RecordBatch) -> tuple[U64, tuple[I64, I64, I64]]:
    number, other = batch["number"].to_numpy(), batch["other"].to_numpy()
    return mixed(other), (number, other, np.full(len(number), _KNOWN))


def _by_leader(parts: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Pairs once each, with the best document that any follower of their leader met there as the name of the group."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from spark_jobs.dedup.group_kernels import distinct_pairs

        number, other, hint = read(batches, 3)
        order = np.lexsort((number, other))
        number, other, name = distinct_pairs(number[order], other[order], hint[order], _KNOWN)
        yield from cut(part_of(mixed(name), parts), parts, (number, other, name))

    return run


def _into_groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from spark_jobs.dedup.group_kernels import gathered, leaders_of

    number, other, name = read(batches, 3)
    order = np.lexsort((other, name))
    number, other = number[order], other[order]
    place, leader, leads_place = leaders_of(name[order], other, _LEADERS)
    order = np.lexsort((other, number, place))
    row_place, row_number, row_leads, offsets = gathered(place[order], number[order], leads_place, leader)
    # A group is named by its first leader: each document leads in one group only.
    first = leader[np.searchsorted(leads_place, row_place)]
    others = other[order]
    for start in range(0, len(row_place), _ROWS):
        end = min(start + _ROWS, len(row_place))
        here = offsets[start : end + 1]
        bounds = pa.py_buffer(((here - here[0]) * 8).astype(np.int32))
        lists = [None, bounds, pa.py_buffer(others[here[0] : here[-1]])]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(first[start:end]), pa.array(row_number[start:end]), pa.array(row_leads[start:end]),
                pa.Array.from_buffers(pa.binary(), end - start, lists),
            ],
            names=["group", "number", "leads", "others"],
        )  # fmt: skip
