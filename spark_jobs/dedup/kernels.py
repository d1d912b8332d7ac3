"""The native kernels of signatures: shingles, MinHash, bands; no Python per shingle.

Hashes are 64-bit and seedless: the same on every machine. A kernel takes nothing from other modules of this package:
compiled code is cached by file, and only changes of `spark_jobs/text` are noticed across files.
"""

import numpy as np
import numpy.typing as npt

from spark_jobs.text.finaliser import splitmix
from spark_jobs.text.native import kernel

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

_START = np.uint64(0x6A09E667F3BCC908)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_PRIME = np.uint64((1 << 61) - 1)
_MOST_BITS = 16  # ranges that a sort of hashes makes; longer documents take the general sort


@kernel
def _sort_hashes(values: U64, spare: U64, places: I64) -> None:
    """Sort hashes in place: into as many ranges of equal width as there are values, then by insertion.

    Hashes are spread evenly, so a range holds one or two; equal ones do not move.
    """
    bits = 1
    while (1 << bits) < len(values) and bits < _MOST_BITS:
        bits += 1
    shift = np.uint64(64 - bits)
    places[: (1 << bits) + 1] = 0
    for value in values:
        places[np.int64(value >> shift) + 1] += 1
    for i in range(1, 1 << bits):
        places[i] += places[i - 1]
    for value in values:
        at = np.int64(value >> shift)
        spare[places[at]] = value
        places[at] += 1
    values[0] = spare[0]
    for i in range(1, len(values)):
        value = spare[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@kernel
def shingle(units: U64, offsets: I64, size: int) -> tuple[U64, I64]:
    """Per document the sorted distinct hashes of `size` consecutive units; none for fewer units than `size`."""
    rows = len(offsets) - 1
    total = 0
    longest = 0
    for row in range(rows):
        count = max(offsets[row + 1] - offsets[row] - size + 1, 0)
        total += count
        longest = max(longest, count)
    found = np.empty(total, dtype=np.uint64)
    spare = np.empty(min(longest, 1 << _MOST_BITS), dtype=np.uint64)
    places = np.empty((1 << _MOST_BITS) + 1, dtype=np.int64)
    bounds = np.zeros(rows + 1, dtype=np.int64)
    at = 0
    for row in range(rows):
        first = at
        for i in range(offsets[row], offsets[row + 1] - size + 1):
            value = _START
            for k in range(size):
                value = splitmix((value ^ units[i + k]) * _STEP)
            found[at] = value
            at += 1
        if at > first:
            if at - first <= len(spare):
                _sort_hashes(found[first:at], spare, places)
            else:
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
                value = splitmix((value ^ signatures[row, band * rows_per_band + k]) * _STEP)
            hashes[row, band] = value
    return hashes
