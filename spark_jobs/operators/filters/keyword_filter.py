"""Documents by the words and phrases of a list: must hold some of them, or must not hold too many."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.lists import EntryList
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.phrases import Phrases, distinct, find
from spark_jobs.text.ratios import ratio


class KeywordFilterParams(Params):
    """The list, and how many of its words a document must or may hold; a bound is off unless it is set."""

    words: EntryList = Field(
        EntryList(), description="words or phrases; whole words, in scripts without spaces anywhere"
    )
    ignore_case: bool = Field(default=True, description="whether upper and lower case are the same")
    min_distinct: int | None = Field(None, ge=0, description="different entries; fewer drop the document")
    max_distinct: int | None = Field(None, ge=0, description="different entries; more drop the document")
    min_total: int | None = Field(None, ge=0, description="matches, repeated ones too")
    max_total: int | None = Field(None, ge=0, description="matches, repeated ones too")
    max_ratio: float | None = Field(None, ge=0, description="matches over tokens; Data-Juicer's flagged words: .045")


class KeywordFilter:
    """Count the entries of a list in every text; the longest entry at a place counts, matches do not overlap."""

    name: ClassVar[str] = "keyword_filter"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own; the ratio as flagged_words_filter of modelscope/data-juicer"
    Params: ClassVar[type[Params]] = KeywordFilterParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("distinct", "different entries in the text"),
        Signal("total", "matches in the text"),
        Signal("ratio", "matches over tokens"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Any text.", signals={"distinct": 0.0, "total": 0.0, "ratio": 0.0}, reasons=()),
        Example(
            "Breaking News: breaking  news about newsletters.",
            params={"words": ["breaking news", "newsletter"], "max_distinct": 0, "max_total": 1, "max_ratio": 0.2},
            signals={"distinct": 1.0, "total": 2.0, "ratio": 0.25},
            reasons=("many_keywords", "keyword_matches", "keyword_ratio"),
        ),
        Example(
            "All about cats.",
            params={"words": ["dog", "bird"], "min_distinct": 1, "min_total": 2},
            reasons=("few_keywords", "few_keyword_matches"),
        ),
    )  # fmt: skip

    def __init__(self, params: KeywordFilterParams) -> None:
        """Read the list."""
        self.params = params.model_copy(update={"words": params.words.pinned()})
        self._phrases = Phrases.of(self.params.words.texts(), ignore_case=params.ignore_case)

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Matches of every text."""
        matches = find(batch, self._phrases)
        return {
            "distinct": distinct(matches, self._phrases).astype(np.float64),
            "total": matches.counts.astype(np.float64),
            "ratio": ratio(matches.counts, batch.word_counts),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The bounds that are set."""
        p = self.params
        return (
            Rule(reason="few_keywords", signal="distinct", minimum=p.min_distinct),
            Rule(reason="many_keywords", signal="distinct", maximum=p.max_distinct),
            Rule(reason="few_keyword_matches", signal="total", minimum=p.min_total),
            Rule(reason="keyword_matches", signal="total", maximum=p.max_total),
            Rule(reason="keyword_ratio", signal="ratio", maximum=p.max_ratio),
        )
