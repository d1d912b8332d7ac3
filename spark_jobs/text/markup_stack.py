"""The stack of open elements of the HTML model, and the formatting elements that wait to be opened again.

All kernels work on the same arrays: `state` (numbers), `stack` (one row an open element), `last` (place of the topmost
open element by kind, -1 for none), `pending` (formatting elements that a closing block cut off: the parser opens them
again where content follows, which is how a small page becomes a huge tree).
"""

from typing import Any, Final

from spark_jobs.text import markup_names as names
from spark_jobs.text.native import kernel

MAX_STACK: Final = 1 << 15  # deeper pages are not told apart
MAX_PENDING: Final = 512

# Numbers of the running state.
STATE_SIZE: Final = 12
(TOP, LIVE, DEPTH, TAGS, PENDING, BASE, SCOPE, BUTTON, BLOCK, SPECIAL, OPTIONS, MOST_OPTIONS) = range(STATE_SIZE)
# Columns of the stack: what the element is, and where the nearest element of each sort below it lies.
COLUMNS: Final = 11
(KIND, HASH, FLAGS, LOOKS, OLD_KIND, OLD_SCOPE, OLD_BUTTON, OLD_BLOCK, OLD_SPECIAL, OLD_BASE, DEAD) = range(COLUMNS)


@kernel
def push(state: Any, stack: Any, last: Any, tag: Any) -> None:
    """Open an element: kind, hash of its name, flags, hash of its whole tag."""
    kind, value, flags, looks = tag
    top = state[TOP]
    stack[top, KIND], stack[top, HASH], stack[top, FLAGS] = kind, value, flags
    stack[top, LOOKS], stack[top, DEAD], stack[top, OLD_KIND] = looks, 0, last[kind]
    stack[top, OLD_SCOPE], stack[top, OLD_BUTTON], stack[top, OLD_BLOCK] = state[SCOPE], state[BUTTON], state[BLOCK]
    stack[top, OLD_SPECIAL], stack[top, OLD_BASE] = state[SPECIAL], state[BASE]
    last[kind] = top
    if flags & names.SCOPE:
        state[SCOPE] = top
    if flags & names.SCOPE or kind == names.BUTTON:
        state[BUTTON] = top
    if flags & names.SPECIAL:
        state[SPECIAL] = top
        if kind not in (names.ADDRESS, names.DIV, names.P, names.LI, names.DD):
            state[BLOCK] = top
    if flags & names.MARKER:
        state[BASE] = state[PENDING]
    state[TOP] += 1
    state[LIVE] += 1
    state[DEPTH] = max(state[DEPTH], state[LIVE])


@kernel
def _pop(state: Any, stack: Any, last: Any) -> None:
    state[TOP] -= 1
    top = state[TOP]
    state[SCOPE], state[BUTTON] = stack[top, OLD_SCOPE], stack[top, OLD_BUTTON]
    state[BLOCK], state[SPECIAL] = stack[top, OLD_BLOCK], stack[top, OLD_SPECIAL]
    if stack[top, FLAGS] & names.MARKER:
        state[PENDING], state[BASE] = state[BASE], stack[top, OLD_BASE]
    if not stack[top, DEAD]:
        last[stack[top, KIND]] = stack[top, OLD_KIND]
        state[LIVE] -= 1


@kernel
def pop_to(state: Any, stack: Any, last: Any, pending: Any, place: int) -> None:
    """Close everything from the top down to `place`; formatting that nobody closed waits to be opened again."""
    while state[TOP] > place:
        top = state[TOP] - 1
        waits = stack[top, FLAGS] & names.FORMATTING and not stack[top, DEAD] and top > place
        _pop(state, stack, last)
        if waits and state[PENDING] < MAX_PENDING:
            # What was popped lies in its row until something is pushed.
            end, looks = state[PENDING], stack[top, LOOKS]
            same = 0
            for i in range(state[BASE], end):
                same += pending[i, 3] == looks
            if same < 3:  # the parser keeps three that look alike
                pending[end, 0], pending[end, 1] = stack[top, KIND], stack[top, HASH]
                pending[end, 2], pending[end, 3] = stack[top, FLAGS], looks
                state[PENDING] += 1
    while state[TOP] > 0 and stack[state[TOP] - 1, DEAD]:
        _pop(state, stack, last)


@kernel
def kill(state: Any, stack: Any, last: Any, pending: Any, place: int) -> None:
    """Take one element out of the stack; what it holds stays open."""
    stack[place, DEAD] = 1
    last[stack[place, KIND]] = stack[place, OLD_KIND]
    state[LIVE] -= 1
    if place == state[TOP] - 1:
        pop_to(state, stack, last, pending, place)


@kernel
def reopen(state: Any, stack: Any, last: Any, pending: Any) -> None:
    """Content follows: the parser opens all waiting formatting elements again, as new elements."""
    for i in range(state[BASE], state[PENDING]):
        if state[TOP] < MAX_STACK:
            state[TAGS] += 1
            push(state, stack, last, (pending[i, 0], pending[i, 1], pending[i, 2], pending[i, 3]))
    state[PENDING] = state[BASE]


@kernel
def close_formatting(state: Any, stack: Any, last: Any, pending: Any, kind: int) -> None:
    """End tag of a formatting element: closes the open one in scope, else forgets the last one that waits."""
    place = last[kind]
    if place > state[SCOPE]:
        kill(state, stack, last, pending, place)
        return
    for i in range(state[PENDING] - 1, state[BASE] - 1, -1):
        if pending[i, 0] == kind:
            for j in range(i, state[PENDING] - 1):
                for column in range(4):
                    pending[j, column] = pending[j + 1, column]
            state[PENDING] -= 1
            return
