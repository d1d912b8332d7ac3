"""Repetition of word n-grams within a text: the character mass of the most frequent and of the duplicate ones.

Counting follows huggingface/datatrove (arXiv 2112.11446, table A1); what it measures is said at each function.
"""

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.words import BASE, PRIME, Hashes, Positions, Words

Counts = npt.NDArray[np.int64]


def top_ngram_chars(words: Words, sizes: tuple[int, ...]) -> Counts:
    """Characters of the most frequent n-gram, its words joined by spaces, times its count: shape (sizes, texts).

    Sizes ascend. A count of one counts; of equally frequent ones the first in the text is taken; 0 where there is none.
    """
    result: Counts = _top(words.hashes, words.lengths, words.offsets, np.array(sizes, dtype=np.int64))
    return result


def duplicate_ngram_chars(words: Words, sizes: tuple[int, ...]) -> Counts:
    """Characters of repeated n-grams found by a scan from the left: shape (sizes, texts).

    Sizes ascend. At each word the n-gram, its words joined without spaces, is looked up among those seen: a hit adds
    its characters and jumps n words, a miss stores it and goes on by one. So the first copy is not counted.
    """
    result: Counts = _duplicate(words.hashes, words.lengths, words.offsets, np.array(sizes, dtype=np.int64))
    return result


@kernel
def _times(a: np.uint64, b: np.uint64) -> np.uint64:
    """The product of two residues modulo 2^61 - 1, by 31-bit halves."""
    half = np.uint64(31)
    low = np.uint64((1 << 31) - 1)
    low_30 = np.uint64((1 << 30) - 1)
    prime = np.uint64(PRIME)
    a_high = a >> half
    a_low = a & low
    b_high = b >> half
    b_low = b & low
    middle = a_low * b_high + a_high * b_low
    total = (
        ((a_high * b_high) << np.uint64(1)) + (middle >> np.uint64(30)) + ((middle & low_30) << half) + a_low * b_low
    )
    total = (total & prime) + (total >> np.uint64(61))
    return total - prime if total >= prime else total


@kernel
def _power(exponent: int) -> np.uint64:
    result = np.uint64(1)
    factor = np.uint64(BASE)
    while exponent > 0:
        if exponent & 1:
            result = _times(result, factor)
        factor = _times(factor, factor)
        exponent >>= 1
    return result


@kernel
def _room(offsets: Offsets) -> int:
    largest = 1
    for row in range(len(offsets) - 1):
        largest = max(largest, offsets[row + 1] - offsets[row])
    size = 16
    while size < 2 * largest:
        size *= 2
    return size


@kernel
def _top(  # noqa: C901 - one loop over n-grams, kept whole for speed
    hashes: Hashes, lengths: Positions, offsets: Offsets, sizes: Counts
) -> Counts:
    rows = len(offsets) - 1
    result = np.zeros((len(sizes), rows), dtype=np.int64)
    size = _room(offsets)
    keys = np.zeros(size, dtype=np.uint64)
    counts = np.zeros(size, dtype=np.int64)
    chars = np.zeros(size, dtype=np.int64)
    owner = np.full(size, -1, dtype=np.int64)
    order = np.zeros(size, dtype=np.int64)
    grams = np.zeros(size, dtype=np.uint64)
    stamp = 0
    for row in range(rows):
        first = offsets[row]
        last = offsets[row + 1]
        room = 16
        while room < 2 * (last - first):
            room *= 2
        grams[: last - first] = np.uint64(0x9E3779B97F4A7C15)
        for which in range(len(sizes)):
            n = sizes[which]
            grown = sizes[which - 1] if which > 0 else 0
            stamp += 1
            distinct = 0
            length = n - 1
            for i in range(first, min(first + n - 1, last)):
                length += lengths[i]
            for i in range(first, last - n + 1):
                length += lengths[i + n - 1]
                # Sizes ascend: the hash of the n-gram grows from that of the size before.
                value = grams[i - first]
                for k in range(i + grown, i + n):
                    value = (value ^ hashes[k]) * np.uint64(0x9E3779B97F4A7C15)
                    value ^= value >> np.uint64(29)
                grams[i - first] = value
                slot = np.int64((value >> np.uint64(20)) & np.uint64(room - 1))
                while owner[slot] == stamp and keys[slot] != value:
                    slot = (slot + 1) & (room - 1)
                if owner[slot] == stamp:
                    counts[slot] += 1
                else:
                    owner[slot] = stamp
                    keys[slot] = value
                    counts[slot] = 1
                    chars[slot] = length
                    order[distinct] = slot
                    distinct += 1
                length -= lengths[i]
            most = 0
            for k in range(distinct):
                slot = order[k]
                if counts[slot] > most:
                    most = counts[slot]
                    result[which, row] = counts[slot] * chars[slot]
    return result


@kernel
def _duplicate(  # noqa: C901 - one loop over n-grams, kept whole for speed
    hashes: Hashes, lengths: Positions, offsets: Offsets, sizes: Counts
) -> Counts:
    rows = len(offsets) - 1
    result = np.zeros((len(sizes), rows), dtype=np.int64)
    size = _room(offsets)
    keys = np.zeros(size, dtype=np.uint64)
    owner = np.full(size, -1, dtype=np.int64)
    joined = np.zeros(size, dtype=np.uint64)
    powers = np.zeros(size, dtype=np.uint64)
    short = np.ones(64, dtype=np.uint64)
    for k in range(1, 64):
        short[k] = _times(short[k - 1], np.uint64(BASE))
    prime = np.uint64(PRIME)
    stamp = 0
    for row in range(rows):
        first = offsets[row]
        words = offsets[row + 1] - first
        room = 16
        while room < 2 * words:
            room *= 2
        for i in range(words):
            joined[i] = hashes[first + i]
            length = lengths[first + i]
            powers[i] = short[length] if length < 64 else _power(length)
        grown = 1
        for which in range(len(sizes)):
            n = sizes[which]
            # joined[i] becomes the hash of n words from i on: each round appends one word.
            while grown < n:
                for i in range(words - grown):
                    value = _times(joined[i], powers[i + grown]) + hashes[first + i + grown]
                    joined[i] = value - prime if value >= prime else value
                grown += 1
            stamp += 1
            i = 0
            while i < words - n + 1:
                value = joined[i]
                slot = np.int64((value * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(30)) & np.uint64(room - 1))
                while owner[slot] == stamp and keys[slot] != value:
                    slot = (slot + 1) & (room - 1)
                if owner[slot] == stamp:
                    for k in range(i, i + n):
                        result[which, row] += lengths[first + k]
                    i += n
                else:
                    owner[slot] = stamp
                    keys[slot] = value
                    i += 1
    return result
