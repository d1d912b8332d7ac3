"""Gopher's repetition rules as DCLM counts them: all copies of a line, words that repeated n-grams cover."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.copies import COVERED_SIZES, TOP_SIZES, copies, grams
from spark_jobs.text.ratios import ratio

_OFF = "; None is off"


class DclmRepetitionParams(Params):
    """Limits on shares of the text; None switches a rule off."""

    max_duplicate_lines: float | None = Field(0.30, ge=0, le=1, description="lines with a copy over lines" + _OFF)
    max_duplicate_paragraphs: float | None = Field(0.30, ge=0, le=1, description="paragraphs with a copy" + _OFF)
    max_duplicate_line_chars: float | None = Field(0.20, ge=0, le=1, description="characters of such lines" + _OFF)
    max_duplicate_paragraph_chars: float | None = Field(0.20, ge=0, le=1, description="of such paragraphs" + _OFF)
    max_top_2_gram: float | None = Field(0.20, ge=0, description="characters of the most frequent 2-gram" + _OFF)
    max_top_3_gram: float | None = Field(0.18, ge=0, description="characters of the most frequent 3-gram" + _OFF)
    max_top_4_gram: float | None = Field(0.16, ge=0, description="characters of the most frequent 4-gram" + _OFF)
    max_duplicate_5_grams: float | None = Field(0.15, ge=0, le=1, description="words in repeated 5-grams" + _OFF)
    max_duplicate_6_grams: float | None = Field(0.14, ge=0, le=1, description="words in repeated 6-grams" + _OFF)
    max_duplicate_7_grams: float | None = Field(0.13, ge=0, le=1, description="words in repeated 7-grams" + _OFF)
    max_duplicate_8_grams: float | None = Field(0.12, ge=0, le=1, description="words in repeated 8-grams" + _OFF)
    max_duplicate_9_grams: float | None = Field(0.11, ge=0, le=1, description="words in repeated 9-grams" + _OFF)
    max_duplicate_10_grams: float | None = Field(0.10, ge=0, le=1, description="words in repeated 10-grams" + _OFF)


class DclmRepetition:
    """The first copy counts too: a text whose lines all occur twice has a duplicate line ratio of 1.

    Lines are cut at newlines, paragraphs at empty lines, both stripped, blank ones left out; their characters are the
    whole. n-grams are over words without punctuation tokens, and over the characters of these. Nothing is NaN but a
    share of nothing; a text in which nothing repeats has 0 everywhere.
    """

    name: ClassVar[str] = "dclm_repetition"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2112.11446, table A1; arXiv 2406.11794; counting of mlfoundations/dclm"
    Params: ClassVar[type[Params]] = DclmRepetitionParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("duplicate_line_ratio", "lines that occur more than once over lines"),
        Signal("duplicate_paragraph_ratio", "paragraphs that occur more than once over paragraphs"),
        Signal("duplicate_line_char_ratio", "characters of such lines over those of all lines"),
        Signal("duplicate_paragraph_char_ratio", "characters of such paragraphs over those of all paragraphs"),
        *(
            Signal(f"top_{n}_gram_char_ratio", f"the most frequent {n}-gram: characters times count over all of words")
            for n in TOP_SIZES
        ),
        *(
            Signal(f"duplicate_{n}_gram_char_ratio", f"characters of words in repeated {n}-grams over all of words")
            for n in COVERED_SIZES
        ),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "One line that is here twice.\nAnother line, also here two times over.\n"
            "One line that is here twice.\nAnother line, also here two times over.",
            signals={
                "duplicate_line_ratio": 1.0,
                "duplicate_paragraph_ratio": 0.0,
                "duplicate_10_gram_char_ratio": 1.0,
            },
            reasons=(
                "duplicate_lines",
                "duplicate_line_chars",
                "top_2_gram",
                "top_3_gram",
                "top_4_gram",
                *(f"duplicate_{n}_grams" for n in COVERED_SIZES),
            ),
        ),
        Example("ab cd", signals={"top_2_gram_char_ratio": 0.0, "duplicate_line_ratio": 0.0}, reasons=()),
        Example("", reasons=()),
    )

    def __init__(self, params: DclmRepetitionParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Thirteen measures of every text."""
        lines = copies(batch.characters, batch.newline_pieces)
        paragraphs = copies(batch.characters, batch.paragraphs)
        repeated = grams(batch.words)
        signals = {
            "duplicate_line_ratio": ratio(lines.copied, lines.pieces),
            "duplicate_paragraph_ratio": ratio(paragraphs.copied, paragraphs.pieces),
            "duplicate_line_char_ratio": ratio(lines.copied_chars, lines.chars),
            "duplicate_paragraph_char_ratio": ratio(paragraphs.copied_chars, paragraphs.chars),
        }
        for n, chars in zip(TOP_SIZES, repeated.top, strict=True):
            signals[f"top_{n}_gram_char_ratio"] = ratio(chars, repeated.chars)
        for n, chars in zip(COVERED_SIZES, repeated.covered, strict=True):
            signals[f"duplicate_{n}_gram_char_ratio"] = ratio(chars, repeated.chars)
        return signals

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        ngrams = [(f"top_{n}_gram", f"top_{n}_gram_char_ratio") for n in TOP_SIZES]
        ngrams += [(f"duplicate_{n}_grams", f"duplicate_{n}_gram_char_ratio") for n in COVERED_SIZES]
        return (
            Rule(reason="duplicate_lines", signal="duplicate_line_ratio", maximum=p.max_duplicate_lines),
            Rule(reason="duplicate_paragraphs", signal="duplicate_paragraph_ratio", maximum=p.max_duplicate_paragraphs),
            Rule(reason="duplicate_line_chars", signal="duplicate_line_char_ratio", maximum=p.max_duplicate_line_chars),
            Rule(
                reason="duplicate_paragraph_chars",
                signal="duplicate_paragraph_char_ratio",
                maximum=p.max_duplicate_paragraph_chars,
            ),
            *(Rule(reason=reason, signal=signal, maximum=getattr(p, f"max_{reason}")) for reason, signal in ngrams),
        )
