"""Counts what a page would cost the parser, in one pass over its bytes and without a tree.

A model of HTML parsing (WHATWG HTML, 13.2.6): implied end tags, end tags that find no partner, formatting elements that
are opened again. Each byte and each tag costs a bounded amount of work, whatever the page. A tag is a tuple of kind,
hash of the name, flags, hash of the whole tag, and whether it closes itself.
"""

from typing import Any, Final

import numpy as np

from spark_jobs.text import markup_names as names
from spark_jobs.text.markup_stack import (
    BASE,
    BLOCK,
    BUTTON,
    COLUMNS,
    DEPTH,
    HASH,
    MAX_PENDING,
    MAX_STACK,
    MOST_OPTIONS,
    OPTIONS,
    PENDING,
    SCOPE,
    SPECIAL,
    STATE_SIZE,
    TAGS,
    TOP,
    close_formatting,
    kill,
    pop_to,
    push,
    reopen,
)
from spark_jobs.text.markup_tokens import read_tag, skip_markup, skip_raw
from spark_jobs.text.native import kernel

MAX_TAGS: Final = 50_000_000  # counting stops here


@kernel
def _barrier(state: Any, last: Any, kind: int, flags: int) -> Any:
    """Place in the stack beyond which this end tag does not look for its partner."""
    if kind in (names.TEMPLATE, names.SELECT):
        return np.int64(-1)
    if kind == names.TABLE:
        return last[names.TEMPLATE]
    if kind in (names.CELL, names.ROW, names.ROWGROUP, names.CAPTION):
        return max(last[names.TABLE], last[names.TEMPLATE])
    if kind == names.LI:
        return max(state[SCOPE], last[names.LIST])
    if flags & (names.SPECIAL | names.SCOPE):
        return state[SCOPE]
    return state[SPECIAL]


@kernel
def _end(state: Any, stack: Any, last: Any, pending: Any, tag: Any) -> None:
    """An end tag: closes its partner where the parser would find it; a stray `</p>` makes an element."""
    kind, value, flags = tag[0], tag[1], tag[2]
    alias = names.FIRST_UNKNOWN + value % 128
    inner = last[alias]
    if kind < names.FIRST_UNKNOWN and inner > max(last[names.FOREIGN], state[SPECIAL]) and stack[inner, HASH] == value:
        # A known name that was opened as a plain one: inside svg and mathml, or mathml's names outside of it.
        pop_to(state, stack, last, pending, inner)
        return
    place = last[kind]
    if flags & names.FORMATTING:
        close_formatting(state, stack, last, pending, kind)
        return
    if kind == names.FORM:
        if place >= 0:
            kill(state, stack, last, pending, place)
        return
    if kind == names.P and place <= state[BUTTON]:
        state[TAGS] += 1
        return
    same = kind < names.FIRST_UNKNOWN or stack[place, HASH] == value
    if same and place >= max(0, _barrier(state, last, kind, flags)):
        pop_to(state, stack, last, pending, place)


@kernel
def _imply_table_ends(state: Any, stack: Any, last: Any, pending: Any, kind: int) -> None:
    """A part of a table ends the parts before it."""
    if last[names.CAPTION] > last[names.TABLE]:
        pop_to(state, stack, last, pending, last[names.CAPTION])
    if last[names.CELL] > last[names.TABLE]:
        pop_to(state, stack, last, pending, last[names.CELL])
    if kind != names.CELL and last[names.ROW] > last[names.TABLE]:
        pop_to(state, stack, last, pending, last[names.ROW])
    if kind not in (names.CELL, names.ROW) and last[names.ROWGROUP] > last[names.TABLE]:
        pop_to(state, stack, last, pending, last[names.ROWGROUP])


@kernel
def _imply_option_ends(state: Any, stack: Any, last: Any, pending: Any, kind: int) -> None:
    """In a select any open option ends; elsewhere only one that holds nothing else."""
    selecting = last[names.SELECT] >= 0
    option = last[names.OPTION]
    if option >= 0 and ((selecting and option > last[names.SELECT]) or option == state[TOP] - 1):
        pop_to(state, stack, last, pending, option)
    if kind == names.OPTGROUP and selecting and last[names.OPTGROUP] > last[names.SELECT]:
        pop_to(state, stack, last, pending, last[names.OPTGROUP])


@kernel
def _imply_ends(state: Any, stack: Any, last: Any, pending: Any, kind_flags: Any) -> None:
    """End tags that the start of this element implies."""
    kind, flags = kind_flags
    if flags & names.CLOSES_P and last[names.P] > state[BUTTON]:
        pop_to(state, stack, last, pending, last[names.P])
    if kind == names.LI and last[names.LI] > max(state[BLOCK], last[names.DD]):
        pop_to(state, stack, last, pending, last[names.LI])
    elif kind == names.DD and last[names.DD] > max(state[BLOCK], last[names.LI]):
        pop_to(state, stack, last, pending, last[names.DD])
    elif flags & names.IN_TABLE:
        _imply_table_ends(state, stack, last, pending, kind)
    elif kind in (names.OPTION, names.OPTGROUP):
        _imply_option_ends(state, stack, last, pending, kind)
    elif kind == names.BUTTON and last[names.BUTTON] > state[SCOPE]:
        pop_to(state, stack, last, pending, last[names.BUTTON])
    elif kind in (names.A, names.NOBR):
        close_formatting(state, stack, last, pending, kind)


