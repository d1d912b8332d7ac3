"""Counts what a page would cost the parser, in one pass over its bytes and without a tree.

A model of HTML parsing (WHATWG HTML, 13.2): the stack of open elements with implied end tags, end tags that find no
partner, and formatting elements that the parser opens again in block after block, which is how a small page becomes a
huge tree. Each byte and each tag costs a bounded amount of work, whatever the page.
"""

from typing import Any

import numpy as np

from spark_jobs.text import markup_names as names
from spark_jobs.text.native import kernel

MAX_STACK = 1 << 15  # deeper pages are not told apart
MAX_PENDING = 512  # formatting elements that wait to be opened again
MAX_TAGS = 50_000_000  # counting stops here

# Numbers of the running state.
_TOP, _LIVE, _DEPTH, _TAGS, _PENDING, _BASE, _SCOPE, _BUTTON, _BLOCK, _SPECIAL, _OPTIONS, _MOST_OPTIONS = range(12)
# Columns of the stack: what the element is, and where the nearest element of each sort below it lies.
_KIND, _HASH, _FLAGS, _LOOKS, _OLD_KIND, _OLD_SCOPE, _OLD_BUTTON, _OLD_BLOCK, _OLD_SPECIAL, _OLD_BASE, _DEAD = range(11)

_KINDS, _HASHES, _FLAGS_OF = names.KIND_OF_SLOT, names.HASH_OF_SLOT, names.FLAGS_OF_SLOT
_VOID, _RAW, _CLOSES_P, _IS_SCOPE, _IS_SPECIAL = names.VOID, names.RAW, names.CLOSES_P, names.SCOPE, names.SPECIAL
_FORMATTING, _MARKER, _IN_TABLE, _IGNORED = names.FORMATTING, names.MARKER, names.IN_TABLE, names.IGNORED
_BREAKS_OUT = names.BREAKS_OUT
_P, _LI, _DD, _ROWGROUP, _ROW, _CELL, _TABLE = (
    names.P, names.LI, names.DD, names.ROWGROUP, names.ROW, names.CELL, names.TABLE,
)  # fmt: skip
_SELECT, _OPTION, _OPTGROUP, _BUTTON_KIND, _FORM, _A, _NOBR = (
    names.SELECT, names.OPTION, names.OPTGROUP, names.BUTTON, names.FORM, names.A, names.NOBR,
)  # fmt: skip
_TEMPLATE, _FOREIGN, _INTEGRATION, _PLAINTEXT = names.TEMPLATE, names.FOREIGN, names.INTEGRATION, names.PLAINTEXT
_ADDRESS, _DIV, _CAPTION, _LIST, _UNKNOWN = names.ADDRESS, names.DIV, names.CAPTION, names.LIST, names.FIRST_UNKNOWN


@kernel
def _push(state: Any, stack: Any, last: Any, tag: Any) -> None:
    kind, value, flags, looks = tag
    top = state[_TOP]
    row = stack[top]
    row[_KIND], row[_HASH], row[_FLAGS], row[_LOOKS], row[_DEAD] = kind, value, flags, looks, 0
    row[_OLD_KIND], row[_OLD_SCOPE], row[_OLD_BUTTON] = last[kind], state[_SCOPE], state[_BUTTON]
    row[_OLD_BLOCK], row[_OLD_SPECIAL], row[_OLD_BASE] = state[_BLOCK], state[_SPECIAL], state[_BASE]
    last[kind] = top
    if flags & _IS_SCOPE:
        state[_SCOPE] = top
    if flags & _IS_SCOPE or kind == _BUTTON_KIND:
        state[_BUTTON] = top
    if flags & _IS_SPECIAL:
        state[_SPECIAL] = top
        if kind not in (_ADDRESS, _DIV, _P, _LI, _DD):
            state[_BLOCK] = top
    if flags & _MARKER:
        state[_BASE] = state[_PENDING]
    state[_TOP] += 1
    state[_LIVE] += 1
    state[_DEPTH] = max(state[_DEPTH], state[_LIVE])


@kernel
def _pop(state: Any, stack: Any, last: Any) -> None:
    state[_TOP] -= 1
    row = stack[state[_TOP]]
    state[_SCOPE], state[_BUTTON] = row[_OLD_SCOPE], row[_OLD_BUTTON]
    state[_BLOCK], state[_SPECIAL] = row[_OLD_BLOCK], row[_OLD_SPECIAL]
    if row[_FLAGS] & _MARKER:
        state[_PENDING], state[_BASE] = state[_BASE], row[_OLD_BASE]
    if not row[_DEAD]:
        last[row[_KIND]] = row[_OLD_KIND]
        state[_LIVE] -= 1


