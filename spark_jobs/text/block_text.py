"""Writes chosen blocks as text: paragraphs apart, list items and rows line by line, code as it stands.

White space is one space but in `pre`; cells of a row are parted by tabs; character references become characters.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text import block_columns as k
from spark_jobs.text import block_names as names
from spark_jobs.text.block_features import block_level
from spark_jobs.text.character_references import unescape
from spark_jobs.text.native import kernel

MAX_INDENT: Final = 8  # lists nested deeper are indented no further
_NEWLINE: Final = 10


def write_blocks(
    data: npt.NDArray[np.uint8], segments: tuple[Any, ...], chosen: npt.NDArray[np.bool_], *, bullets: bool
) -> str:
    """The text of the chosen blocks; `segments` are elements, runs and blocks of `segment`."""
    elements, runs, blocks = segments
    text: str = _write(data, elements, runs, blocks, chosen, int(bullets)).tobytes().decode("utf-8", "replace")
    if "&" in text:
        text = unescape(text)
    return text.replace("\u00a0", " ").replace("\r\n", "\n").replace("\r", "\n").strip()


@kernel
def _list_item(elements: Any, element: int) -> Any:
    """The list item that the element lies in (-1: none; not beyond a table cell), and how many lists hold it."""
    item = -1
    depth = 0
    at = element
    while at > 0:
        kind = elements[at, k.KIND]
        if kind == names.LI and item < 0:
            item = at
        if kind == names.LIST:
            depth += 1
        if kind == names.CELL:
            break
        at = elements[at, k.PARENT]
    return item, depth


@kernel
def _row_of(elements: Any, element: int) -> int:
    at = element
    while at > 0:
        if elements[at, k.KIND] == names.ROW:
            return at
        at = elements[at, k.PARENT]
    return -1


@kernel
def _number(out: Any, size: int, number: int) -> int:
    digits = 1
    rest = number
    while rest >= 10:
        rest //= 10
        digits += 1
    for d in range(digits - 1, -1, -1):
        out[size + d] = 48 + number % 10
        number //= 10
    return size + digits


@kernel
def _mark(out: Any, size: int, elements: Any, item: int, depth: int) -> int:
    """Bullet or number of a list item, indented by how deep its list lies."""
    for _ in range(2 * min(MAX_INDENT, depth - 1)):
        out[size] = 32
        size += 1
    if elements[elements[item, k.PARENT], k.NAME] == names.OL_HASH:
        size = _number(out, size, elements[item, k.ORDINAL])
        out[size], out[size + 1] = 46, 32
        return size + 2
    out[size], out[size + 1], out[size + 2], out[size + 3] = 0xE2, 0x80, 0xA2, 32
    return size + 4


@kernel
def _copy(out: Any, size: int, data: Any, run: Any) -> int:
    """A run of text: as it stands, or with white space as one space, none at the start of a line."""
    if run[k.VERBATIM] & 2:
        while size > 0 and out[size - 1] == 32:
            size -= 1
        out[size] = _NEWLINE
        size += 1
    for i in range(run[k.START], run[k.END]):
        c = data[i]
        if run[k.VERBATIM] & 1 or c > 32:
            out[size] = c
            size += 1
        elif size > 0 and out[size - 1] != 32 and out[size - 1] != _NEWLINE and out[size - 1] != 9:
            out[size] = 32
            size += 1
    return size


@kernel
def _write(  # noqa: C901, PLR0917 - numba takes no keywords
    data: Any, elements: Any, runs: Any, blocks: Any, chosen: Any, bullets: int
) -> Any:
    room = 64
    for b in range(blocks.shape[0]):
        if chosen[b]:
            room += 2 * MAX_INDENT + 28
            for r in range(blocks[b, k.RUN], blocks[b, k.RUN] + blocks[b, k.RUNS]):
                room += runs[r, k.END] - runs[r, k.START] + 2
    out = np.empty(room, np.uint8)
    size = 0
    last_item = last_row = -2
    for b in range(blocks.shape[0]):
        if not chosen[b]:
            continue
        e = block_level(elements, blocks[b, k.ELEMENT])
        row = _row_of(elements, e)
        item, depth = _list_item(elements, e)
        while size > 0 and (out[size - 1] == 32 or out[size - 1] == _NEWLINE):
            size -= 1
        if size > 0:
            if row >= 0 and row == last_row:
                out[size] = 9
                size += 1
            else:
                out[size] = _NEWLINE
                size += 1
                tight = (row >= 0 and last_row >= 0) or (item >= 0 and (last_item >= 0)) or item == last_item >= 0
                tight = tight or (row < 0 and elements[e, k.KIND] in (names.TERM, names.DEFINITION))
                if not tight:
                    out[size] = _NEWLINE
                    size += 1
        if item >= 0 and item != last_item and bullets:
            size = _mark(out, size, elements, item, depth)
        for r in range(blocks[b, k.RUN], blocks[b, k.RUN] + blocks[b, k.RUNS]):
            size = _copy(out, size, data, runs[r])
        last_item, last_row = item, row
    return out[:size]