@kernel
def _in_foreign(state: Any, last: Any) -> bool:
    """The innermost open element belongs to svg or mathml."""
    return bool(last[names.FOREIGN] > max(last[names.INTEGRATION], state[SPECIAL]))


@kernel
def _imply_rows(state: Any, stack: Any, last: Any, kind: int) -> None:
    """Row group and row that the parser makes around a bare row or cell."""
    if kind in (names.ROW, names.CELL) and last[names.ROWGROUP] < last[names.TABLE]:
        state[TAGS] += 1
        push(state, stack, last, (names.ROWGROUP, 0, names.SPECIAL, 0))
    if kind == names.CELL and last[names.ROW] < last[names.TABLE]:
        state[TAGS] += 1
        push(state, stack, last, (names.ROW, 0, names.SPECIAL, 0))


@kernel
def _start(state: Any, stack: Any, last: Any, pending: Any, tag: Any) -> bool:
    """A start tag; True if what follows is raw text up to the end tag."""
    kind, value, flags, looks, closed = tag
    alias = names.FIRST_UNKNOWN + value % 128
    while flags & names.BREAKS_OUT and _in_foreign(state, last):
        pop_to(state, stack, last, pending, last[names.FOREIGN])
    foreign = _in_foreign(state, last)
    if foreign or kind in (names.FOREIGN, names.INTEGRATION):
        if not (closed and (foreign or kind == names.FOREIGN)):
            kept = kind == names.FOREIGN or (kind == names.INTEGRATION and foreign)
            push(state, stack, last, (kind if kept else alias, value, flags if kept else 0, looks))
        return False
    outside_table = last[names.TABLE] < 0 and last[names.TEMPLATE] < 0
    if (
        flags & names.IGNORED
        or (flags & names.IN_TABLE and outside_table)
        or (kind == names.FORM and last[names.FORM] >= 0)
    ):
        return False
    _imply_ends(state, stack, last, pending, (kind, flags))
    if kind == names.SELECT:
        state[OPTIONS] = 0
    elif kind == names.OPTION:
        state[OPTIONS] += 1
        state[MOST_OPTIONS] = max(state[MOST_OPTIONS], state[OPTIONS])
    if not flags & names.SPECIAL and state[PENDING] > state[BASE]:
        reopen(state, stack, last, pending)
    if flags & names.VOID or state[TOP] >= MAX_STACK:
        return False
    if flags & names.RAW:
        return True
    _imply_rows(state, stack, last, kind)
    push(state, stack, last, (kind, value, flags, looks))
    return False


@kernel
def measure(data: Any) -> Any:
    """Tags (opened, closed, implied), greatest depth, most attributes in a tag, most options in a select."""
    n = data.size
    state = np.zeros(STATE_SIZE, np.int64)
    state[SCOPE] = state[BUTTON] = state[BLOCK] = state[SPECIAL] = -1
    # Rows are written before they are read; clearing three megabytes would cost more than a small page.
    stack = np.empty((MAX_STACK + MAX_PENDING, COLUMNS), np.int64)
    last = np.full(names.KINDS, -1, np.int64)
    pending = np.zeros((MAX_PENDING, 4), np.int64)
    most = 0
    i = 0
    while i < n and state[TAGS] < MAX_TAGS and state[TOP] < MAX_STACK:
        if data[i] != 60:
            if state[PENDING] > state[BASE]:
                while i < n and data[i] <= 32:
                    i += 1
                if i < n and data[i] != 60:
                    reopen(state, stack, last, pending)
            while i < n and data[i] != 60:
                i += 1
            continue
        ends = i + 1 < n and data[i + 1] == 47
        j = i + 2 if ends else i + 1
        if j >= n or not (65 <= data[j] <= 90 or 97 <= data[j] <= 122):
            i = skip_markup(data, i) if ends or (j < n and data[j] in (33, 63)) else i + 1
            continue
        value, looks, attributes, i, closed = read_tag(data, j)
        state[TAGS] += 1
        most = max(most, attributes)
        slot = (value ^ (value >> 16)) & 0xFFFF
        known = names.KIND_OF_SLOT[slot] != 0 and np.int64(names.HASH_OF_SLOT[slot]) == value
        tag = (
            np.int64(names.KIND_OF_SLOT[slot]) if known else names.FIRST_UNKNOWN + value % 128,
            value,
            np.int64(names.FLAGS_OF_SLOT[slot]) if known else np.int64(0),
            looks,
            np.int64(closed),
        )
        if ends:
            _end(state, stack, last, pending, tag)
        elif _start(state, stack, last, pending, tag):
            i = n if tag[0] == names.PLAINTEXT else skip_raw(data, i, value)
    return state[TAGS], state[DEPTH], most, state[MOST_OPTIONS]
