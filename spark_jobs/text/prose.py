"""Counts that rules on prose are made of: words with letters, stop words by language, symbols, line starts and ends.

Each is measured once a batch and shared. What a word, a line and a sentence end is, say the neighbouring modules.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import SENTENCE_END, SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.words import ALPHABETIC, LEXICAL, Hashes, Positions, Traits, hash_of, spread

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WordCounts:
    """Per text: tokens that hold a letter, number or mark, their characters, and tokens with a letter."""

    lexical: Counts
    chars: Counts
    alphabetic: Counts


@dataclass(frozen=True, eq=False)
class LineCounts:
    """Per text, over the lines of str.splitlines: those that start with a bullet (• or -), those that end in dots."""

    bullets: Counts
    ellipses: Counts


@dataclass(frozen=True, eq=False)
class WordLists:
    """Several lists of words as one row of hashes: list i is `hashes[offsets[i]:offsets[i + 1]]`, ascending.

    `sieve[i]` has one bit for each word of list i by its hash, so that most words need no search.
    """

    hashes: Hashes
    offsets: Offsets
    sieve: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, lists: Sequence[Iterable[str]]) -> "WordLists":
        """Lists of single tokens; a word of several tokens matches none."""
        hashes = [np.array(sorted({hash_of(word) for word in words}), dtype=np.uint64) for words in lists]
        sieve = np.zeros((len(lists), 256), dtype=np.bool_)
        for row, own in enumerate(hashes):
            sieve[row, [int(spread(value, 8)) for value in own]] = True
        offsets = np.cumsum([0, *map(len, hashes)], dtype=np.int64)
        return cls(np.concatenate([np.zeros(0, np.uint64), *hashes]), offsets, sieve)


def word_counts(batch: TextBatch) -> WordCounts:
    """Lexical and alphabetic tokens of every text."""
    words = batch.words
    return batch.shared("word_counts", lambda: WordCounts(*_words(words.lengths, words.traits, words.offsets)))


def symbol_counts(batch: TextBatch) -> tuple[Counts, Counts]:
    """Number of "#", and of "..." and "…" together, in every text."""
    characters = batch.characters
    return batch.shared("symbol_counts", lambda: _symbols(characters.codes, characters.offsets))


def line_counts(batch: TextBatch) -> LineCounts:
    """Lines that start with a bullet or end in an ellipsis, white space around them left out."""
    characters, lines = batch.characters, batch.lines
    codes, flags = characters.codes, characters.flags
    return batch.shared(
        "line_counts", lambda: LineCounts(*_line_marks(codes, flags, lines.starts, lines.ends, lines.offsets))
    )


def line_end_counts(batch: TextBatch, *, short_chars: int) -> tuple[Counts, Counts]:
    """Pieces between newlines, not blank: those whose last character ends a sentence in some script, and short ones."""
    flags, pieces = batch.characters.flags, batch.newline_pieces
    return batch.shared(
        ("line_ends", short_chars), lambda: _line_ends(flags, pieces.starts, pieces.ends, pieces.offsets, short_chars)
    )


def newline_counts(batch: TextBatch) -> Counts:
    r"""Number of "\n" in every text."""
    characters = batch.characters
    return batch.shared("newlines", lambda: _newlines(characters.codes, characters.line_ends, characters.offsets))


def stop_word_counts(batch: TextBatch, lists: WordLists, rows: Counts) -> Counts:
    """Distinct words of a text that are in its list: `rows` says which list each text has, -1 is none."""
    words = batch.words
    counts: Counts = _distinct(words.hashes, words.offsets, lists.hashes, lists.offsets, lists.sieve, rows)
    return counts


@kernel
def _words(lengths: Positions, traits: Traits, offsets: Offsets) -> tuple[Counts, Counts, Counts]:
    rows = len(offsets) - 1
    lexical = np.zeros(rows, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    alphabetic = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        own = traits[offsets[row] : offsets[row + 1]]
        own_lengths = lengths[offsets[row] : offsets[row + 1]]
        # Without branches: the compiler takes many words at once.
        for i in range(len(own)):
            is_lexical = (own[i] & LEXICAL) != 0
            lexical[row] += is_lexical
            chars[row] += own_lengths[i] * is_lexical
            alphabetic[row] += (own[i] & ALPHABETIC) != 0
    return lexical, chars, alphabetic


@kernel
def _distinct(  # noqa: PLR0917 - numba takes no keywords
    hashes: Hashes, offsets: Offsets, words: Hashes, lists: Offsets, sieve: npt.NDArray[np.bool_], rows: Counts
) -> Counts:
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    seen = np.full(len(words), -1, dtype=np.int64)
    for row in range(len(counts)):
        which = rows[row]
        if which < 0:
            continue
        first = lists[which]
        own = words[first : lists[which + 1]]
        for i in range(offsets[row], offsets[row + 1]):
            if not sieve[which, spread(hashes[i], 8)]:
                continue
            at = np.searchsorted(own, hashes[i])
            if at < len(own) and own[at] == hashes[i] and seen[first + at] != row:
                seen[first + at] = row
                counts[row] += 1
    return counts


@kernel
def _triples(codes: Codes) -> int:
    """How often "..." stands in a text, none overlapping."""
    count = 0
    dots = 0
    for code in codes:
        dots = dots + 1 if code == 0x2E else 0
        if dots == 3:
            dots = 0
            count += 1
    return count


@kernel
def _symbols(codes: Codes, offsets: Offsets) -> tuple[Counts, Counts]:
    rows = len(offsets) - 1
    hashes = np.zeros(rows, dtype=np.int64)
    ellipses = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        own = codes[offsets[row] : offsets[row + 1]]
        # Counts without branches: the compiler takes many characters at once.
        hash_signs = 0
        single = 0
        triple = 0
        for i in range(len(own)):
            hash_signs += own[i] == 0x23
            single += own[i] == 0x2026
        for i in range(len(own) - 2):
            triple += (own[i] == 0x2E) & (own[i + 1] == 0x2E) & (own[i + 2] == 0x2E)
        hashes[row] = hash_signs
        ellipses[row] = single + (_triples(own) if triple > 0 else 0)
    return hashes, ellipses


@kernel
def _line_marks(codes: Codes, flags: Flags, starts: Counts, ends: Counts, lines: Offsets) -> tuple[Counts, Counts]:
    rows = len(lines) - 1
    bullets = np.zeros(rows, dtype=np.int64)
    ellipses = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        for line in range(lines[row], lines[row + 1]):
            start = starts[line]
            end = ends[line]
            while start < end and (flags[start] & SPACE) != 0:
                start += 1
            while end > start and (flags[end - 1] & SPACE) != 0:
                end -= 1
            if start == end:
                continue
            bullets[row] += codes[start] == 0x2022 or codes[start] == 0x2D
            last = codes[end - 1]
            dots = last == 0x2E and end - start >= 3 and codes[end - 2] == 0x2E and codes[end - 3] == 0x2E
            ellipses[row] += dots or last == 0x2026
    return bullets, ellipses


@kernel
def _line_ends(flags: Flags, starts: Counts, ends: Counts, pieces: Offsets, short_chars: int) -> tuple[Counts, Counts]:
    rows = len(pieces) - 1
    terminal = np.zeros(rows, dtype=np.int64)
    short = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        for piece in range(pieces[row], pieces[row + 1]):
            start = starts[piece]
            while start < ends[piece] and (flags[start] & SPACE) != 0:
                start += 1
            if start == ends[piece]:
                continue
            terminal[row] += (flags[ends[piece] - 1] & SENTENCE_END) != 0
            short[row] += ends[piece] - starts[piece] <= short_chars
    return terminal, short


@kernel
def _newlines(codes: Codes, line_ends: Counts, offsets: Offsets) -> Counts:
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    at = 0
    for row in range(len(counts)):
        while at < len(line_ends) and line_ends[at] < offsets[row + 1]:
            counts[row] += codes[line_ends[at]] == 10
            at += 1
    return counts
