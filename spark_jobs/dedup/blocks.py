"""Rows of numbers that are shuffled as blocks of bytes, cut by task in the worker: a row costs its numbers, no more."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

# A block holds rows for one task: its numbers one row after the other, as 64-bit integers.
BLOCKS = "part INT, block BINARY"
# A worker holds back this many rows before it cuts them.
HELD = 1 << 20


def cut(part: U64, parts: int, columns: Sequence[I64]) -> Iterator[pa.RecordBatch]:
    """Rows of `BLOCKS` of rows of numbers; `part` says which task (below `parts`) each row goes to."""
    width = len(columns)
    for start in range(0, len(part), HELD):
        whole = slice(start, start + HELD)
        order = np.argsort(part[whole], kind="stable")
        bounds = np.searchsorted(part[whole][order], np.arange(parts + 1, dtype=np.uint64))
        rows = np.empty((len(order), width), dtype=np.int64)
        for place, column in enumerate(columns):
            rows[:, place] = column[whole][order]
        there = np.flatnonzero(np.diff(bounds))
        offsets = np.append(bounds[there], bounds[-1]) * (8 * width)
        data = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(rows)]
        blocks = pa.Array.from_buffers(pa.binary(), len(there), data)
        yield pa.RecordBatch.from_arrays([pa.array(there.astype(np.int32)), blocks], names=["part", "block"])


def read(batches: Iterator[pa.RecordBatch], width: int) -> list[I64]:
    """The columns of all blocks of a task."""
    held = [np.frombuffer(view, dtype=np.int64) for batch in batches for view in views(batch["block"])]
    rows = (np.concatenate(held) if held else np.empty(0, dtype=np.int64)).reshape(-1, width)
    return [np.ascontiguousarray(rows[:, place]) for place in range(width)]


def to_tasks(blocks: DataFrame, parts: int) -> DataFrame:
    """Every block at its task."""
    return blocks.repartitionById(parts, "part")


def cut_batches(
    parts: int, rows_of: Callable[[pa.RecordBatch], tuple[U64, Sequence[I64]]]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """A function for `mapInArrow` that cuts what `rows_of` makes of each batch: a key of each row, and its numbers."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: list[tuple[U64, Sequence[I64]]] = []
        size = 0
        for batch in batches:
            held.append(rows_of(batch))
            size += len(held[-1][0])
            if size >= HELD:
                yield from _cut_all(held, parts)
                held, size = [], 0
        if size:
            yield from _cut_all(held, parts)

    return run


def _cut_all(held: list[tuple[U64, Sequence[I64]]], parts: int) -> Iterator[pa.RecordBatch]:
    keys = np.concatenate([key for key, _ in held])
    columns = [np.concatenate(column) for column in zip(*(rows for _, rows in held), strict=True)]
    return cut(part_of(keys, parts), parts, columns)


def part_of(keys: U64, parts: int) -> U64:
    """The task of each key, by upper bits: what has the same lower ones is spread too."""
    return (keys >> np.uint64(33)) % np.uint64(parts)


def mixed(numbers: I64) -> U64:
    """Numbers as keys whose upper bits differ (the finaliser of splitmix64)."""
    x = numbers.view(np.uint64).copy()
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x ^= x >> np.uint64(shift)
        x *= np.uint64(factor)
    return x ^ (x >> np.uint64(31))


def views(blobs: pa.BinaryArray) -> Iterator[memoryview]:
    """The bytes of each value (without nulls), where they lie."""
    _, offsets, data = blobs.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[blobs.offset : blobs.offset + len(blobs) + 1]
    whole = memoryview(data if data is not None else b"")
    for row in range(len(blobs)):
        yield whole[bounds[row] : bounds[row + 1]]
