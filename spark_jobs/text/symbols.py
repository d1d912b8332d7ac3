"""Kinds of characters beyond words: punctuation, brackets, emoji, upper case, errors of encoding. One bit a kind.

From the Unicode data of the interpreter, once per process; emoji from ranges, which that data does not name.
"""

import unicodedata
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, MARK, NUMBER, SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel

PUNCTUATION = 1  # category P*
BRACKET = 2  # ( ) [ ] { } and angle brackets, as NeMo Curator counts parentheses
EMOJI = 4  # pictographs, flags and dingbats
UPPER = 8  # category Lu or Lt
DIGIT = 16  # category Nd
PLAIN = 32  # ? ! , . and the newline: counts as alphanumeric in NeMo Curator
ERROR = 64  # replacement character, private use, not assigned, no character
ASCII_PUNCTUATION = 128  # the 32 signs of string.punctuation

KINDS: Final = (PUNCTUATION, BRACKET, EMOJI, UPPER, DIGIT, PLAIN, ERROR, ASCII_PUNCTUATION)
_BRACKETS: Final = frozenset("()[]{}\u27e8\u27e9")
_PLAIN: Final = frozenset("?!,.\n")
_ASCII: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_EMOJI: Final = (
    (0x231A, 0x231B), (0x23E9, 0x23FA), (0x25FD, 0x25FE), (0x2600, 0x27BF), (0x2B1B, 0x2B1C), (0x2B50, 0x2B55),
    (0x1F004, 0x1F004), (0x1F0CF, 0x1F0CF), (0x1F18E, 0x1F19A), (0x1F1E6, 0x1F1FF), (0x1F201, 0x1F251),
    (0x1F300, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F7E0, 0x1F7EB), (0x1F90C, 0x1F9FF), (0x1FA70, 0x1FAFF),
)  # fmt: skip
_NAMED: Final = 0x20000
_IDEOGRAPHS: Final = (0x20000, 0x323B0)  # planes 2 and 3 as far as they are assigned

Kinds = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def kind_table() -> Kinds:
    """Kinds of every code point; shape (0x110000,)."""
    table = np.full(0x110000, ERROR, dtype=np.uint8)
    for code in (*range(_NAMED), *range(0xE0000, 0xE0200)):
        table[code] = _kinds_of(chr(code))
    table[slice(*_IDEOGRAPHS)] = 0
    for first, last in _EMOJI:
        table[first : last + 1] |= np.where(table[first : last + 1] & ERROR, 0, EMOJI).astype(np.uint8)
    table.flags.writeable = False
    return table


def kind_counts(batch: TextBatch) -> dict[int, Counts]:
    """Characters of each of `KINDS` in every text."""
    characters = batch.characters
    counts = batch.shared("kinds", lambda: _count(characters.codes, characters.offsets, kind_table()))
    return {kind: counts[place] for place, kind in enumerate(KINDS)}


def flag_counts(batch: TextBatch) -> tuple[Counts, Counts, Counts]:
    """Characters in every text that are a letter, number or mark; a letter; white space."""
    characters = batch.characters
    return batch.shared("flag_counts", lambda: _flags(characters.flags, characters.offsets))


def _kinds_of(character: str) -> int:
    category = unicodedata.category(character)
    kinds = PUNCTUATION if category[0] == "P" else 0
    kinds |= BRACKET if character in _BRACKETS else 0
    kinds |= UPPER if category in ("Lu", "Lt") else 0
    kinds |= DIGIT if category == "Nd" else 0
    kinds |= PLAIN if character in _PLAIN else 0
    kinds |= ASCII_PUNCTUATION if character in _ASCII else 0
    return kinds | (ERROR if category in ("Co", "Cn", "Cs") or character == "\ufffd" else 0)


@kernel
def _count(codes: Codes, offsets: Offsets, table: Kinds) -> Counts:
    rows = len(offsets) - 1
    counts = np.zeros((8, rows), dtype=np.int64)
    # Eight counters of one byte in a word, emptied before any of them can overflow.
    lanes = np.zeros(256, dtype=np.uint64)
    for kinds in range(256):
        for place in range(8):
            lanes[kinds] |= np.uint64((kinds >> place) & 1) << np.uint64(8 * place)
    for row in range(rows):
        for start in range(offsets[row], offsets[row + 1], 255):
            total = np.uint64(0)
            for i in range(start, min(start + 255, offsets[row + 1])):
                total += lanes[table[codes[i]]]
            for place in range(8):
                counts[place, row] += np.int64((total >> np.uint64(8 * place)) & np.uint64(255))
    return counts


@kernel
def _flags(flags: Flags, offsets: Offsets) -> tuple[Counts, Counts, Counts]:
    rows = len(offsets) - 1
    lexical = np.zeros(rows, dtype=np.int64)
    letters = np.zeros(rows, dtype=np.int64)
    spaces = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        for i in range(offsets[row], offsets[row + 1]):
            lexical[row] += (flags[i] & (LETTER | NUMBER | MARK)) != 0
            letters[row] += (flags[i] & LETTER) != 0
            spaces[row] += (flags[i] & SPACE) != 0
    return lexical, letters, spaces
