"""Gopher's quality rules as FineWeb measures them: lengths, symbols, bullets, ellipses, letters, stop words."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text import prose
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.ratios import ratio

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
        self._stop_words = prose.WordLists.of([params.stop_words])

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Eight measures of every text; a ratio over nothing is NaN."""
        counts, marks, tokens = prose.word_counts(batch), prose.line_counts(batch), batch.word_counts
        hashes, ellipses = prose.symbol_counts(batch)
        stops = prose.stop_word_counts(batch, self._stop_words, np.zeros(len(batch), dtype=np.int64))
        return {
            "words": counts.lexical.astype(np.float64),
            "mean_word_length_chars": ratio(counts.chars, counts.lexical),
            "hash_ratio": ratio(hashes, tokens),
            "ellipsis_ratio": ratio(ellipses, tokens),
            "bullet_line_ratio": ratio(marks.bullets, batch.lines.counts),
            "ellipsis_line_ratio": ratio(marks.ellipses, batch.lines.counts),
            "alphabetic_word_ratio": ratio(counts.alphabetic, tokens),
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
