"""Lines that ftfy could change, found by a kernel: a superset, so that all other lines need not be shown to it.

ftfy's test for mojibake is one regular expression: alternatives of a few character classes in a row. Each of them holds
two neighbours (or is one character) without which it cannot match; those are what the kernel looks for. They are read
from the expression itself, and a version of ftfy whose expression cannot be read so is refused.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import Bytes, Places, code_at, note

Bits = npt.NDArray[np.uint64]

# Why a line is suspect.
MOJIBAKE, CONTROL, ENTITY = 1, 2, 4
_LOOK = 8  # newline, ampersand and <, which the kernel must not pass over
UNESCAPE_NEVER, UNESCAPE_AUTO, UNESCAPE_ALWAYS = range(3)

_PLANE = 0x10000  # the last place of a table stands for all code points from here on
_LONGEST_NAME = 24  # characters between & and ; of a character reference
# Of a verbose regular expression: class, escape or character; then quantifier, bar, and what says nothing here.
_PIECE = re.compile(r"(\[(?:\\.|[^\]\\])*\]|\\.|[^\s#?^|\[\]\\(){}*+$])|(\?)|(\|)|(\^|#[^\n]*|\s+)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """By code point: bits of the pairs that it is the first and the second of, and the kinds it makes suspect alone."""

    first: Bits
    second: Bits
    alone: npt.NDArray[np.uint8]


@lru_cache(maxsize=2)
def neighbours(*, mojibake: bool) -> Neighbours:
    """The tables for the installed ftfy, without its mojibake test if that is off."""
    from ftfy.badness import BADNESS_RE
    from ftfy.chardata import CONTROL_CHARS

    tables = Neighbours(
        np.zeros(_PLANE + 1, np.uint64), np.zeros(_PLANE + 1, np.uint64), np.zeros(_PLANE + 1, np.uint8)
    )
    tables.alone[[code for code in CONTROL_CHARS if code < _PLANE]] = CONTROL
    tables.alone[[ord(character) for character in "\n&<"]] |= _LOOK
    pairs = []
    for elements in _alternatives(BADNESS_RE.pattern) if mojibake else ():
        sets = [_members(element) for element in elements]
        if len(sets) == 1:
            tables.alone[sets[0]] |= MOJIBAKE
        else:
            pairs.append(min(pairwise(sets), key=lambda pair: int(pair[0].sum()) * int(pair[1].sum())))
    if len(pairs) > 64 or any(first[:128].any() for first, _ in pairs):
        raise ValueError("the mojibake test of this version of ftfy has too many alternatives, or one in ASCII alone")
    for bit, (first, second) in enumerate(pairs):
        tables.first[first] |= np.uint64(1 << bit)
        tables.second[second] |= np.uint64(1 << bit)
    for table in (tables.first, tables.second, tables.alone):
        table.flags.writeable = False
    return tables


def _alternatives(pattern: str) -> list[list[str]]:
    """Per alternative the longest row of elements at its end that must all be there, one after the other."""
    found: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            raise ValueError(f"cannot read the mojibake test of this version of ftfy at {pattern[at : at + 20]!r}")
        element, optional, bar, _ = piece.groups()
        if element:
            found[-1].append(element)
        elif optional:
            found[-1] = []
        elif bar:
            found.append([])
        at = piece.end()
    if not all(found):
        raise ValueError("an alternative of the mojibake test of this version of ftfy may match nothing")
    return found


def _members(element: str) -> npt.NDArray[np.bool_]:
    """Which code points an element matches; those beyond the plane if it is no list of characters."""
    members = np.zeros(_PLANE + 1, dtype=bool)
    plane = "".join(map(chr, range(_PLANE)))
    members[[ord(character) for character in re.findall(element, plane, re.DOTALL)]] = True
    members[_PLANE] = element.startswith(("[^", "\\", "."))
    return members


@kernel
def _names_character(data: Bytes, i: int, end: int) -> bool:
    """Whether what follows the & at i has the form of a character reference."""
    i += 1
    if i < end and data[i] == 0x23:
        i += 1
    begin = i
    while i < end and i - begin <= _LONGEST_NAME:
        lower = data[i] | 0x20
        if not ((lower >= 0x61 and lower <= 0x7A) or (data[i] >= 0x30 and data[i] <= 0x39)):
            break
        i += 1
    return i > begin and i - begin <= _LONGEST_NAME and i < end and data[i] == 0x3B


@kernel
def _paired(data: Bytes, i: int, end: int, first: int, second: Bits) -> int:
    """MOJIBAKE if the character at i completes a pair with the one before it, whose bits are given; else 0."""
    if i == end:
        return 0
    code, _ = code_at(data, i, end)
    return MOJIBAKE if (first & second[min(code, _PLANE)]) != 0 else 0


@kernel
def suspect_lines(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes,
    starts: Places,
    first: Bits,
    second: Bits,
    alone: npt.NDArray[np.uint8],
    unescape: int,
    found: Places,
) -> int:
    """Lines with their newline that may change, with why (column 3) and whether a < stands in an earlier line (4)."""
    count = 0
    for row in range(len(starts) - 1):
        i = begin = starts[row]
        end = starts[row + 1]
        why = tags = tags_before = np.int64(0)
        while i < end:
            while i + 1 < end and data[i] < 0x80 and alone[data[i]] == 0:
                i += 1
            byte = data[i]
            if byte >= 0x80:
                code, length = code_at(data, i, end)
                place = min(code, _PLANE)
                i += length
                why |= alone[place]
                if first[place] != 0:
                    why |= _paired(data, i, end, first[place], second)
            else:
                why |= alone[byte] & ~_LOOK
                if byte == 0x26 and unescape != UNESCAPE_NEVER and tags_before == 0 and _names_character(data, i, end):
                    why |= ENTITY
                tags |= byte == 0x3C and unescape == UNESCAPE_AUTO
                i += 1
            if byte == 10 or i == end:
                if why != 0:
                    if count < len(found):
                        found[count, 3] = why
                        found[count, 4] = tags_before
                    count = note(found, count, row, begin, i)
                begin = i
                why = np.int64(0)
                tags_before = tags
    return count
