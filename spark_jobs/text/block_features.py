"""What can be told of a block of text by its form: its own counts, the elements around it, its place, its neighbours.

No word of any language is looked at: letters, sentence ends, links, tags, classes. One row of float32 a block.
"""

from typing import Any, Final

import numpy as np

from spark_jobs.text import block_columns as k
from spark_jobs.text import block_names as names
from spark_jobs.text.native import kernel

_FAR: Final = 30
# Kinds of elements whose nearest ancestor is told by its distance.
_AROUND: Final = np.array(
    (
        names.ARTICLE, names.MAIN, names.NAV, names.HEADER, names.FOOTER, names.ASIDE, names.FORM, names.FIGURE,
        names.CAPTION, names.LIST, names.TABLE, names.QUOTE, names.P, names.PRE,
    ),
    np.int64,
)  # fmt: skip
_DISTANCES: Final = names.HINTS + _AROUND.size
# Sums over the blocks inside an element.
SUMS: Final = 5
(S_WEIGHT, S_LINKED, S_PROSE, S_BLOCKS, S_PROSE_BLOCKS) = range(SUMS)
OWN: Final = 22
NEIGHBOURS: Final = 4 * 5 + 3
AROUND: Final = 3 * 5 + 5
PLACE: Final = 11
GROUP: Final = 6
FEATURES: Final = OWN + _DISTANCES + NEIGHBOURS + AROUND + PLACE + GROUP


@kernel
def block_level(elements: Any, element: int) -> int:
    """The element itself or its nearest ancestor that begins a new line."""
    while element > 0 and elements[element, k.KIND] < names.BLOCK:
        element = elements[element, k.PARENT]
    return element


@kernel
def _distances(elements: Any) -> Any:
    """Per element, block-level steps up to the nearest element with each hint and of each kind of _AROUND."""
    far = np.full((elements.shape[0], _DISTANCES), _FAR, np.int16)
    for e in range(elements.shape[0]):
        parent = elements[e, k.PARENT]
        if parent >= 0:
            step = np.int16(elements[e, k.KIND] >= names.BLOCK)
            for c in range(_DISTANCES):
                far[e, c] = min(_FAR, far[parent, c] + step)
        for c in range(names.HINTS):
            if elements[e, k.HINTS] >> c & 1:
                far[e, c] = 0
        for c in range(_AROUND.size):
            if elements[e, k.KIND] == _AROUND[c]:
                far[e, names.HINTS + c] = 0
    return far


@kernel
def is_prose(block: Any) -> bool:
    """Sentences rather than labels: some length, a sentence end or comma, few links."""
    return bool(
        block[k.WEIGHT] >= 40 and block[k.ENDERS] + block[k.COMMAS] > 0 and 2 * block[k.LINKED] < block[k.WEIGHT]
    )


@kernel
def _sums(elements: Any, blocks: Any) -> Any:
    total = np.zeros((elements.shape[0], SUMS), np.float64)
    for b in range(blocks.shape[0]):
        block = blocks[b]
        row = total[block[k.ELEMENT]]
        row[S_WEIGHT] += block[k.WEIGHT]
        row[S_LINKED] += block[k.LINKED]
        row[S_BLOCKS] += 1
        if is_prose(block):
            row[S_PROSE] += block[k.WEIGHT]
            row[S_PROSE_BLOCKS] += 1
    for e in range(elements.shape[0] - 1, 0, -1):
        total[elements[e, k.PARENT]] += total[e]
    return total


@kernel
def best_container(elements: Any, blocks: Any, total: Any) -> int:
    """The element that holds most prose directly: paragraphs count for their parent, half for the one above."""
    score = np.zeros(elements.shape[0], np.float64)
    for b in range(blocks.shape[0]):
        block = blocks[b]
        if not is_prose(block):
            continue
        gain = 1.0 + block[k.COMMAS] + min(block[k.WEIGHT] / 80.0, 4.0)
        e = block_level(elements, block[k.ELEMENT])
        if elements[e, k.KIND] in (names.P, names.HEADING, names.LI, names.PRE, names.QUOTE):
            e = block_level(elements, elements[e, k.PARENT])
        score[e] += gain
        if e > 0:
            score[block_level(elements, elements[e, k.PARENT])] += gain / 2
    best = 0
    most = -1.0
    for e in range(elements.shape[0]):
        if score[e] > 0:
            value = score[e] * (1.0 - total[e, S_LINKED] / max(1.0, total[e, S_WEIGHT]))
            if value > most:
                most = value
                best = e
    return best


