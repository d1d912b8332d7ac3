"""The native kernels of near-duplicate search: normal form, shingles, MinHash, Jaccard; no Python per character.

Hashes are 64-bit and seedless: the same on every machine. A kernel takes nothing from other modules but its arguments,
because compiled code is cached by file.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_SPACE = np.uint32(0x20)
_ZERO = np.uint32(0x30)
_POINT, _COMMA, _ARABIC_POINT = np.uint32(0x2E), np.uint32(0x2C), np.uint32(0x066B)
_START = np.uint64(0x6A09E667F3BCC908)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_PRIME = np.uint64((1 << 61) - 1)


@kernel
def mix(value: Any) -> Any:
    """Finaliser of SplitMix64: every bit of the input moves every bit of the output."""
    value ^= value >> np.uint64(30)
    value *= _MIX_1
    value ^= value >> np.uint64(27)
    value *= _MIX_2
    return value ^ (value >> np.uint64(31))


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
def _after_number(codes: Any, at: Any, end: Any, kind: U8) -> Any:
    """The place after a number that starts before `at`: digits, and once a decimal mark with digits behind it.

    What goes without trace does not cut a number: the normal form of a normal form is the same.
    """
    while at < end and (kind[codes[at]] == 2 or kind[codes[at]] == 3):
        at += 1
    if at + 1 < end and kind[codes[at + 1]] == 2:
        mark = codes[at]
        if mark in (_POINT, _COMMA, _ARABIC_POINT):
            at += 1
            while at < end and (kind[codes[at]] == 2 or kind[codes[at]] == 3):
                at += 1
    return at


@kernel
def normalise(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one pass over the characters; numba shares no state cheaply
    codes: npt.NDArray[np.uint32],
    offsets: I64,
    kind: U8,
    start: npt.NDArray[np.int32],
    count: U8,
    flat: npt.NDArray[np.uint32],
    by_character: bool,  # noqa: FBT001 - numba has no keyword-only arguments
) -> tuple[U8, I64, U64, I64]:
    """Normal forms as UTF-8 with offsets, and the hashes of their units (words or characters) with offsets."""
    rows = len(offsets) - 1
    out = np.empty(len(codes) + 64, dtype=np.uint8)
    units = np.empty(len(codes) // 4 + 64, dtype=np.uint64)
    out_offsets = np.zeros(rows + 1, dtype=np.int64)
    unit_offsets = np.zeros(rows + 1, dtype=np.int64)
    at = 0
    unit = 0
    for row in range(rows):
        i = offsets[row]
        end = offsets[row + 1]
        first = at
        inside = False
        alone = False
        word = _START
        while i < end:
            # A code point becomes at most 4, of 4 bytes each, and can end a word before it and after it.
            if at + 32 > len(out):
                grown = np.empty(2 * len(out), dtype=np.uint8)
                grown[:at] = out[:at]
                out = grown
            if unit + 8 > len(units):
                more = np.empty(2 * len(units), dtype=np.uint64)
                more[:unit] = units[:unit]
                units = more
            code = codes[i]
            what = kind[code]
            i += 1
            if what == 3:
                continue
            # A mark stays with the sign before it; anything else ends a sign that is a word of its own.
            if inside and (what == 1 or what == 4 or (alone and what != 5)):  # noqa: PLR1714 - numba: two compares
                if not by_character:
                    units[unit] = mix(word)
                    unit += 1
                inside = False
            if what == 1:
                continue
            if not inside:
                if at > first:
                    at = _put(out, at, _SPACE)
                word = _START
                inside = True
                alone = what == 4
            origin = np.int64(start[code])
            length = np.int64(count[code])
            if what == 2:
                i = _after_number(codes, i, end, kind)
                origin = np.int64(_ZERO)
                length = np.int64(1)
            for k in range(length):
                letter = flat[origin + k]
                at = _put(out, at, letter)
                word = (word ^ np.uint64(letter)) * _STEP
                word ^= word >> np.uint64(32)
                if by_character:
                    units[unit] = mix(word)
                    unit += 1
                    word = _START
        if inside and not by_character:
            units[unit] = mix(word)
            unit += 1
        out_offsets[row + 1] = at
        unit_offsets[row + 1] = unit
    return out[:at], out_offsets, units[:unit], unit_offsets


@kernel
def shingle(units: U64, offsets: I64, size: int) -> tuple[U64, I64]:
    """Per document the sorted distinct hashes of `size` consecutive units; none for fewer units than `size`."""
    rows = len(offsets) - 1
    total = 0
    for row in range(rows):
        total += max(offsets[row + 1] - offsets[row] - size + 1, 0)
    found = np.empty(total, dtype=np.uint64)
    bounds = np.zeros(rows + 1, dtype=np.int64)
    at = 0
    for row in range(rows):
        first = at
        for i in range(offsets[row], offsets[row + 1] - size + 1):
            value = _START
            for k in range(size):
                value = mix((value ^ units[i + k]) * _STEP)
            found[at] = value
            at += 1
        if at > first:
            found[first:at].sort()
            last = first
            for i in range(first + 1, at):
                if found[i] != found[last]:
                    last += 1
                    found[last] = found[i]
            at = last + 1
        bounds[row + 1] = at
    return found[:at], bounds


@kernel
def minhash(shingles: U64, offsets: I64, a: U64, b: U64) -> U64:
    """Signatures, shape (rows, permutations): the minimum of (a*h + b mod 2^64) mod (2^61 - 1) over the shingles."""
    rows = len(offsets) - 1
    signatures = np.empty((rows, len(a)), dtype=np.uint64)
    for row in range(rows):
        signature = signatures[row]
        signature[:] = _PRIME
        for i in range(offsets[row], offsets[row + 1]):
            value = shingles[i]
            for p in range(len(a)):
                product = a[p] * value + b[p]
                product = (product & _PRIME) + (product >> np.uint64(61))
                product = product - _PRIME if product >= _PRIME else product
                signature[p] = min(signature[p], product)
    return signatures


@kernel
def band_hashes(signatures: U64, bands: int, rows_per_band: int) -> U64:
    """One hash a band, shape (rows, bands): equal bands have equal hashes."""
    hashes = np.empty((len(signatures), bands), dtype=np.uint64)
    for row in range(len(signatures)):
        for band in range(bands):
            value = _START
            for k in range(rows_per_band):
                value = mix((value ^ signatures[row, band * rows_per_band + k]) * _STEP)
            hashes[row, band] = value
    return hashes


@kernel
def jaccard_counts(left: U64, left_offsets: I64, right: U64, right_offsets: I64) -> tuple[I64, I64]:
    """Per pair of sorted distinct sets: the sizes of their intersection and union."""
    pairs = len(left_offsets) - 1
    shared = np.zeros(pairs, dtype=np.int64)
    union = np.zeros(pairs, dtype=np.int64)
    for pair in range(pairs):
        i, i_end = left_offsets[pair], left_offsets[pair + 1]
        j, j_end = right_offsets[pair], right_offsets[pair + 1]
        union[pair] = i_end - i + j_end - j
        common = 0
        while i < i_end and j < j_end:
            x, y = left[i], right[j]
            common += x == y
            i += x <= y
            j += y <= x
        shared[pair] = common
        union[pair] -= common
    return shared, union


@kernel
def star_roots(left: I64, right: I64, nodes: int) -> I64:
    """The smallest node of the component of every node below `nodes`; edges are `left[i] - right[i]`."""
    parent = np.arange(nodes)
    for edge in range(len(left)):
        x, y = left[edge], right[edge]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        while parent[y] != y:
            parent[y] = parent[parent[y]]
            y = parent[y]
        if x < y:
            parent[y] = x
        else:
            parent[x] = y
    for node in range(nodes):
        # Parents are smaller than their children, so theirs are final by now.
        parent[node] = parent[parent[node]]
    return parent
