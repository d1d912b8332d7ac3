"""How Tekken's pattern cuts a text into the pieces that are encoded one by one; the pattern itself is in `bpe.py`.

A regular expression that backtracks, written out: each alternative finds its end in one or two looks at a run.
"""

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import Codes
from spark_jobs.text.native import kernel

UPPER = 1  # Lu, Lt
LOWER = 2  # Ll
OTHER_LETTER = 4  # Lm, Lo: both of the letter classes of the pattern hold them
MARK = 8  # M: in both letter classes too, though no letter
NUMBER = 16  # N
SPACE = 32  # White_Space
LINE_BREAK = 64  # CR, LF
UNKNOWN = 128  # not assigned in the interpreter's Unicode data

_LETTER = UPPER | LOWER | OTHER_LETTER
_CAPITAL = UPPER | OTHER_LETTER | MARK
_SMALL = LOWER | OTHER_LETTER | MARK
_BOTH = OTHER_LETTER | MARK

Classes = npt.NDArray[np.uint8]


@kernel
def _word_end(text: Codes, table: Classes, start: int) -> int:
    """End of `capitals* smalls+` at start, else 0."""
    one = np.uint64(1)
    size = np.uint64(len(text))
    i = np.uint64(start)
    both = np.uint64(0)
    while i < size and (table[text[i]] & _CAPITAL) != 0:
        if table[text[i]] & _BOTH:
            both = i + one
        i += one
    if i == size or (table[text[i]] & _SMALL) == 0:
        # The run gives back what follows the last letter that can be small.
        return np.int64(both)  # type: ignore[return-value] # an integer to numba
    while i < size and (table[text[i]] & _SMALL) != 0:
        i += one
    return np.int64(i)  # type: ignore[return-value] # an integer to numba


@kernel
def _capitals_end(text: Codes, table: Classes, start: int) -> int:
    """End of a run of capitals at start, start itself if there is none."""
    i = start
    while i < len(text) and (table[text[i]] & _CAPITAL) != 0:
        i += 1
    return i


@kernel
def _symbols_end(text: Codes, table: Classes, start: int) -> int:
    """End of a run of symbols with the line breaks and slashes after it, start itself if there is none."""
    i = start
    while i < len(text) and (table[text[i]] & (SPACE | _LETTER | NUMBER)) == 0:
        i += 1
    if i > start:
        while i < len(text) and ((table[text[i]] & LINE_BREAK) != 0 or text[i] == 0x2F):
            i += 1
    return i


@kernel
def _blanks_end(text: Codes, table: Classes, start: int) -> int:
    """End of a piece of white space: after its last line break, else before its last blank if a word follows."""
    i = start
    after_break = 0
    while i < len(text) and (table[text[i]] & SPACE) != 0:
        if table[text[i]] & LINE_BREAK:
            after_break = i + 1
        i += 1
    if after_break > 0:
        return after_break
    return i - 1 if i < len(text) and i - start > 1 else i


@kernel
def piece_end(text: Codes, table: Classes, start: int) -> int:
    """End of the piece that starts at `start`."""
    kind = table[text[start]]
    prefix = (kind & (_LETTER | NUMBER | LINE_BREAK)) == 0
    # Words, with one other character before them where there is one: first those that end in small letters.
    end = _word_end(text, table, start + 1) if prefix else 0
    if end == 0 and (kind & (_CAPITAL | _SMALL)) != 0:
        end = _word_end(text, table, start)
    if end > 0:
        return end
    end = _capitals_end(text, table, start + 1) if prefix else 0
    if end > start + 1:
        return end
    if kind & _CAPITAL:
        return _capitals_end(text, table, start)
    if kind & NUMBER:
        return start + 1
    blank = text[start] == 0x20
    end = _symbols_end(text, table, start + 1 if blank else start)
    if end > start + (1 if blank else 0):
        return end
    return _blanks_end(text, table, start)
