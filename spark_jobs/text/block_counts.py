"""Adds runs of text to blocks, and counts what stands in them: letters, words, sentence ends, links.

Letters of Han, kana and Hangul count two, since one says what an alphabet says in two or three.
"""

from typing import Any, Final

import numpy as np

from spark_jobs.text import block_columns as k
from spark_jobs.text.native import kernel

# What a character is to the counts.
(_OTHER, _SPACE, _LOWER, _UPPER, _DIGIT, _COMMA, _ENDER, _QUOTE, _WIDE) = range(9)


def _ascii_classes() -> Any:
    classes = np.zeros(256, np.uint8)
    classes[:33] = _SPACE
    classes[97:123] = _LOWER
    classes[65:91] = _UPPER
    classes[48:58] = _DIGIT
    for text, kind in ((",;", _COMMA), (".!?", _ENDER), ("\"')]", _QUOTE)):
        for character in text:
            classes[ord(character)] = kind
    return classes


CLASSES: Final = _ascii_classes()


@kernel
def _classify(data: Any, i: int) -> Any:  # noqa: C901, PLR0911, PLR0912 - a table of characters, as branches
    """Class and bytes of the character that is not ASCII at `i`."""
    n = data.size
    c = data[i]
    if c < 0xE0:
        if c == 0xC2 and i + 1 < n and data[i + 1] < 0xC0:
            return (_SPACE if data[i + 1] == 0xA0 else _QUOTE if data[i + 1] in (0xBB, 0xAB) else _OTHER), 2
        if i + 1 < n and c == 0xD8 and data[i + 1] in (0x8C, 0x9B):
            return _COMMA, 2
        if i + 1 < n and ((c == 0xD8 and data[i + 1] == 0x9F) or (c == 0xDB and data[i + 1] == 0x94)):
            return _ENDER, 2
        return _LOWER, 2
    if c < 0xF0:
        if i + 2 >= n:
            return _OTHER, 1
        second, third = data[i + 1], data[i + 2]
        if c == 0xE2:
            if second == 0x80 and third == 0xA6:
                return _ENDER, 3
            if second == 0x80 and third in (0x99, 0x9D, 0x9C, 0x98):
                return _QUOTE, 3
            return _OTHER, 3
        if c == 0xE3 and second == 0x80:
            if third == 0x82:
                return _ENDER, 3
            return (_COMMA if third == 0x81 else _SPACE if third == 0x80 else _QUOTE), 3
        if c == 0xEF and second in (0xBC, 0xBD):
            if (second == 0xBC and third in (0x81, 0x9F, 0x8E)) or (second == 0xBD and third == 0xA1):
                return _ENDER, 3
            return (_COMMA if third in (0x8C, 0x9B) else _QUOTE if third == 0x89 else _OTHER), 3
        if c == 0xE0 and second == 0xA5 and third in (0xA4, 0xA5):
            return _ENDER, 3
        # Han, kana and Hangul say in one character what an alphabet says in two or three.
        return (_WIDE if 0xE3 <= c <= 0xED else _LOWER), 3
    return _OTHER, 4


@kernel
def end_block(state: Any) -> None:
    """What follows begins a new block."""
    state[k.FRESH] = 1
    state[k.IN_WORD] = 0
    state[k.PENDING_BREAKS] = 0


@kernel
def add_text(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one loop over bytes; numba takes no keywords
    data: Any, begin: int, end: int, state: Any, top: int, blocks: Any, runs: Any
) -> None:
    """Add the bytes to the block that is open, or open one if they are not blank."""
    i = begin
    if state[k.FRESH]:
        while i < end and data[i] <= 32:
            i += 1
        # A non-breaking space alone is no text.
        while i < end and data[i] == 0xC2 and i + 1 < end and data[i + 1] == 0xA0:
            i += 2
            while i < end and data[i] <= 32:
                i += 1
        if i == end or (end - i == 6 and data[i] == 38 and data[i + 1] == 110 and data[i + 2] == 98):
            return
        if not state[k.OPEN_PRE]:
            begin = i
        block = blocks[state[k.BLOCKS]]
        state[k.BLOCKS] += 1
        state[k.FRESH] = 0
        block[k.ELEMENT] = top
        block[k.RUN] = state[k.N_RUNS]
        block[k.HASH] = 1469598103
        block[k.PRE_TEXT] = state[k.OPEN_PRE] > 0
        i = begin
    block = blocks[state[k.BLOCKS] - 1]
    run = runs[state[k.N_RUNS]]
    state[k.N_RUNS] += 1
    block[k.RUNS] += 1
    run[k.START], run[k.END], run[k.VERBATIM] = begin, end, state[k.OPEN_PRE] > 0
    if state[k.PENDING_BREAKS]:
        run[k.VERBATIM] += 2
        block[k.BREAKS] += 1
        state[k.PENDING_BREAKS] = 0
        state[k.IN_WORD] = 0
    before = block[k.WEIGHT]
    value = block[k.HASH]
    word = state[k.IN_WORD]
    closed = block[k.CLOSED]
    weight = letters = digits = upper = commas = enders = words = 0
    while i < end:
        c = data[i]
        width = 1
        if c == 38:
            kind = _OTHER
            j = i + 1
            while j < end and j < i + 10 and data[j] != 59 and data[j] > 32:
                j += 1
            if j < end and data[j] == 59:
                width = j + 1 - i
                kind = _SPACE if data[i + 1] == 110 and data[i + 2] == 98 else _QUOTE
        elif c < 128:
            kind = CLASSES[c]
        else:
            kind, width = _classify(data, i)
        if kind == _SPACE:
            word = 0
        else:
            value = ((value ^ np.int64(c)) * 16777619 + width) & 0x7FFFFFFFFFFF
            if kind in (_LOWER, _UPPER, _DIGIT):
                weight += 1
                letters += 1
                upper += kind == _UPPER
                digits += kind == _DIGIT
                words += 1 - word
                word = 1
                closed = 0
            elif kind == _WIDE:
                weight += 2
                letters += 1
                words += 1
                word = 0
                closed = 0
            elif kind == _ENDER:
                # A dot inside of a number, an abbreviation or a file name ends nothing.
                enders += c != 46 or i + 1 == end or CLASSES[data[i + 1]] == _SPACE or CLASSES[data[i + 1]] == _QUOTE
                closed = 1
            elif kind == _COMMA:
                commas += 1
                closed = 0
            elif kind == _OTHER:
                closed = closed and c == 38
        i += width
    state[k.IN_WORD] = word
    block[k.HASH] = value
    block[k.CLOSED] = closed
    block[k.WEIGHT] += weight
    block[k.LETTERS] += letters
    block[k.DIGITS] += digits
    block[k.UPPER] += upper
    block[k.COMMAS] += commas
    block[k.ENDERS] += enders
    block[k.WORDS] += words
    if state[k.OPEN_LINKS]:
        block[k.LINKED] += block[k.WEIGHT] - before
    if state[k.OPEN_BOLD]:
        block[k.BOLD] += block[k.WEIGHT] - before
