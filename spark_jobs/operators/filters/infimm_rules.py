"""InfiMM-WebMath's rules on texts: placeholder text in a short page, punctuation, listed words, damaged Unicode."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.lists import EntryList
from spark_jobs.text import symbols
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.phrases import Phrases, distinct, find
from spark_jobs.text.ratios import ratio


class InfimmRulesParams(Params):
    """Limits; None switches a rule off. The paper states the punctuation share only."""

    min_lorem_ipsum_chars: int | None = Field(
        1000, ge=0, description="characters of a text that holds lorem ipsum; a shorter one is dropped"
    )
    max_punctuation: float | None = Field(0.3, ge=0, le=1, description="share of the 32 punctuation signs of ASCII")
    nsfw_words: EntryList = Field(EntryList(), description="words of a list, inline or a file; none is shipped")
    max_nsfw_words: int | None = Field(0, ge=0, description="different listed words")
    max_unicode_errors: int | None = Field(
        0, ge=0, description="replacement characters, code points of private use, not assigned or no characters"
    )


class InfimmRules:
    """The rules of the step before the precise classifier."""

    name: ClassVar[str] = "infimm_rules"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2409.12568 (InfiMM-WebMath-40B)"
    Params: ClassVar[type[Params]] = InfimmRulesParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("lorem_ipsum_chars", "characters of a text that holds lorem ipsum, null for others"),
        Signal("punctuation_ratio", "ASCII punctuation over characters"),
        Signal("nsfw_words", "different listed words"),
        Signal("unicode_errors", "characters that are damage"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("By (1), $x^2 \\ge 0$ for all real x, so the sum is positive.", reasons=()),
        Example("Lorem Ipsum dolor", signals={"lorem_ipsum_chars": 17.0}, reasons=("lorem_ipsum",)),
        Example("|---|---| a", reasons=("punctuation",)),
        Example("bad \ufffd \ue000", signals={"unicode_errors": 2.0}, reasons=("unicode_errors",)),
        Example("Some Rude word.", params={"nsfw_words": ["rude"]}, reasons=("nsfw_words",)),
    )

    def __init__(self, params: InfimmRulesParams) -> None:
        """Read the list."""
        self.params = params.model_copy(update={"nsfw_words": params.nsfw_words.pinned()})
        self._nsfw = Phrases.of(self.params.nsfw_words.texts(), ignore_case=True)
        self._lorem_ipsum = Phrases.of(["lorem ipsum"], ignore_case=True)

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Four measures of every text."""
        kinds = symbols.kind_counts(batch)
        placeholder = find(batch, self._lorem_ipsum).counts > 0
        return {
            "lorem_ipsum_chars": np.where(placeholder, batch.lengths.astype(np.float64), np.nan),
            "punctuation_ratio": ratio(kinds[symbols.ASCII_PUNCTUATION], batch.lengths),
            "nsfw_words": distinct(find(batch, self._nsfw), self._nsfw).astype(np.float64),
            "unicode_errors": kinds[symbols.ERROR].astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        return (
            Rule(reason="lorem_ipsum", signal="lorem_ipsum_chars", minimum=p.min_lorem_ipsum_chars),
            Rule(reason="punctuation", signal="punctuation_ratio", maximum=p.max_punctuation),
            Rule(reason="nsfw_words", signal="nsfw_words", maximum=p.max_nsfw_words),
            Rule(reason="unicode_errors", signal="unicode_errors", maximum=p.max_unicode_errors),
        )
