"""FineWeb2's rules by language: Gopher repetition, FineWeb's own and Gopher quality, with limits from a table.

The signals are the same for every language; only bounds and stop words are looked up. What the table does not say of a
language is said by `limits`, then by the parameters here (FineWeb's English limits).
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.language_limits import (
    DUPLICATE_SIZES,
    TOP_SIZES,
    LanguageTable,
    checked_row,
    with_aliases,
)
from spark_jobs.text import prose
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Limits, Rows, places
from spark_jobs.text.ngrams import duplicate_ngram_chars, top_ngram_chars
from spark_jobs.text.ratios import ratio
from spark_jobs.text.spans import repeats

# Reason, signal, key of the table, and whether the limit is a minimum.
_BY_LANGUAGE = (
    ("duplicate_lines", "duplicate_line_ratio", "dup_line_frac", False),
    *((f"top_{n}_gram", f"top_{n}_gram_char_ratio", f"top_{n}_gram", False) for n in TOP_SIZES),
    *((f"duplicate_{n}_grams", f"duplicate_{n}_gram_char_ratio", f"dup_{n}_gram", False) for n in DUPLICATE_SIZES),
    ("no_terminal_lines", "terminal_line_ratio", "line_punct_thr", True),
    ("list", "newline_word_ratio", "new_line_ratio", False),
    ("short_words", "mean_word_length_chars", "min_avg_word_length", True),
    ("long_words", "mean_word_length_chars", "max_avg_word_length", False),
    ("few_alphabetic_words", "alphabetic_word_ratio", "max_non_alpha_words_ratio", True),
    ("low_language_score", "language_score", "language_score", True),
)
_BY = ("language", "script")
_ENGLISH: Mapping[str, Any] = {
    "dup_line_frac": 0.3,
    "top_n_grams": [[2, 0.2], [3, 0.18], [4, 0.16]],
    "dup_n_grams": [[5, 0.15], [6, 0.14], [7, 0.13], [8, 0.12], [9, 0.11], [10, 0.1]],
    "line_punct_thr": 0.12,
    "new_line_ratio": 0.3,
    "min_avg_word_length": 3,
    "max_avg_word_length": 10,
    "max_non_alpha_words_ratio": 0.8,
    "language_score": 0.65,
}
_ENGLISH_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
_PROSE = (
    "The plans that neighbours have agreed to follow must be kept with care. Nobody wanted another long winter without "
    "light, so they bought lamps, oil and paper early in the autumn, and each family stored enough of them to last "
    "until the roads were open again."
)
_MORE = " Those who lived by the river helped too."
_IN = {"language": "en", "script": "Latn", "language_score": 0.9}


class Fineweb2QualityParams(Params):
    """The table by language, and limits that hold for all; None switches a rule off."""

    table: LanguageTable = Field(
        LanguageTable(path=None, sha256=None),
        description="limits by language in FineWeb2's keys and format; it is not shipped",
        json_schema_extra={"bound": False},
    )
    limits: dict[str, dict[str, Any]] = Field({}, description="rows that go before those of the table, the same keys")
    fallback: dict[str, Any] = Field(dict(_ENGLISH), description="limits where no row states one, the same keys")
    without_row: Literal["fallback", "off", "drop"] = Field(
        "fallback", description="a language without any row: judged by the fallback, by rules for all only, or dropped"
    )
    fallback_stop_words: tuple[str, ...] = Field(
        _ENGLISH_STOP_WORDS, description="for languages without a list of their own; single tokens"
    )
    max_duplicate_chars: float | None = Field(
        0.1, ge=0, description="characters in repeated lines over characters without newlines"
    )
    min_words: int | None = Field(50, ge=0, description="words, punctuation not counted")
    max_words: int | None = Field(100_000, ge=0, description="words, punctuation not counted")
    max_hash_ratio: float | None = Field(0.1, ge=0, description='"#" over all tokens')
    max_ellipsis_ratio: float | None = Field(0.1, ge=0, description='"..." and "…" over all tokens')
    max_bullet_lines: float | None = Field(0.9, ge=0, le=1, description="share of lines that start with • or -")
    max_ellipsis_lines: float | None = Field(0.3, ge=0, le=1, description='share of lines that end in "..." or "…"')
    min_stop_words: int | None = Field(2, ge=0, description="distinct stop words of the language, case counts")

    @field_validator("limits", "fallback")
    @classmethod
    def _checked(cls, value: dict[str, Any], info: Any) -> dict[str, Any]:
        rows = {"the fallback": value} if info.field_name == "fallback" else value
        try:
            for language, row in rows.items():
                checked_row(language, row)
        except RecipeError as error:
            raise ValueError(str(error)) from None  # pydantic adds the key to a ValueError only
        if any("stopwords" in row for row in rows.values()):
            raise ValueError("stop words move what is measured; state them in the table")
        return value


class Fineweb2Quality:
    """Judge each language by its own limits; labels are those of lid.176 or GlotLID, whichever the table has.

    A limit outside its legal range is off. Short lines, paragraphs and C4's rules are not used, as in FineWeb2.
    """

    name: ClassVar[str] = "fineweb2_quality"
    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "arXiv 2506.20920; huggingface/fineweb-2 (keys and format); huggingface/datatrove (counting)"
    )
    Params: ClassVar[type[Params]] = Fineweb2QualityParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("table_row", "1 if the table has a row for the language, 0 if it falls back"),
        Signal("duplicate_line_ratio", "lines equal to an earlier one over lines"),
        *(Signal(f"top_{n}_gram_char_ratio", f"most frequent {n}-gram: its characters over all") for n in TOP_SIZES),
        *(Signal(f"duplicate_{n}_gram_char_ratio", f"repeated {n}-grams: their share") for n in DUPLICATE_SIZES),
        Signal("terminal_line_ratio", "lines whose last character ends a sentence in some script, over lines"),
        Signal("duplicate_char_ratio", "characters of lines equal to an earlier one over characters without newlines"),
        Signal("newline_word_ratio", "newlines over tokens"),
        Signal("words", "tokens that hold a letter, number or mark"),
        Signal("mean_word_length_chars", "mean characters of these words"),
        Signal("hash_ratio", '"#" characters over all tokens'),
        Signal("ellipsis_ratio", '"..." and "…" over all tokens'),
        Signal("bullet_line_ratio", "lines that start with • or - over lines"),
        Signal("ellipsis_line_ratio", 'lines that end in "..." or "…" over lines'),
        Signal("alphabetic_word_ratio", "tokens with a letter over all tokens"),
        Signal("stop_words", "distinct stop words of the language in the text"),
        Signal("language_score", "score of the language label"),
    )  # fmt: skip
    examples: ClassVar[tuple[Example, ...]] = (
        Example(_PROSE + _MORE, columns=_IN, signals={"words": 54.0, "table_row": 0.0}, reasons=()),
        Example(_PROSE, columns=_IN, signals={"words": 46.0}, reasons=("too_short",)),
        Example(
            _PROSE + _MORE,
            columns=_IN | {"language": "eng_Latn"},
            params={"limits": {"en": {"min_avg_word_length": 5, "new_line_ratio": 0}}, "max_words": 53},
            reasons=("short_words", "too_long"),
        ),
        Example(
            _PROSE + _MORE,
            columns={"language": "zu", "script": "Latn", "language_score": 0.3},
            params={"without_row": "drop"},
            reasons=("no_limits",),
        ),
        Example(
            "Menu\nHome\nMenu\n",
            columns=_IN,
            params={"min_words": 1, "min_stop_words": 0},
            reasons=("top_2_gram", "top_3_gram", "no_terminal_lines", "list", "duplicate_chars"),
        ),
    )

    def __init__(self, params: Fineweb2QualityParams) -> None:
        """Read the table."""
        table = params.table.pinned()
        self.params = params.model_copy(update={"table": table})
        rows = {language: dict(row) for language, row in with_aliases(table.rows()).items()}
        self._table_rows = tuple(rows)
        inline = {language: checked_row(language, row) for language, row in params.limits.items()}
        self._inline = with_aliases(inline)
        self._rows = rows | {language: rows.get(language, {}) | row for language, row in self._inline.items()}
        words = with_aliases(table.stop_words())
        self._listed = tuple(words)
        self._words = prose.WordLists.of([*words.values(), params.fallback_stop_words])
        self._rules = self._stated_rules()

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """All measures of every text; a ratio over nothing is NaN."""
        counts, symbols, marks = prose.word_counts(batch), prose.symbol_counts(batch), prose.line_counts(batch)
        tokens, newlines = batch.word_counts, prose.newline_counts(batch)
        lines = repeats(batch.characters, batch.newline_pieces)
        filled = repeats(batch.characters, batch.newline_pieces, skip_blank=True)
        terminal, _ = prose.line_end_counts(batch, short_chars=30)  # as fineweb_quality asks, so that both share it
        lists = self._places(batch, self._listed)
        lists = np.where(lists < 0, len(self._listed), lists)
        scores = batch.column("language_score").cast(pa.float64()).to_numpy(zero_copy_only=False)
        return dict(self._ngrams(batch)) | {
            "table_row": (self._places(batch, self._table_rows) >= 0).astype(np.float64),
            "duplicate_line_ratio": ratio(lines.repeated, lines.pieces),
            "terminal_line_ratio": ratio(terminal, filled.pieces),
            "duplicate_char_ratio": ratio(filled.repeated_chars, batch.lengths - newlines),
            "newline_word_ratio": ratio(newlines, tokens),
            "words": counts.lexical.astype(np.float64),
            "mean_word_length_chars": ratio(counts.chars, counts.lexical),
            "hash_ratio": ratio(symbols[0], tokens),
            "ellipsis_ratio": ratio(symbols[1], tokens),
            "bullet_line_ratio": ratio(marks.bullets, batch.lines.counts),
            "ellipsis_line_ratio": ratio(marks.ellipses, batch.lines.counts),
            "alphabetic_word_ratio": ratio(counts.alphabetic, tokens),
            "stop_words": prose.stop_word_counts(batch, self._words, lists).astype(np.float64),
            "language_score": np.asarray(scores, dtype=np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits by language, then those for all."""
        return self._rules

    def _stated_rules(self) -> tuple[Rule, ...]:
        p = self.params
        stated = Limits(by=_BY, bounds=dict.fromkeys(self._inline, (None, None))) if self._inline else None
        return (
            Rule(
                reason="no_limits", signal="table_row", minimum=1.0 if p.without_row == "drop" else None, limits=stated
            ),
            *self._rules_by_language(),
            Rule(reason="duplicate_chars", signal="duplicate_char_ratio", maximum=p.max_duplicate_chars),
            Rule(reason="too_short", signal="words", minimum=p.min_words),
            Rule(reason="too_long", signal="words", maximum=p.max_words),
            Rule(reason="hash_symbols", signal="hash_ratio", maximum=p.max_hash_ratio),
            Rule(reason="ellipses", signal="ellipsis_ratio", maximum=p.max_ellipsis_ratio),
            Rule(reason="bullet_lines", signal="bullet_line_ratio", maximum=p.max_bullet_lines),
            Rule(reason="ellipsis_lines", signal="ellipsis_line_ratio", maximum=p.max_ellipsis_lines),
            Rule(reason="few_stop_words", signal="stop_words", minimum=p.min_stop_words),
        )

    def _rules_by_language(self) -> Iterator[Rule]:
        fallback = checked_row("the fallback", self.params.fallback)
        for reason, signal, key, is_minimum in _BY_LANGUAGE:
            stated = {language: row.get(key, fallback.get(key)) for language, row in self._rows.items()}
            own = fallback.get(key) if self.params.without_row == "fallback" else None
            side = {"minimum" if is_minimum else "maximum": own}
            bounds = {name: (limit, None) if is_minimum else (None, limit) for name, limit in stated.items()}
            limits = Limits(by=_BY, bounds=bounds) if bounds else None
            yield Rule(reason=reason, signal=signal, limits=limits, **side)  # type: ignore[arg-type]

    @staticmethod
    def _ngrams(batch: TextBatch) -> Iterator[tuple[str, Floats]]:
        chars = batch.lengths
        for n, found in zip(TOP_SIZES, top_ngram_chars(batch.words, TOP_SIZES), strict=True):
            yield f"top_{n}_gram_char_ratio", ratio(found, chars)
        for n, found in zip(DUPLICATE_SIZES, duplicate_ngram_chars(batch.words, DUPLICATE_SIZES), strict=True):
            yield f"duplicate_{n}_gram_char_ratio", ratio(found, chars)

    @staticmethod
    def _places(batch: TextBatch, known: tuple[str, ...]) -> Rows:
        columns = {name: batch.column(name) for name in _BY}
        return batch.shared(("limits", _BY, known), lambda: places(_BY, known, columns, len(batch)))
