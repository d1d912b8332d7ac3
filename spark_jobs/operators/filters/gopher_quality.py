"""Gopher's quality rules as FineWeb measures them: lengths, symbols, bullets, ellipses, letters, stop words."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.ratios import ratio
from spark_jobs.text.words import ALPHABETIC, LEXICAL, Hashes, Positions, Traits, hash_of, spread

Counts = npt.NDArray[np.int64]

_PROSE = "The plans that neighbours have agreed to follow must be kept with care and patience. " * 4


class GopherQualityParams(Params):
    """Limits; None switches a rule off."""

    min_words: int | None = Field(50, ge=0, description="words, punctuation not counted")
    max_words: int | None = Field(100_000, ge=0, description="words, punctuation not counted")
    min_mean_word_length: float | None = Field(3, ge=0, description="characters, over words")
    max_mean_word_length: float | None = Field(10, ge=0, description="characters, over words")
    max_hash_ratio: float | None = Field(0.1, ge=0, description='"#" over all tokens')
    max_ellipsis_ratio: float | None = Field(0.1, ge=0, description='"..." and "…" over all tokens')
    max_bullet_lines: float | None = Field(0.9, ge=0, le=1, description="share of lines that start with • or -")
    max_ellipsis_lines: float | None = Field(0.3, ge=0, le=1, description='share of lines that end in "..." or "…"')
    min_alphabetic_words: float | None = Field(0.8, ge=0, le=1, description="tokens with a letter over all tokens")
    min_stop_words: int | None = Field(2, ge=0, description="distinct stop words, case counts")
    stop_words: tuple[str, ...] = Field(
        ("the", "be", "to", "of", "and", "that", "have", "with"), description="single tokens"
    )


class GopherQuality:
    """Ratios are over all tokens, punctuation tokens included; lines are cut at all line ends, empty ones count."""

    name: ClassVar[str] = "gopher_quality"
    version: ClassVar[int] = 2
    source: ClassVar[str] = "arXiv 2112.11446, appendix A1.1; huggingface/datatrove"
    Params: ClassVar[type[Params]] = GopherQualityParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("words", "tokens that hold a letter, number or mark"),
        Signal("mean_word_length_chars", "mean characters of these words"),
        Signal("hash_ratio", '"#" characters over all tokens'),
        Signal("ellipsis_ratio", '"..." and "…" over all tokens'),
        Signal("bullet_line_ratio", "lines that start with • or - over lines"),
        Signal("ellipsis_line_ratio", 'lines that end in "..." or "…" over lines'),
        Signal("alphabetic_word_ratio", "tokens with a letter over all tokens"),
        Signal("stop_words", "distinct stop words in the text"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(_PROSE, signals={"words": 60.0, "stop_words": 6.0}, reasons=()),
        Example(
            "Too short.",
            signals={"words": 2.0, "hash_ratio": 0.0},
            reasons=("too_short", "few_alphabetic_words", "few_stop_words"),
        ),
        Example("- " + "\n- ".join(_PROSE.split()), reasons=("bullet_lines", "few_alphabetic_words")),
        Example(_PROSE + "# " * 10, reasons=("hash_symbols",)),
    )

    def __init__(self, params: GopherQualityParams) -> None:
        """Take the limits."""
        self.params = params
        hashes = np.array(sorted(hash_of(word) for word in set(params.stop_words)), dtype=np.uint64)
        self._stop_words = hashes

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Eight measures of every text; a ratio over nothing is NaN."""
        words, tokens = batch.words, batch.word_counts
        counts = _count_words(words.hashes, words.lengths, words.traits, words.offsets, self._stop_words)
        lexical, chars, alphabetic, stops = counts
        characters, lines = batch.characters, batch.lines
        hashes, ellipses = _count_symbols(characters.codes, characters.offsets)
        bullets, trailing = _count_lines(characters.codes, characters.flags, lines.starts, lines.ends, lines.offsets)
        return {
            "words": lexical.astype(np.float64),
            "mean_word_length_chars": ratio(chars, lexical),
            "hash_ratio": ratio(hashes, tokens),
            "ellipsis_ratio": ratio(ellipses, tokens),
            "bullet_line_ratio": ratio(bullets, lines.counts),
            "ellipsis_line_ratio": ratio(trailing, lines.counts),
            "alphabetic_word_ratio": ratio(alphabetic, tokens),
            "stop_words": stops.astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        return (
            Rule(reason="too_short", signal="words", minimum=p.min_words),
            Rule(reason="too_long", signal="words", maximum=p.max_words),
            Rule(reason="short_words", signal="mean_word_length_chars", minimum=p.min_mean_word_length),
            Rule(reason="long_words", signal="mean_word_length_chars", maximum=p.max_mean_word_length),
            Rule(reason="hash_symbols", signal="hash_ratio", maximum=p.max_hash_ratio),
            Rule(reason="ellipses", signal="ellipsis_ratio", maximum=p.max_ellipsis_ratio),
            Rule(reason="bullet_lines", signal="bullet_line_ratio", maximum=p.max_bullet_lines),
            Rule(reason="ellipsis_lines", signal="ellipsis_line_ratio", maximum=p.max_ellipsis_lines),
            Rule(reason="few_alphabetic_words", signal="alphabetic_word_ratio", minimum=p.min_alphabetic_words),
            Rule(reason="few_stop_words", signal="stop_words", minimum=p.min_stop_words),
        )


@kernel
def _count_words(
    hashes: Hashes, lengths: Positions, traits: Traits, offsets: Offsets, stop_words: Hashes
) -> tuple[Counts, Counts, Counts, Counts]:
    rows = len(offsets) - 1
    lexical = np.zeros(rows, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    alphabetic = np.zeros(rows, dtype=np.int64)
    stops = np.zeros(rows, dtype=np.int64)
    seen = np.full(len(stop_words), -1, dtype=np.int64)
    # One bit for each stop word by its hash: most words need no search.
    sieve = np.zeros(256, dtype=np.uint8)
    for k in range(len(stop_words)):
        sieve[spread(stop_words[k], 8)] = 1
    for row in range(rows):
        first = offsets[row]
        own = hashes[first : offsets[row + 1]]
        for i in range(len(own)):
            trait = traits[first + i]
            if trait & LEXICAL:
                lexical[row] += 1
                chars[row] += lengths[first + i]
            alphabetic[row] += (trait & ALPHABETIC) != 0
            if sieve[spread(own[i], 8)]:
                at = np.searchsorted(stop_words, own[i])
                if at < len(stop_words) and stop_words[at] == own[i] and seen[at] != row:
                    seen[at] = row
                    stops[row] += 1
    return lexical, chars, alphabetic, stops


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
def _count_symbols(codes: Codes, offsets: Offsets) -> tuple[Counts, Counts]:
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
def _count_lines(codes: Codes, flags: Flags, starts: Counts, ends: Counts, lines: Offsets) -> tuple[Counts, Counts]:
    rows = len(lines) - 1
    bullets = np.zeros(rows, dtype=np.int64)
    trailing = np.zeros(rows, dtype=np.int64)
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
            trailing[row] += dots or last == 0x2026
    return bullets, trailing
