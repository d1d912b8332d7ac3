"""How much of a document the line edits took: a page that is mostly menus does not become prose by cutting them."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.ratios import ratio

EDITOR = "dclm_lines"


class DclmEditRatioParams(Params):
    """Limits on shares of the words before the edits; None switches a rule off."""

    max_removed_words: float | None = Field(
        0.05, ge=0, le=1, description="words that went, over words before; DCLM's count"
    )
    max_flagged_words: float | None = Field(
        None, ge=0, le=1, description="words of the lines that were dropped or cut, over words before; RefinedWeb: .05"
    )


class DclmEditRatio:
    """Judge by the facts that `dclm_lines` states, which must come before it; exactly the limit stays.

    DCLM counts the words that are gone, RefinedWeb the words of all lines that were touched. A text without words, or
    one that the editor has not seen, has no ratio.
    """

    name: ClassVar[str] = "dclm_edit_ratio"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.11794; mlfoundations/dclm; arXiv 2306.01116, appendix G.2 (flagged words)"
    aliases: ClassVar[tuple[str, ...]] = ("refinedweb_edit_ratio",)
    after: ClassVar[tuple[str, ...]] = (EDITOR,)
    Params: ClassVar[type[Params]] = DclmEditRatioParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("removed_word_ratio", "words that went with lines and phrases over words before the line edits"),
        Signal("flagged_word_ratio", "words in dropped lines and in lines that lost a phrase over words before"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "",
            columns={"dclm_lines__words": 100, "dclm_lines__removed_words": 5, "dclm_lines__flagged_words": 9},
            signals={"removed_word_ratio": 0.05, "flagged_word_ratio": 0.09},
            reasons=(),
        ),
        Example(
            "",
            columns={"dclm_lines__words": 100, "dclm_lines__removed_words": 6, "dclm_lines__flagged_words": 6},
            reasons=("words_removed",),
        ),
        Example(
            "",
            columns={"dclm_lines__words": 100, "dclm_lines__removed_words": 5, "dclm_lines__flagged_words": 6},
            params={"max_removed_words": None, "max_flagged_words": 0.05},
            reasons=("words_flagged",),
        ),
    )

    def __init__(self, params: DclmEditRatioParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Two shares of the words before; NaN where the editor did not run or there were none."""
        if f"{EDITOR}__words" not in batch.columns:
            return {signal.name: np.full(len(batch), np.nan) for signal in self.signals}
        words, removed, flagged = (
            batch.column(f"{EDITOR}__{fact}").to_numpy() for fact in ("words", "removed_words", "flagged_words")
        )
        return {"removed_word_ratio": ratio(removed, words), "flagged_word_ratio": ratio(flagged, words)}

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        return (
            Rule(reason="words_removed", signal="removed_word_ratio", maximum=self.params.max_removed_words),
            Rule(reason="words_flagged", signal="flagged_word_ratio", maximum=self.params.max_flagged_words),
        )
