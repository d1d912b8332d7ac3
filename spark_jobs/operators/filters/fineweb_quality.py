"""FineWeb's own rules: line ends without punctuation, short lines, repeated characters, lists."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.prose import line_end_counts, newline_counts
from spark_jobs.text.ratios import ratio
from spark_jobs.text.spans import repeats


class FinewebQualityParams(Params):
    """Limits; None switches a rule off."""

    min_terminal_lines: float | None = Field(0.12, ge=0, le=1, description="share of lines that end a sentence")
    max_short_lines: float | None = Field(0.67, ge=0, le=1, description="share of short lines")
    short_line_chars: int = Field(30, ge=0, description="a line of at most so many characters is short")
    max_duplicate_chars: float | None = Field(
        0.01,
        ge=0,
        le=1,
        description="characters in repeated lines over characters without newlines; .1 outside English",
    )
    max_newlines_per_word: float | None = Field(0.3, ge=0, description="newlines over tokens")


class FinewebQuality:
    """Lines are cut at newlines, blank ones left out; a line end counts as it is, blanks after it too."""

    name: ClassVar[str] = "fineweb_quality"
    version: ClassVar[int] = 2
    source: ClassVar[str] = "arXiv 2406.17557; huggingface/datatrove"
    Params: ClassVar[type[Params]] = FinewebQualityParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("lines", "lines that are not blank"),
        Signal("terminal_line_ratio", "lines whose last character ends a sentence in some script, over lines"),
        Signal("short_line_ratio", "short lines over lines"),
        Signal("duplicate_char_ratio", "characters of lines equal to an earlier one over characters without newlines"),
        Signal("newline_word_ratio", "newlines over tokens"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "This is a line that ends as a sentence does.",
            signals={"lines": 1.0, "terminal_line_ratio": 1.0, "short_line_ratio": 0.0},
            reasons=(),
        ),
        Example("Home\nNews\nContact\nHome", reasons=("no_terminal_lines", "short_lines", "duplicate_chars", "list")),
        Example(" \n ", signals={"lines": 0.0}, reasons=("empty",)),
    )

    def __init__(self, params: FinewebQualityParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Five measures of every text; a ratio over nothing is NaN."""
        copies = repeats(batch.characters, batch.newline_pieces, skip_blank=True)
        terminal, short = line_end_counts(batch, short_chars=self.params.short_line_chars)
        newlines = newline_counts(batch)
        return {
            "lines": copies.pieces.astype(np.float64),
            "terminal_line_ratio": ratio(terminal, copies.pieces),
            "short_line_ratio": ratio(short, copies.pieces),
            "duplicate_char_ratio": ratio(copies.repeated_chars, batch.lengths - newlines),
            "newline_word_ratio": ratio(newlines, batch.word_counts),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data; a text without lines is dropped as `empty`."""
        p = self.params
        return (
            Rule(reason="empty", signal="lines", minimum=1.0),
            Rule(reason="no_terminal_lines", signal="terminal_line_ratio", minimum=p.min_terminal_lines),
            Rule(reason="short_lines", signal="short_line_ratio", maximum=p.max_short_lines),
            Rule(reason="duplicate_chars", signal="duplicate_char_ratio", maximum=p.max_duplicate_chars),
            Rule(reason="list", signal="newline_word_ratio", maximum=p.max_newlines_per_word),
        )
