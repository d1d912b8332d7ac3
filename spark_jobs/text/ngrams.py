"""Repetition of word n-grams within a text: the character mass of the most frequent and of the duplicate ones.

Counting follows huggingface/datatrove (arXiv 2112.11446, table A1); what it measures is said at each function. Most
n-grams of most texts occur once, so two bitmaps sort those out before a table is asked.
"""

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.words import BASE, Hashes, Positions, Words, spread

Counts = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]


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
def _bits_for(items: int) -> int:
    """Bits of a slot number in a table of at least twice so many items."""
    bits = 6
    while (1 << bits) < 2 * items:
        bits += 1
    return bits


@kernel
def _most_words(offsets: Offsets) -> int:
    most = 1
    for row in range(len(offsets) - 1):
        most = max(most, offsets[row + 1] - offsets[row])
    return most


@kernel
def _maybe_repeated(keys: Hashes, once: Bits, twice: Bits, found: Positions) -> int:
    """Write the places of keys that may occur more than once to `found`, ascending; gives their number.

    A key that does occur more than once is never left out. The bitmaps hold some 16 bits a key.
    """
    bits = _bits_for(8 * len(keys))
    low = np.uint64(63)
    six = np.uint64(6)
    one = np.uint64(1)
    once[: 1 << (bits - 6)] = 0
    twice[: 1 << (bits - 6)] = 0
    for i in range(len(keys)):
        slot = spread(keys[i], bits)
        bit = one << (slot & low)
        twice[slot >> six] |= once[slot >> six] & bit
        once[slot >> six] |= bit
    count = np.uint64(0)
    for i in range(len(keys)):
        slot = spread(keys[i], bits)
        found[count] = i
        count += (twice[slot >> six] >> (slot & low)) & one
    return np.int64(count)  # type: ignore[return-value] # an integer to numba


@kernel
def _most_frequent(  # noqa: PLR0917 - numba takes no keywords
    keys: Hashes, chosen: Positions, table: Hashes, counts: Positions, firsts: Positions, repeated: Positions
) -> tuple[int, int]:
    """Count of the most frequent of the chosen keys, and its first place; of equally frequent ones the earliest."""
    bits = _bits_for(len(chosen))
    counts[: 1 << bits] = 0
    last = np.uint64((1 << bits) - 1)
    again = 0
    for c in range(len(chosen)):
        value = keys[chosen[c]]
        slot = spread(value, bits)
        while counts[slot] != 0 and table[slot] != value:
            slot = (slot + np.uint64(1)) & last
        if counts[slot] == 0:
            table[slot] = value
            firsts[slot] = chosen[c]
        counts[slot] += 1
        if counts[slot] == 2:
            repeated[again] = slot
            again += 1
    most = 1
    place = 0
    for r in range(again):
        slot = np.uint64(repeated[r])
        if counts[slot] > most or (counts[slot] == most and firsts[slot] < place):
            most = counts[slot]
            place = firsts[slot]
    return most, place


