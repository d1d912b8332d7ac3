"""Repetition as mlfoundations/dclm counts it: every copy, the first one too; words that repeated n-grams cover.

The other way to count (second and later copies, scans that jump) is in `spans.py` and `ngrams.py`; the same text has
other values under each, so neither stands for the other.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import SPACE, Characters, Codes, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.spans import Spans
from spark_jobs.text.words import LEXICAL, Hashes, Positions, Words

TOP_SIZES = (2, 3, 4)
COVERED_SIZES = (5, 6, 7, 8, 9, 10)

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Copies:
    """Per text: pieces that are not blank and their characters; those that occur more than once, and their characters.

    Pieces are stripped of white space before they are compared and measured.
    """

    pieces: Counts
    chars: Counts
    copied: Counts
    copied_chars: Counts


@dataclass(frozen=True, eq=False)
class Grams:
    """Per text: words without punctuation tokens and their characters; shape (texts,).

    `top` (3, texts): characters, without spaces, of the most frequent n-gram times its count, for n of TOP_SIZES; of
    equally frequent ones the longest; 0 if none repeats. `covered` (6, texts): characters of all words that lie in an
    n-gram that occurs again, each word once, for n of COVERED_SIZES.
    """

    words: Counts
    chars: Counts
    top: Counts
    covered: Counts


def copies(characters: Characters, spans: Spans) -> Copies:
    """Count pieces that have a copy in their text. Compared by a 64-bit hash and their length."""
    return Copies(*_copies(characters.codes, characters.flags, spans.starts, spans.ends, spans.offsets))


def grams(words: Words) -> Grams:
    """Repeated n-grams over the words that hold a letter, number or mark."""
    lexical = (words.traits & LEXICAL) != 0
    before = np.zeros(len(lexical) + 1, dtype=np.int64)
    np.cumsum(lexical, out=before[1:])
    offsets = before[words.offsets]
    lengths = words.lengths[lexical]
    chars, sums = _grams(words.hashes[lexical], lengths, offsets)
    return Grams(np.diff(offsets), chars, sums[: len(TOP_SIZES)], sums[len(TOP_SIZES) :])


@kernel
def _largest(offsets: Offsets) -> int:
    largest = 1
    for row in range(len(offsets) - 1):
        largest = max(largest, offsets[row + 1] - offsets[row])
    return largest


@kernel
def _room(count: int) -> int:
    size = 16
    while size < 2 * count:
        size *= 2
    return size


@kernel
def _copies(  # noqa: C901 - one loop over pieces, kept whole for speed
    codes: Codes, flags: Flags, starts: Counts, ends: Counts, offsets: Offsets
) -> Counts:
    rows = len(offsets) - 1
    result = np.zeros((4, rows), dtype=np.int64)
    most = _largest(offsets)
    size = _room(most)
    keys = np.zeros(size, dtype=np.uint64)
    spans = np.zeros(size, dtype=np.int64)
    counts = np.zeros(size, dtype=np.int64)
    owner = np.full(size, -1, dtype=np.int64)
    slots = np.zeros(most, dtype=np.int64)
    for row in range(rows):
        mask = np.uint64(_room(offsets[row + 1] - offsets[row]) - 1)
        found = 0
        for piece in range(offsets[row], offsets[row + 1]):
            start = starts[piece]
            end = ends[piece]
            while start < end and (flags[start] & SPACE) != 0:
                start += 1
            while end > start and (flags[end - 1] & SPACE) != 0:
                end -= 1
            if start == end:
                continue
            value = np.uint64(0x9E3779B97F4A7C15)
            for i in range(start, end):
                value = (value ^ np.uint64(codes[i])) * np.uint64(0xFF51AFD7ED558CCD)
                value ^= value >> np.uint64(32)
            slot = np.int64(value & mask)
            while owner[slot] == row and not (keys[slot] == value and spans[slot] == end - start):
                slot = np.int64((np.uint64(slot) + np.uint64(1)) & mask)
            if owner[slot] != row:
                owner[slot] = row
                keys[slot] = value
                spans[slot] = end - start
                counts[slot] = 0
            counts[slot] += 1
            slots[found] = slot
            found += 1
            result[0, row] += 1
            result[1, row] += end - start
        for k in range(found):
            if counts[slots[k]] > 1:
                result[2, row] += 1
                result[3, row] += spans[slots[k]]
    return result


@kernel
def _top_of(  # noqa: PLR0917 - numba takes no keywords
    counts: Counts, slots: Counts, places: Counts, found: int, n: int, ends: Counts
) -> int:
    """Characters times count of the most frequent n-gram, the longest of equally frequent ones; 0 for a count of 1."""
    most = 1
    longest = 0
    for k in range(found):
        count = counts[slots[k]]
        length = ends[places[k] + n] - ends[places[k]]
        if count > most or (count == most and length > longest):
            most = count
            longest = length
    return most * longest if most > 1 else 0


@kernel
def _covered(places: Counts, found: int, n: int, ends: Counts) -> int:
    """Characters of the words in n-grams that start at ascending places, each word once."""
    chars = reached = 0
    for k in range(found):
        chars += ends[places[k] + n] - ends[max(places[k], reached)]
        reached = places[k] + n
    return chars


@kernel
def _grams(  # noqa: C901, PLR0915 - one loop over n-grams, kept whole for speed
    hashes: Hashes, lengths: Positions, offsets: Offsets
) -> tuple[Counts, Counts]:
    """Only where two repeated n-grams start side by side can a longer one repeat: so each size looks at few places."""
    rows = len(offsets) - 1
    chars = np.zeros(rows, dtype=np.int64)
    result = np.zeros((9, rows), dtype=np.int64)
    most = _largest(offsets)
    size = _room(most)
    keys = np.zeros(size, dtype=np.uint64)
    counts = np.zeros(size, dtype=np.int64)
    owner = np.full(size, -1, dtype=np.int64)
    values = np.zeros(most, dtype=np.uint64)
    places = np.zeros(most, dtype=np.int64)
    slots = np.zeros(most, dtype=np.int64)
    ends = np.zeros(most + 1, dtype=np.int64)
    stamp = 0
    for row in range(rows):
        first = offsets[row]
        words = offsets[row + 1] - first
        for i in range(words):
            ends[i + 1] = ends[i] + lengths[first + i]
            # Not the hash itself: "a b" and "b a" would be one.
            values[i] = (hashes[first + i] ^ np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xFF51AFD7ED558CCD)
            places[i] = i
        chars[row] = ends[words]
        found = words
        n = 1
        while found > 1 and n < 10:
            n += 1
            stamp += 1
            mask = np.uint64(_room(found) - 1)
            candidates = 0
            for k in range(found - 1):
                i = places[k]
                if places[k + 1] != i + 1:
                    continue
                value = (values[i] ^ hashes[first + i + n - 1]) * np.uint64(0x9E3779B97F4A7C15)
                value ^= value >> np.uint64(29)
                values[i] = value
                slot = np.int64((value >> np.uint64(20)) & mask)
                while owner[slot] == stamp and keys[slot] != value:
                    slot = np.int64((np.uint64(slot) + np.uint64(1)) & mask)
                if owner[slot] != stamp:
                    owner[slot] = stamp
                    keys[slot] = value
                    counts[slot] = 0
                counts[slot] += 1
                places[candidates] = i
                slots[candidates] = slot
                candidates += 1
            if n <= 4:
                result[n - 2, row] = _top_of(counts, slots, places, candidates, n, ends)
            found = 0
            for k in range(candidates):
                if counts[slots[k]] > 1:
                    places[found] = places[k]
                    found += 1
            if n > 4:
                result[n - 2, row] = _covered(places, found, n, ends)
    return chars, result