@kernel
def _pop_to(state: Any, stack: Any, last: Any, pending: Any, place: int) -> None:
    """Close everything from the top down to `place`; formatting that nobody closed waits to be opened again."""
    while state[_TOP] > place:
        row = stack[state[_TOP] - 1]
        waits = row[_FLAGS] & _FORMATTING and not row[_DEAD] and state[_TOP] - 1 > place
        kind, value, flags, looks = row[_KIND], row[_HASH], row[_FLAGS], row[_LOOKS]
        _pop(state, stack, last)
        if waits and state[_PENDING] < MAX_PENDING:
            same = 0
            for i in range(state[_BASE], state[_PENDING]):
                same += pending[i, 3] == looks
            if same < 3:  # the parser keeps three that look alike
                wait = pending[state[_PENDING]]
                wait[0], wait[1], wait[2], wait[3] = kind, value, flags, looks
                state[_PENDING] += 1
    while state[_TOP] > 0 and stack[state[_TOP] - 1, _DEAD]:
        _pop(state, stack, last)


@kernel
def _kill(state: Any, stack: Any, last: Any, pending: Any, place: int) -> None:
    """Take one element out of the stack; what it holds stays open."""
    row = stack[place]
    row[_DEAD] = 1
    last[row[_KIND]] = row[_OLD_KIND]
    state[_LIVE] -= 1
    if place == state[_TOP] - 1:
        _pop_to(state, stack, last, pending, place)


@kernel
def _reopen(state: Any, stack: Any, last: Any, pending: Any) -> None:
    """Content follows: the parser opens all waiting formatting elements again, as new elements."""
    for i in range(state[_BASE], state[_PENDING]):
        if state[_TOP] < MAX_STACK:
            state[_TAGS] += 1
            _push(state, stack, last, (pending[i, 0], pending[i, 1], pending[i, 2], pending[i, 3]))
    state[_PENDING] = state[_BASE]


@kernel
def _close_formatting(state: Any, stack: Any, last: Any, pending: Any, kind: int) -> None:
    place = last[kind]
    if place > state[_SCOPE]:
        _kill(state, stack, last, pending, place)
        return
    for i in range(state[_PENDING] - 1, state[_BASE] - 1, -1):
        if pending[i, 0] == kind:
            for j in range(i, state[_PENDING] - 1):
                pending[j] = pending[j + 1]
            state[_PENDING] -= 1
            return


@kernel
def _end(state: Any, stack: Any, last: Any, pending: Any, kind: int, value: int, flags: int) -> None:
    """An end tag: closes its partner where the parser would find it, else nothing (a stray `</p>` makes an element)."""
    alias = _UNKNOWN + value % 128
    inner = last[alias]
    if kind < _UNKNOWN and inner > max(last[_FOREIGN], state[_SPECIAL]) and stack[inner, _HASH] == value:
        # A known name that was opened as a plain one: inside svg and mathml, or mathml's names outside of it.
        _pop_to(state, stack, last, pending, inner)
        return
    place = last[kind]
    if flags & _FORMATTING:
        _close_formatting(state, stack, last, pending, kind)
        return
    if kind == _FORM:
        if place >= 0:
            _kill(state, stack, last, pending, place)
        return
    if kind == _P and place <= state[_BUTTON]:
        state[_TAGS] += 1
        return
    barrier = state[_SPECIAL]
    if kind in (_TABLE, _CELL, _ROW, _ROWGROUP, _CAPTION):
        barrier = last[_TEMPLATE] if kind == _TABLE else max(last[_TABLE], last[_TEMPLATE])
    elif kind == _LI:
        barrier = max(state[_SCOPE], last[_LIST])
    elif kind == _TEMPLATE or kind == _SELECT:
        barrier = -1
    elif flags & (_IS_SPECIAL | _IS_SCOPE):
        barrier = state[_SCOPE]
    if place >= 0 and place >= barrier and (kind < _UNKNOWN or stack[place, _HASH] == value):
        _pop_to(state, stack, last, pending, place)


@kernel
def _imply_ends(state: Any, stack: Any, last: Any, pending: Any, kind: int, flags: int) -> None:
    """End tags that the start of this element implies."""
    if flags & _CLOSES_P and last[_P] > state[_BUTTON]:
        _pop_to(state, stack, last, pending, last[_P])
    if kind == _LI and last[_LI] > max(state[_BLOCK], last[_DD]):
        _pop_to(state, stack, last, pending, last[_LI])
    elif kind == _DD and last[_DD] > max(state[_BLOCK], last[_LI]):
        _pop_to(state, stack, last, pending, last[_DD])
    elif flags & _IN_TABLE:
        if last[_CAPTION] > last[_TABLE]:
            _pop_to(state, stack, last, pending, last[_CAPTION])
        if last[_CELL] > last[_TABLE]:
            _pop_to(state, stack, last, pending, last[_CELL])
        if kind != _CELL and last[_ROW] > last[_TABLE]:
            _pop_to(state, stack, last, pending, last[_ROW])
        if kind not in (_CELL, _ROW) and last[_ROWGROUP] > last[_TABLE]:
            _pop_to(state, stack, last, pending, last[_ROWGROUP])
    elif kind in (_OPTION, _OPTGROUP):
        selecting = last[_SELECT] >= 0
        if last[_OPTION] >= 0 and ((selecting and last[_OPTION] > last[_SELECT]) or last[_OPTION] == state[_TOP] - 1):
            _pop_to(state, stack, last, pending, last[_OPTION])
        if kind == _OPTGROUP and selecting and last[_OPTGROUP] > last[_SELECT]:
            _pop_to(state, stack, last, pending, last[_OPTGROUP])
    elif kind == _BUTTON_KIND and last[_BUTTON_KIND] > state[_SCOPE]:
        _pop_to(state, stack, last, pending, last[_BUTTON_KIND])
    elif kind in (_A, _NOBR):
        _close_formatting(state, stack, last, pending, kind)


