"""The open elements while a page is cut into blocks: opening, closing, and the end tags that HTML implies."""

from typing import Any

from spark_jobs.text import block_columns as k
from spark_jobs.text import block_names as names
from spark_jobs.text.native import kernel


@kernel
def _pop_to(state: Any, opened: Any, elements: Any, place: int) -> bool:
    """Close open elements down to `place`; True if one of them was a block."""
    ended = False
    while state[k.TOP] > place:
        state[k.TOP] -= 1
        kind = elements[opened[state[k.TOP]], k.KIND]
        if kind == names.LINK:
            state[k.OPEN_LINKS] -= elements[opened[state[k.TOP]], k.ITEMS] == 1
        elif kind == names.PRE:
            state[k.OPEN_PRE] -= 1
        elif kind in (names.STRONG, names.HEADING):
            state[k.OPEN_BOLD] -= 1
        ended = ended or kind >= names.BLOCK
    return ended


@kernel
def close(state: Any, opened: Any, elements: Any, name: int, kind: Any) -> bool:
    """An end tag: close its nearest partner. An inline one does not reach beyond a block, none beyond its table."""
    i = state[k.TOP] - 1
    while i > 0:
        element = elements[opened[i]]
        if element[k.NAME] == name or (kind == names.HEADING and element[k.KIND] == names.HEADING):
            return _pop_to(state, opened, elements, i)
        if kind < names.BLOCK and kind != names.LINK and element[k.KIND] >= names.BLOCK:
            return False
        if element[k.KIND] == names.CELL and kind not in (names.ROW, names.TABLE):
            return False
        if element[k.KIND] == names.TABLE and kind != names.TABLE:
            return False
        i -= 1
    return False


@kernel
def imply(state: Any, opened: Any, elements: Any, kind: Any) -> bool:
    """End tags that the start of an element of this kind implies."""
    i = state[k.TOP] - 1
    ended = False
    while i > 0:
        open_kind = elements[opened[i], k.KIND]
        if open_kind == names.P and kind >= names.BLOCK:
            ended = _pop_to(state, opened, elements, i) or ended
        elif open_kind == names.LINK and kind == names.LINK:
            return _pop_to(state, opened, elements, i) or ended
        elif (
            (kind == names.LI and open_kind == names.LI)
            or (kind in (names.TERM, names.DEFINITION) and open_kind in (names.TERM, names.DEFINITION))
            or (kind == names.CELL and open_kind == names.CELL)
            or (kind == names.ROW and open_kind in (names.ROW, names.CELL))
        ):
            ended = _pop_to(state, opened, elements, i) or ended
            if kind != names.ROW:
                return ended
        elif open_kind >= names.BLOCK and not (open_kind == names.CELL and kind == names.ROW):
            return ended
        i -= 1
    return ended


@kernel
def push(state: Any, opened: Any, elements: Any, element: Any) -> None:
    """Open an element: its kind, the hash of its name, its hints, the hash of its class."""
    kind, name, hints, look = element
    parent = opened[state[k.TOP] - 1]
    row = elements[state[k.ELEMENTS]]
    row[k.PARENT], row[k.KIND], row[k.HINTS], row[k.NAME] = parent, kind, hints, name
    row[k.LEVEL] = elements[parent, k.LEVEL] + 1
    row[k.LOOK] = ((elements[parent, k.LOOK] * 31 if kind < names.BLOCK else 7) + name * 131 + look) & 0x7FFFFFFFFFFF
    if kind in (names.LI, names.TERM, names.DEFINITION):
        elements[parent, k.ITEMS] += 1
        row[k.ORDINAL] = elements[parent, k.ITEMS]
    if state[k.TOP] < k.MAX_OPEN:
        opened[state[k.TOP]] = state[k.ELEMENTS]
        state[k.TOP] += 1
        if kind == names.PRE:
            state[k.OPEN_PRE] += 1
        elif kind in (names.STRONG, names.HEADING):
            state[k.OPEN_BOLD] += 1
    state[k.ELEMENTS] += 1
