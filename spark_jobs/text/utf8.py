"""Texts as UTF-8 bytes: for kernels that look for something rare and leave the text where it is.

A kernel that looks at every character takes the decoded view (`characters.py`) instead.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.text.native import kernel

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
# An array that grows inside a kernel makes its loop fifty times slower.
_ROOM = 4096


def bytes_of(texts: pa.LargeStringArray) -> tuple[Bytes, Places]:
    """The bytes of an array without nulls, and where its texts lie: text i is `data[starts[i]:starts[i + 1]]`."""
    count = len(texts)
    _, offset_buffer, data_buffer = texts.buffers()
    starts = np.zeros(1, dtype=np.int64)
    if offset_buffer is not None and count:
        starts = np.frombuffer(offset_buffer, dtype=np.int64)[texts.offset : texts.offset + count + 1]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)
    # Of one kind, so that kernels are compiled once.
    starts.flags.writeable = False
    return data, starts


@kernel
def code_at(data: Bytes, i: int, end: int) -> tuple[int, int]:
    """Code point at byte i of a text that ends at `end`, and its bytes; (U+FFFD, 1) where the bytes are no UTF-8."""
    lead = int(data[i])
    if lead < 0x80:
        return lead, 1
    length = 2 if lead < 0xE0 else (3 if lead < 0xF0 else 4)
    if lead < 0xC2 or lead > 0xF4 or i + length > end:
        return 0xFFFD, 1
    code = lead & (0x7F >> length)
    for k in range(1, length):
        follow = int(data[i + k])
        if (follow & 0xC0) != 0x80:
            return 0xFFFD, 1
        code = (code << 6) | (follow & 0x3F)
    least = 0x80 if length == 2 else (0x800 if length == 3 else 0x10000)
    if code < least or code > 0x10FFFF or (code >= 0xD800 and code < 0xE000):
        return 0xFFFD, 1
    return code, length


def search(kernel_: Callable[..., int], *arguments: Any, columns: int = 3) -> Places:
    """All that a kernel finds, one row each; shape (n, columns).

    The kernel takes the arguments and an array to fill, and counts on where that is full: then it runs once more.
    """
    found = np.empty((_ROOM, columns), dtype=np.int64)
    count = kernel_(*arguments, found)
    if count > len(found):
        found = np.empty((count, columns), dtype=np.int64)
        kernel_(*arguments, found)
    return found[:count]


@kernel
def note(found: Places, count: int, row: int, begin: int, end: int) -> int:
    """Write what a search found at its place, if there is room; the next place."""
    if count < len(found):
        found[count, 0] = row
        found[count, 1] = begin
        found[count, 2] = end
    return count + 1