@kernel
def groups(elements: Any, blocks: Any) -> Any:
    """Per block, the number of its group: blocks whose elements look the same, two levels up."""
    n = blocks.shape[0]
    room = 64
    while room < 2 * n:
        room *= 2
    keys = np.zeros(room, np.int64)
    owner = np.full(room, -1, np.int64)
    group = np.zeros(n, np.int64)
    count = 0
    for b in range(n):
        e = block_level(elements, blocks[b, k.ELEMENT])
        above = block_level(elements, elements[e, k.PARENT]) if e > 0 else 0
        value = (elements[e, k.LOOK] * 1000003 + elements[above, k.LOOK] * 31 + 1) & 0x7FFFFFFFFFFF
        slot = (value ^ (value >> 17)) & (room - 1)
        while owner[slot] >= 0 and keys[slot] != value:
            slot = (slot + 1) & (room - 1)
        if owner[slot] < 0:
            owner[slot] = count
            keys[slot] = value
            count += 1
        group[b] = owner[slot]
    return group, count


@kernel
def _repeats(blocks: Any) -> Any:
    """Per block, how often its text stands in the page."""
    n = blocks.shape[0]
    room = 64
    while room < 2 * n:
        room *= 2
    keys = np.zeros(room, np.int64)
    counts = np.zeros(room, np.int64)
    where = np.zeros(n, np.int64)
    for b in range(n):
        value = blocks[b, k.HASH]
        slot = (value ^ (value >> 17)) & (room - 1)
        while counts[slot] > 0 and keys[slot] != value:
            slot = (slot + 1) & (room - 1)
        keys[slot] = value
        counts[slot] += 1
        where[b] = slot
    for b in range(n):
        where[b] = counts[where[b]]
    return where


@kernel
def _log(value: float) -> Any:
    return np.log1p(value)


@kernel
def _own(x: Any, block: Any, element: Any, kind: int, repeated: int) -> None:
    weight = max(1.0, float(block[k.WEIGHT]))
    x[0] = _log(block[k.WEIGHT])
    x[1] = block[k.LINKED] / weight
    x[2] = min(8.0, float(block[k.ENDERS]))
    x[3] = block[k.CLOSED]
    x[4] = 100.0 * block[k.COMMAS] / weight
    x[5] = block[k.DIGITS] / weight
    x[6] = block[k.UPPER] / weight
    x[7] = min(20.0, weight / max(1.0, float(block[k.WORDS])))
    x[8] = min(10.0, float(block[k.LINKS]))
    x[9] = block[k.BOLD] / weight
    x[10] = min(5.0, float(block[k.BREAKS]))
    x[11] = min(20.0, float(block[k.RUNS]))
    x[12] = kind == names.P
    x[13] = kind == names.LI
    x[14] = kind == names.HEADING
    x[15] = kind in (names.CELL, names.ROW, names.TABLE)
    x[16] = block[k.PRE_TEXT]
    x[17] = kind in (names.DIV, names.SECTION, names.ARTICLE, names.BODY)
    x[18] = kind in (names.TERM, names.DEFINITION)
    x[19] = element[k.NAME] == names.H1_HASH
    x[20] = min(5.0, float(repeated))
    x[21] = element[k.LEVEL]


@kernel
def _around(x: Any, elements: Any, total: Any, e: int, steps: Any) -> None:
    """The three elements that hold the block, and where it lies from the best one."""
    page = max(1.0, total[0, S_WEIGHT])
    f = 0
    at = e
    for _ in range(3):
        at = block_level(elements, elements[at, k.PARENT]) if at > 0 else 0
        weight = max(1.0, total[at, S_WEIGHT])
        x[f] = total[at, S_WEIGHT] / page
        x[f + 1] = total[at, S_LINKED] / weight
        x[f + 2] = total[at, S_PROSE] / weight
        x[f + 3] = _log(total[at, S_BLOCKS])
        x[f + 4] = total[at, S_PROSE] / max(1.0, total[0, S_PROSE])
        f += 5
    up = 0
    at = e
    while steps[at] < 0:
        at = elements[at, k.PARENT]
        up += elements[at, k.KIND] >= names.BLOCK
    x[f] = min(20, up)
    x[f + 1] = min(20, steps[at])
    x[f + 2] = total[at, S_LINKED] / max(1.0, total[at, S_WEIGHT])
    x[f + 3] = _log(total[at, S_BLOCKS])
    x[f + 4] = total[at, S_WEIGHT] / page