@kernel
def _top(hashes: Hashes, lengths: Positions, offsets: Offsets, sizes: Counts) -> Counts:
    rows = len(offsets) - 1
    result = np.zeros((len(sizes), rows), dtype=np.int64)
    most_words = _most_words(offsets)
    once = np.empty(1 << (_bits_for(8 * most_words) - 6), dtype=np.uint64)
    twice = np.empty_like(once)
    table = np.empty(1 << _bits_for(most_words), dtype=np.uint64)
    counts = np.empty(len(table), dtype=np.int32)
    firsts = np.empty(len(table), dtype=np.int32)
    grams = np.empty(most_words, dtype=np.uint64)
    places = np.empty(most_words, dtype=np.int32)
    chosen = np.empty(most_words + 1, dtype=np.int32)
    spare = np.empty(most_words, dtype=np.int32)
    for row in range(rows):
        own = hashes[offsets[row] : offsets[row + 1]]
        held = lengths[offsets[row] : offsets[row + 1]]
        words = len(own)
        grams[:words] = own
        for i in range(words):
            places[i] = i
        looked_at = words
        grown = 1
        for which in range(len(sizes)):
            n = sizes[which]
            if words < n:
                break
            # What repeats begins with something shorter that repeats: only those places are looked at again.
            kept = 0
            for c in range(looked_at):
                i = places[c]
                if i + n <= words:
                    value = grams[c]
                    for k in range(i + grown, i + n):
                        value = (value ^ (value >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) + own[k]
                    grams[kept] = value
                    places[kept] = i
                    kept += 1
            grown = n
            again = _maybe_repeated(grams[:kept], once, twice, chosen)
            most, place = _most_frequent(grams, chosen[:again], table, counts, firsts, spare)
            start = places[place] if most > 1 else 0
            chars = n - 1
            for i in range(start, start + n):
                chars += held[i]
            result[which, row] = most * chars
            for c in range(again):
                grams[c] = grams[chosen[c]]
                places[c] = places[chosen[c]]
            looked_at = again
    return result


@kernel
def _power(exponent: int) -> np.uint64:
    result = np.uint64(1)
    factor = np.uint64(BASE)
    while exponent > 0:
        if exponent & 1:
            result *= factor
        factor *= factor
        exponent >>= 1
    return result


@kernel
def _scan(  # noqa: PLR0917 - numba takes no keywords
    joined: Hashes, chosen: Positions, held: Positions, n: int, table: Hashes, taken: Positions
) -> int:
    """Characters of the n-grams that are found again, `chosen` being the places of those that may be."""
    bits = _bits_for(len(chosen))
    taken[: 1 << bits] = 0
    last = np.uint64((1 << bits) - 1)
    chars = 0
    following = 0
    for c in range(len(chosen)):
        i = chosen[c]
        if i < following:
            continue
        value = joined[i]
        slot = spread(value, bits)
        while taken[slot] != 0 and table[slot] != value:
            slot = (slot + np.uint64(1)) & last
        if taken[slot] == 0:
            taken[slot] = 1
            table[slot] = value
            continue
        for k in range(i, i + n):
            chars += held[k]
        following = i + n
    return chars


@kernel
def _duplicate(hashes: Hashes, lengths: Positions, offsets: Offsets, sizes: Counts) -> Counts:
    rows = len(offsets) - 1
    result = np.zeros((len(sizes), rows), dtype=np.int64)
    most_words = _most_words(offsets)
    once = np.empty(1 << (_bits_for(8 * most_words) - 6), dtype=np.uint64)
    twice = np.empty_like(once)
    table = np.empty(1 << _bits_for(most_words), dtype=np.uint64)
    taken = np.empty(len(table), dtype=np.int32)
    joined = np.empty(most_words, dtype=np.uint64)
    powers = np.empty(most_words, dtype=np.uint64)
    chosen = np.empty(most_words + 1, dtype=np.int32)
    short = np.ones(64, dtype=np.uint64)
    for k in range(1, 64):
        short[k] = short[k - 1] * np.uint64(BASE)
    for row in range(rows):
        own = hashes[offsets[row] : offsets[row + 1]]
        held = lengths[offsets[row] : offsets[row + 1]]
        words = len(own)
        joined[:words] = own
        for i in range(words):
            powers[i] = short[held[i]] if held[i] < 64 else _power(held[i])
        grown = 1
        for which in range(len(sizes)):
            n = sizes[which]
            if words < n:
                break
            # joined[i] becomes the hash of n words from i on: each round appends one word.
            while grown < n:
                factors = powers[grown:words]
                tails = own[grown:]
                for i in range(words - grown):
                    joined[i] = joined[i] * factors[i] + tails[i]
                grown += 1
            again = _maybe_repeated(joined[: words - n + 1], once, twice, chosen)
            result[which, row] = _scan(joined, chosen[:again], held, n, table, taken)
    return result
