"""The native kernel of the normal form: UTF-8 bytes in, normal form and hashes of its words or characters out.

One pass without decoding into code points first, so a text needs little more than its own size again.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.finaliser import splitmix
from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import code_at

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_SPACE = np.uint8(0x20)
_ZERO = np.uint8(0x30)
_POINT, _COMMA, _ARABIC_POINT = 0x2E, 0x2C, 0x066B
_START = np.uint64(0x6A09E667F3BCC908)
_STEP = np.uint64(0x9E3779B97F4A7C15)
# The normal form of a character is at most three times its bytes, with a space before it.
_GROWTH = 4
_SLACK = 64


@kernel
def _put(out: U8, at: Any, code: Any) -> Any:
    """Write one code point as UTF-8; the next free place."""
    if code < 0x80:
        out[at] = code
        return at + 1
    if code < 0x800:
        out[at] = 0xC0 | (code >> 6)
        out[at + 1] = 0x80 | (code & 0x3F)
        return at + 2
    if code < 0x10000:
        out[at] = 0xE0 | (code >> 12)
        out[at + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[at + 2] = 0x80 | (code & 0x3F)
        return at + 3
    out[at] = 0xF0 | (code >> 18)
    out[at + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[at + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[at + 3] = 0x80 | (code & 0x3F)
    return at + 4


@kernel
def _after_digits(data: U8, at: Any, end: Any, kind: U8) -> tuple[Any, Any]:
    """The place after digits and what goes without trace, and how many characters these were."""
    count = 0
    while at < end:
        code, length = code_at(data, at, end)
        if kind[code] not in (2, 3):
            break
        at += length
        count += 1
    return at, count


@kernel
def _after_number(data: U8, at: Any, end: Any, kind: U8) -> tuple[Any, Any]:
    """The place after a number that starts before `at`: digits, and once a decimal mark with digits behind it.

    What goes without trace does not cut a number: the normal form of a normal form is the same.
    """
    at, count = _after_digits(data, at, end, kind)
    if at < end:
        mark, length = code_at(data, at, end)
        if mark in (_POINT, _COMMA, _ARABIC_POINT):
            behind, more = at + length, 1
            code, length = code_at(data, behind, end) if behind < end else (0, 0)
            while behind < end and kind[code] == 3:
                behind += length
                more += 1
                code, length = code_at(data, behind, end) if behind < end else (0, 0)
            if behind < end and kind[code] == 2:
                at, digits = _after_digits(data, behind, end, kind)
                count += more + digits
    return at, count


@kernel
def ascii_folds(kind: U8, start: npt.NDArray[np.int32], flat: npt.NDArray[np.uint32]) -> U8:
    """What an ASCII letter becomes; 0 for every other character."""
    folds = np.zeros(256, dtype=np.uint8)
    for code in range(128):
        if kind[code] == 0:
            folds[code] = flat[start[code]]
    return folds


@kernel
def normalise(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one pass over the characters; numba shares no state cheaply
    data: U8,
    starts: I64,
    kind: U8,
    start: npt.NDArray[np.int32],
    count: U8,
    flat: npt.NDArray[np.uint32],
    by_character: bool,  # noqa: FBT001 - numba has no keyword-only arguments
) -> tuple[U8, I64, U64, I64, I64]:
    """Normal forms as UTF-8 with offsets, the hashes of their units (words or characters) with offsets, and lengths.

    Text i is `data[starts[i]:starts[i + 1]]`; lengths are in characters, a byte that is no text counting as one.
    """
    rows = len(starts) - 1
    total = starts[rows] - starts[0]
    folds = ascii_folds(kind, start, flat)
    # Room for the worst text; memory that is not written to is not taken. Arrays that grow cost a lock at each use.
    out = np.empty(_GROWTH * total + _SLACK, dtype=np.uint8)
    units = np.empty(2 * total + _SLACK if by_character else total // 2 + _SLACK, dtype=np.uint64)
    out_offsets = np.zeros(rows + 1, dtype=np.int64)
    unit_offsets = np.zeros(rows + 1, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    at = 0
    unit = 0
    for row in range(rows):
        i = starts[row]
        end = starts[row + 1]
        first = at
        inside = False
        alone = False
        word = _START
        characters = 0
        while i < end:
            fold = folds[data[i]]
            if fold and inside and not alone and not by_character:
                out[at] = fold
                at += 1
                word = (word ^ np.uint64(fold)) * _STEP
                word ^= word >> np.uint64(32)
                i += 1
                characters += 1
                continue
            code, length = code_at(data, i, end)
            what = kind[code]
            i += length
            characters += 1
            if what == 3:
                continue
            # A mark stays with the sign before it; anything else ends a sign that is a word of its own.
            if inside and (what == 1 or what == 4 or (alone and what != 5)):  # noqa: PLR1714 - numba: two compares
                if not by_character:
                    units[unit] = splitmix(word)
                    unit += 1
                inside = False
            if what == 1:
                continue
            if not inside:
                if at > first:
                    out[at] = _SPACE
                    at += 1
                word = _START
                inside = True
                alone = what == 4
            origin = np.int64(start[code])
            letters = np.int64(count[code])
            if what == 2:
                i, seen = _after_number(data, i, end, kind)
                characters += seen
                origin = np.int64(_ZERO)
                letters = np.int64(1)
            for k in range(letters):
                letter = flat[origin + k]
                at = _put(out, at, letter)
                word = (word ^ np.uint64(letter)) * _STEP
                word ^= word >> np.uint64(32)
                if by_character:
                    units[unit] = splitmix(word)
                    unit += 1
                    word = _START
        if inside and not by_character:
            units[unit] = splitmix(word)
            unit += 1
        chars[row] = characters
        out_offsets[row + 1] = at
        unit_offsets[row + 1] = unit
    return out[:at], out_offsets, units[:unit], unit_offsets, chars
