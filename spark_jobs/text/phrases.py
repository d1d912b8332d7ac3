"""Words and phrases of a list in the texts of a batch, as whole words, found by one scan for lists of any length.

A phrase stands where no letter, number or mark adjoins it; scripts written without spaces need no such border. A space
of a phrase is any white space within a line. The longest phrase at a place counts, and matches do not overlap.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import IDEOGRAPH, LETTER, LINE_END, MARK, NUMBER, SPACE, Codes, Flags, Offsets
from spark_jobs.text.letter_case import CODE_POINTS, lower_table
from spark_jobs.text.native import kernel

_BUCKETS = 1 << 12
_APOSTROPHE = 0x2019

Places = npt.NDArray[np.int64]
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Phrases:
    """A list ready for search: phrase i is `codes[offsets[i]:offsets[i + 1]]`, folded, longest first in its bucket.

    Bucket b, of a hash of the first two characters, holds the phrases `buckets[b]:buckets[b + 1]`. `heads` marks the
    characters of a text that may begin one; `texts` are the phrases as they are stored.
    """

    texts: tuple[str, ...]
    codes: Codes
    offsets: Offsets
    buckets: Places
    heads: Bits
    fold: Codes

    @classmethod
    def of(cls, entries: Iterable[str], *, ignore_case: bool) -> "Phrases":
        """Entries with white space around them left out, each once; blank ones are nothing."""
        fold = _fold_table(ignore_case)
        folded = {"".join(chr(fold[ord(c)]) for c in " ".join(entry.split())) for entry in entries} - {""}
        by_bucket = sorted(folded, key=lambda text: (_bucket_of(text), -len(text), text))
        starts = np.searchsorted([_bucket_of(text) for text in by_bucket], np.arange(_BUCKETS + 1))
        codes = np.array([ord(c) for text in by_bucket for c in text], dtype=np.uint32)
        heads = np.zeros(CODE_POINTS, dtype=np.bool_)
        heads[[ord(text[0]) for text in by_bucket]] = True
        heads = heads[fold]
        offsets = np.cumsum([0, *map(len, by_bucket)], dtype=np.int64)
        return cls(tuple(by_bucket), codes, offsets, starts.astype(np.int64), heads, fold)


@dataclass(frozen=True, eq=False)
class Matches:
    """Matches of all texts in one row, in their order; text i owns `offsets[i]:offsets[i + 1]`.

    `starts` and `ends` are positions in `Characters.codes`; `phrases` says which one, as a place in `Phrases.texts`.
    """

    starts: Places
    ends: Places
    phrases: Places
    offsets: Offsets

    @property
    def counts(self) -> Places:
        """Matches per text."""
        return np.diff(self.offsets)


def find(batch: TextBatch, phrases: Phrases) -> Matches:
    """All matches in a batch."""
    characters = batch.characters
    if not phrases.texts:
        none = np.zeros(0, dtype=np.int64)
        return Matches(none, none, none, np.zeros(len(batch) + 1, dtype=np.int64))
    starts, ends, which, offsets = _find(
        characters.codes, characters.flags, characters.offsets,
        phrases.codes, phrases.offsets, phrases.buckets, phrases.heads, phrases.fold,
    )  # fmt: skip
    return Matches(starts, ends, which, offsets)


def distinct(matches: Matches, phrases: Phrases) -> Places:
    """Different phrases per text."""
    counts: Places = _distinct(matches.phrases, matches.offsets, len(phrases.texts))
    return counts


@lru_cache(maxsize=2)
def _fold_table(ignore_case: bool) -> Codes:  # noqa: FBT001 - a cache takes no keywords by themselves
    table = lower_table().copy() if ignore_case else np.arange(CODE_POINTS, dtype=np.uint32)
    table[_APOSTROPHE] = ord("'")
    table.flags.writeable = False
    return table


def _bucket_of(text: str) -> int:
    return int(_bucket(ord(text[0]), ord(text[1]) if len(text) > 1 else 0))


@kernel
def _bucket(first: int, second: int) -> int:
    return ((first * 0x9E3779B1 + second * 0x85EBCA77) & 0xFFFFFFFF) >> 20


@kernel
def _in_word(code: int, flag: int) -> bool:
    """Whether a character joins its neighbours to a word: scripts without spaces, Thai to Tibetan and Khmer, do not."""
    if (flag & (LETTER | NUMBER | MARK)) == 0 or (flag & IDEOGRAPH) != 0:
        return False
    return not ((code >= 0x0E00 and code < 0x1000) or (code >= 0x1000 and code < 0x10A0) or
                (code >= 0x1780 and code < 0x1800))  # fmt: skip


@kernel
def _second(codes: Codes, flags: Flags, at: int, end: int, fold: Codes) -> int:
    """The character after `at` as phrases have it; 0 at the end of the text."""
    if at + 1 == end:
        return 0
    return 0x20 if (flags[at + 1] & (SPACE | LINE_END)) == SPACE else int(fold[codes[at + 1]])


@kernel
def _longest_at(  # noqa: PLR0917 - one loop over candidates, kept whole for speed; numba takes no keywords
    codes: Codes, flags: Flags, at: int, end: int,
    phrases: Codes, starts: Offsets, buckets: Places, fold: Codes,
) -> tuple[int, int]:  # fmt: skip
    """The longest phrase at a place and its end; (-1, -1) if none stands there."""
    first = int(fold[codes[at]])
    bucket = _bucket(first, _second(codes, flags, at, end, fold))
    # A phrase of one character lies in a bucket of its own.
    for _ in range(2):
        for which in range(buckets[bucket], buckets[bucket + 1]):
            i = at
            k = starts[which]
            while k < starts[which + 1] and i < end:
                code = phrases[k]
                if code == 0x20:
                    gap = i
                    while i < end and (flags[i] & (SPACE | LINE_END)) == SPACE:
                        i += 1
                    if i == gap:
                        break
                elif fold[codes[i]] == code:
                    i += 1
                else:
                    break
                k += 1
            if k < starts[which + 1]:
                continue
            if i == end or not (_in_word(codes[i - 1], flags[i - 1]) and _in_word(codes[i], flags[i])):
                return which, i
        bucket = _bucket(first, 0)
    return -1, -1


@kernel
def _begins(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, heads: Bits, buckets: Places, fold: Codes, places: Places
) -> int:
    """Where in a text a phrase may begin, by its first two characters and the border before it; how many places."""
    count = 0
    for i in range(start, end):
        if not heads[codes[i]] or (i > start and _in_word(codes[i - 1], flags[i - 1]) and _in_word(codes[i], flags[i])):
            continue
        first = int(fold[codes[i]])
        pair = _bucket(first, _second(codes, flags, i, end, fold))
        single = _bucket(first, 0)
        places[count] = i
        count += buckets[pair] < buckets[pair + 1] or buckets[single] < buckets[single + 1]
    return count


@kernel
def _find(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, offsets: Offsets,
    phrases: Codes, phrase_offsets: Offsets, buckets: Places, heads: Bits, fold: Codes,
) -> tuple[Places, Places, Places, Offsets]:  # fmt: skip
    found = np.empty((3, 64), dtype=np.int64)
    matches = np.zeros(len(offsets), dtype=np.int64)
    longest = 0
    for row in range(len(offsets) - 1):
        longest = max(longest, offsets[row + 1] - offsets[row])
    places = np.empty(longest + 1, dtype=np.int64)
    count = 0
    for row in range(len(offsets) - 1):
        end = offsets[row + 1]
        after = offsets[row]
        for k in range(_begins(codes, flags, after, end, heads, buckets, fold, places)):
            at = places[k]
            if at < after:
                continue
            which, stop = _longest_at(codes, flags, at, end, phrases, phrase_offsets, buckets, fold)
            if which < 0:
                continue
            if count == found.shape[1]:
                grown = np.empty((3, 2 * count), dtype=np.int64)
                grown[:, :count] = found
                found = grown
            found[0, count] = at
            found[1, count] = stop
            found[2, count] = which
            count += 1
            after = stop
        matches[row + 1] = count
    return found[0, :count].copy(), found[1, :count].copy(), found[2, :count].copy(), matches


@kernel
def _distinct(which: Places, offsets: Offsets, phrases: int) -> Places:
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    seen = np.full(phrases, -1, dtype=np.int64)
    for row in range(len(counts)):
        for i in range(offsets[row], offsets[row + 1]):
            if seen[which[i]] != row:
                seen[which[i]] = row
                counts[row] += 1
    return counts
