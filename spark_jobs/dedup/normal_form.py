"""The normal form in which texts are compared: which differences between two documents do not count.

The steps are those of FineWeb's MinHash (arXiv 2406.17557, huggingface/datatrove): lower case; every number becomes
0; punctuation becomes a space; white space collapses; canonical decomposition without combining marks. Two things
differ on purpose: which marks go is a policy, and a sign of a script without spaces is a word of its own.
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

# Moves when any table or kernel that makes the normal form changes: signatures of two versions never match.
NORMAL_FORM = 1

# all: every combining mark goes (FineWeb). diacritics: only marks of Latin, Greek, Cyrillic, Hebrew, Arabic and Syriac,
# because elsewhere category Mn holds vowel signs, without which other words collide. none: all stay.
Marks = Literal["all", "diacritics", "none"]

# What a code point does to the text.
LETTER, SEPARATOR, DIGIT, GONE, ALONE, MARK = range(6)

_DIACRITICS = (
    (0x0300, 0x036F), (0x0483, 0x0487), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670),
    (0x06D6, 0x06ED), (0x0711, 0x074A), (0x08CA, 0x08FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xE0100, 0xE01EF),
)  # fmt: skip
# Scripts that do not put spaces between words: kana, Han, Thai, Lao, Myanmar, Khmer.
_WITHOUT_SPACES = (
    (0x0E01, 0x0E4E), (0x0E81, 0x0ECF), (0x1000, 0x103F), (0x1050, 0x108F), (0x1780, 0x17D3), (0x3005, 0x3007),
    (0x3041, 0x309F), (0x30A1, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip
# Planes 2 and 3 are ideographs, which neither case nor decomposition changes, but for the compatibility ones.
_SPECIAL = (*range(0x20000), *range(0x2F800, 0x2FA20), *range(0xE0000, 0xE0200))


@dataclass(frozen=True, eq=False)
class FoldTable:
    """By code point: its kind, and the code points it becomes, `flat[start:start + count]`."""

    kind: npt.NDArray[np.uint8]
    start: npt.NDArray[np.int32]
    count: npt.NDArray[np.uint8]
    flat: npt.NDArray[np.uint32]


@lru_cache(maxsize=3)
def fold_table(marks: Marks) -> FoldTable:
    """The table of a policy, from the interpreter's Unicode data; a tenth of a second, once a process."""
    kind = np.full(0x110000, SEPARATOR, dtype=np.uint8)
    kind[0x20000:0x40000] = ALONE
    flat = np.arange(0x110000, dtype=np.uint32)
    start = np.arange(0x110000, dtype=np.int32)
    count = np.ones(0x110000, dtype=np.uint8)
    expansions: list[int] = []
    for code in _SPECIAL:
        kind[code] = _kind(code, marks)
        if kind[code] not in (LETTER, ALONE, MARK):
            continue
        folded = _fold(chr(code), marks)
        if not folded:
            kind[code] = GONE
        elif folded != chr(code):
            start[code] = 0x110000 + len(expansions)
            count[code] = len(folded)
            expansions.extend(map(ord, folded))
    return FoldTable(kind, start, count, np.concatenate([flat, np.array(expansions, dtype=np.uint32)]))


def _kind(code: int, marks: Marks) -> int:
    character = chr(code)
    category = unicodedata.category(character)
    if character.isspace():
        return SEPARATOR
    if category == "Cf" or (category == "Mn" and _goes(code, marks)):
        return GONE
    if category == "Nd":
        return DIGIT
    if category[0] in "PSCZ":
        return SEPARATOR
    if category[0] == "M":
        return MARK
    return ALONE if _within(code, _WITHOUT_SPACES) else LETTER


def _fold(character: str, marks: Marks) -> str:
    """Lower case and decomposition without the marks that go; a mark alone can leave nothing."""
    decomposed = unicodedata.normalize("NFD", character.lower())
    return "".join(c for c in decomposed if not (unicodedata.category(c) == "Mn" and _goes(ord(c), marks)))


def _goes(code: int, marks: Marks) -> bool:
    return marks == "all" or (marks == "diacritics" and _within(code, _DIACRITICS))


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)