@kernel
def _in_foreign(state: Any, last: Any) -> bool:
    """The innermost open element belongs to svg or mathml."""
    return bool(last[_FOREIGN] > max(last[_INTEGRATION], state[_SPECIAL]))


@kernel
def _imply_rows(state: Any, stack: Any, last: Any, kind: int) -> None:
    """Row group and row that the parser makes around a bare row or cell."""
    if kind in (_ROW, _CELL) and last[_ROWGROUP] < last[_TABLE]:
        state[_TAGS] += 1
        _push(state, stack, last, (_ROWGROUP, zero, zero + _IS_SPECIAL, zero))
    if kind == _CELL and last[_ROW] < last[_TABLE]:
        state[_TAGS] += 1
        _push(state, stack, last, (_ROW, zero, zero + _IS_SPECIAL, zero))


@kernel
def _start(
    state: Any, stack: Any, last: Any, pending: Any, kind: int, value: int, flags: int, looks: int, closed: bool
) -> bool:
    """A start tag; True if what follows is raw text up to the end tag."""
    alias = _UNKNOWN + value % 128
    while flags & _BREAKS_OUT and _in_foreign(state, last):
        _pop_to(state, stack, last, pending, last[_FOREIGN])
    foreign = _in_foreign(state, last)
    if foreign or kind in (_FOREIGN, _INTEGRATION):
        if not (closed and (foreign or kind == _FOREIGN)):
            kept = kind == _FOREIGN or (kind == _INTEGRATION and foreign)
            _push(state, stack, last, kind if kept else alias, value, flags if kept else 0, looks)
        return False
    outside_table = last[_TABLE] < 0 and last[_TEMPLATE] < 0
    if flags & _IGNORED or (flags & _IN_TABLE and outside_table) or (kind == _FORM and last[_FORM] >= 0):
        return False
    _imply_ends(state, stack, last, pending, kind, flags)
    if kind == _SELECT:
        state[_OPTIONS] = 0
    elif kind == _OPTION:
        state[_OPTIONS] += 1
        state[_MOST_OPTIONS] = max(state[_MOST_OPTIONS], state[_OPTIONS])
    if not flags & _IS_SPECIAL and state[_PENDING] > state[_BASE]:
        _reopen(state, stack, last, pending)
    if flags & _VOID or state[_TOP] >= MAX_STACK:
        return False
    if flags & _RAW:
        return True
    _imply_rows(state, stack, last, kind)
    _push(state, stack, last, kind, value, flags, looks)
    return False


@kernel
def measure(data: Any) -> tuple[int, int, int, int]:
    """Tags (opened, closed, implied), greatest depth, most attributes in a tag, most options in a select."""
    n = data.size
    state = np.zeros(12, np.int64)
    state[_SCOPE] = state[_BUTTON] = state[_BLOCK] = state[_SPECIAL] = -1
    stack = np.zeros((MAX_STACK + MAX_PENDING, 11), np.int64)
    last = np.full(names.KINDS, -1, np.int64)
    pending = np.zeros((MAX_PENDING, 4), np.int64)
    most = 0
    i = 0
    while i < n and state[_TAGS] < MAX_TAGS and state[_TOP] < MAX_STACK:
        if data[i] != 60:
            if data[i] > 32 and state[_PENDING] > state[_BASE]:
                _reopen(state, stack, last, pending)
            i += 1
            continue
        ends = i + 1 < n and data[i + 1] == 47
        j = i + 2 if ends else i + 1
        if j >= n or not (65 <= data[j] <= 90 or 97 <= data[j] <= 122):
            i = skip_markup(data, i) if ends or (j < n and data[j] in (33, 63)) else i + 1
            continue
        value, looks, attributes, i, closed = read_tag(data, j)
        state[_TAGS] += 1
        most = max(most, attributes)
        slot = (value ^ (value >> 16)) & 0xFFFF
        known = _KINDS[slot] != 0 and np.int64(_HASHES[slot]) == value
        kind = np.int64(_KINDS[slot]) if known else np.int64(_UNKNOWN + value % 128)
        flags = np.int64(_FLAGS_OF[slot]) if known else np.int64(0)
        if ends:
            _end(state, stack, last, pending, kind, value, flags)
        elif _start(state, stack, last, pending, kind, value, flags, looks, closed):
            i = n if kind == _PLAINTEXT else skip_raw(data, i, value)
    return state[_TAGS], state[_DEPTH], most, state[_MOST_OPTIONS]