@kernel
def features(elements: Any, blocks: Any) -> Any:  # noqa: C901, PLR0912, PLR0915 - one row of numbers after another
    """FEATURES numbers for each block."""
    n = blocks.shape[0]
    out = np.zeros((n, FEATURES), np.float32)
    lines = np.zeros(n, np.int64)
    far = _distances(elements)
    total = _sums(elements, blocks)
    best = best_container(elements, blocks, total)
    group, group_count = groups(elements, blocks)
    repeated = _repeats(blocks)
    group_sums = np.zeros((group_count, SUMS), np.float64)
    steps = np.full(elements.shape[0], -1, np.int64)
    at = best
    step = 0
    while at >= 0:
        steps[at] = step
        step += elements[at, k.KIND] >= names.BLOCK
        at = elements[at, k.PARENT]
    first = last = h1 = -1
    for b in range(n):
        block = blocks[b]
        lines[b] = block_level(elements, block[k.ELEMENT])
        row = group_sums[group[b]]
        row[S_WEIGHT] += block[k.WEIGHT]
        row[S_LINKED] += block[k.LINKED]
        row[S_BLOCKS] += 1
        if is_prose(block):
            row[S_PROSE] += block[k.WEIGHT]
            row[S_PROSE_BLOCKS] += 1
        if h1 < 0 and elements[lines[b], k.NAME] == names.H1_HASH:
            h1 = b
        at = lines[b]
        while at >= 0 and at != best:
            at = elements[at, k.PARENT]
        if at == best and is_prose(block):
            first = b if first < 0 else first
            last = b
    page = max(1.0, total[0, S_WEIGHT])
    prose = max(1.0, total[0, S_PROSE])
    seen = seen_prose = 0.0
    since_heading = 0
    for b in range(n):
        block = blocks[b]
        e = lines[b]
        x = out[b]
        kind = elements[e, k.KIND]
        _own(x, block, elements[e], kind, repeated[b])
        f = OWN
        for c in range(_DISTANCES):
            x[f + c] = min(far[block[k.ELEMENT], c], 12)
        f += _DISTANCES
        for d in (-2, -1, 1, 2):
            at = b + d
            if 0 <= at < n:
                other = blocks[at]
                x[f] = _log(other[k.WEIGHT])
                x[f + 1] = other[k.LINKED] / max(1.0, float(other[k.WEIGHT]))
                x[f + 2] = group[at] == group[b]
                x[f + 3] = elements[lines[at], k.PARENT] == elements[e, k.PARENT]
                x[f + 4] = elements[lines[at], k.KIND] == names.HEADING
            else:
                x[f] = -1.0
            f += 5
        before = after = 0.0
        for d in range(1, 6):
            if b - d >= 0 and is_prose(blocks[b - d]):
                before += blocks[b - d, k.WEIGHT] / d
            if b + d < n and is_prose(blocks[b + d]):
                after += blocks[b + d, k.WEIGHT] / d
        x[f] = _log(before)
        x[f + 1] = _log(after)
        x[f + 2] = _log(min(before, after))
        f += 3
        _around(x[f:], elements, total, e, steps)
        f += AROUND
        x[f] = seen / page
        x[f + 1] = seen_prose / prose
        x[f + 2] = b / n
        x[f + 3] = min(60, max(-60, b - h1)) if h1 >= 0 else -99
        x[f + 4] = min(40, max(-40, b - first))
        x[f + 5] = min(40, max(-40, b - last))
        x[f + 6] = min(30, since_heading)
        x[f + 7] = _log(page)
        x[f + 8] = prose / page
        x[f + 9] = total[0, S_LINKED] / page
        x[f + 10] = _log(n)
        f += PLACE
        row = group_sums[group[b]]
        weight = max(1.0, row[S_WEIGHT])
        x[f] = _log(row[S_BLOCKS])
        x[f + 1] = _log(weight / row[S_BLOCKS])
        x[f + 2] = row[S_LINKED] / weight
        x[f + 3] = row[S_PROSE] / weight
        x[f + 4] = row[S_WEIGHT] / page
        x[f + 5] = row[S_PROSE_BLOCKS] / row[S_BLOCKS]
        seen += block[k.WEIGHT]
        if is_prose(block):
            seen_prose += block[k.WEIGHT]
        since_heading = 0 if kind == names.HEADING else since_heading + 1
    return out
