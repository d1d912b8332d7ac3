"""Gopher's repetition rules: repeated lines, paragraphs and word n-grams, thirteen measures as datatrove takes them."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.ngrams import duplicate_ngram_chars, top_ngram_chars
from spark_jobs.text.ratios import ratio
from spark_jobs.text.spans import repeats

TOP_SIZES = (2, 3, 4)
DUPLICATE_SIZES = (5, 6, 7, 8, 9, 10)

_OFF = "; None is off"


class GopherRepetitionParams(Params):
    """Limits on shares of the text; None switches a rule off."""

    max_duplicate_lines: float | None = Field(0.30, ge=0, le=1, description="repeated lines over lines" + _OFF)
    max_duplicate_paragraphs: float | None = Field(
        0.30, ge=0, le=1, description="repeated paragraphs over paragraphs" + _OFF
    )
    max_duplicate_line_chars: float | None = Field(0.20, ge=0, le=1, description="their characters over all" + _OFF)
    max_duplicate_paragraph_chars: float | None = Field(
        0.20, ge=0, le=1, description="their characters over all" + _OFF
    )
    max_top_2_gram: float | None = Field(0.20, ge=0, description="characters of the most frequent 2-gram" + _OFF)
    max_top_3_gram: float | None = Field(0.18, ge=0, description="characters of the most frequent 3-gram" + _OFF)
    max_top_4_gram: float | None = Field(0.16, ge=0, description="characters of the most frequent 4-gram" + _OFF)
    max_duplicate_5_grams: float | None = Field(0.15, ge=0, le=1, description="characters of repeated 5-grams" + _OFF)
    max_duplicate_6_grams: float | None = Field(0.14, ge=0, le=1, description="characters of repeated 6-grams" + _OFF)
    max_duplicate_7_grams: float | None = Field(0.13, ge=0, le=1, description="characters of repeated 7-grams" + _OFF)
    max_duplicate_8_grams: float | None = Field(0.12, ge=0, le=1, description="characters of repeated 8-grams" + _OFF)
    max_duplicate_9_grams: float | None = Field(0.11, ge=0, le=1, description="characters of repeated 9-grams" + _OFF)
    max_duplicate_10_grams: float | None = Field(0.10, ge=0, le=1, description="characters of repeated 10-grams" + _OFF)


class GopherRepetition:
    """Second and later copies count. Lines are cut at runs of newlines of the raw text, paragraphs at empty lines.

    All character shares are over the characters of the raw text; an empty text has none (NaN).
    """

    name: ClassVar[str] = "gopher_repetition"
    version: ClassVar[int] = 2
    source: ClassVar[str] = "arXiv 2112.11446, table A1; counting of huggingface/datatrove"
    Params: ClassVar[type[Params]] = GopherRepetitionParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("duplicate_line_ratio", "lines equal to an earlier one over lines"),
        Signal("duplicate_paragraph_ratio", "paragraphs equal to an earlier one over paragraphs"),
        Signal("duplicate_line_char_ratio", "characters of the repeated lines over all characters"),
        Signal("duplicate_paragraph_char_ratio", "characters of the repeated paragraphs over all characters"),
        *(
            Signal(
                f"top_{n}_gram_char_ratio", f"the most frequent {n}-gram: characters times count over all characters"
            )
            for n in TOP_SIZES
        ),
        *(
            Signal(f"duplicate_{n}_gram_char_ratio", f"characters of repeated {n}-grams over all characters")
            for n in DUPLICATE_SIZES
        ),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "One line that is here twice.\nAnother line, also here two times over.\n"
            "One line that is here twice.\nAnother line, also here two times over.",
            signals={"duplicate_line_ratio": 0.5, "duplicate_paragraph_ratio": 0.0},
            reasons=(
                "duplicate_lines",
                "duplicate_line_chars",
                "top_3_gram",
                "top_4_gram",
                *(f"duplicate_{n}_grams" for n in DUPLICATE_SIZES),
            ),
        ),
        Example("ab cd", signals={"top_2_gram_char_ratio": 1.0}, reasons=("top_2_gram",)),
        Example("", reasons=()),
    )

    def __init__(self, params: GopherRepetitionParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Thirteen measures of every text."""
        chars = batch.lengths
        lines = repeats(batch.characters, batch.newline_pieces)
        paragraphs = repeats(batch.characters, batch.paragraphs)
        signals = {
            "duplicate_line_ratio": ratio(lines.repeated, lines.pieces),
            "duplicate_paragraph_ratio": ratio(paragraphs.repeated, paragraphs.pieces),
            "duplicate_line_char_ratio": ratio(lines.repeated_chars, chars),
            "duplicate_paragraph_char_ratio": ratio(paragraphs.repeated_chars, chars),
        }
        tops = top_ngram_chars(batch.words, TOP_SIZES)
        duplicates = duplicate_ngram_chars(batch.words, DUPLICATE_SIZES)
        signals |= {f"top_{n}_gram_char_ratio": ratio(top, chars) for n, top in zip(TOP_SIZES, tops, strict=True)}
        return signals | {
            f"duplicate_{n}_gram_char_ratio": ratio(duplicate, chars)
            for n, duplicate in zip(DUPLICATE_SIZES, duplicates, strict=True)
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        ngrams = [(f"top_{n}_gram", f"top_{n}_gram_char_ratio") for n in TOP_SIZES]
        ngrams += [(f"duplicate_{n}_grams", f"duplicate_{n}_gram_char_ratio") for n in DUPLICATE_SIZES]
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
