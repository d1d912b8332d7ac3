"""Languages to keep, by the label and score that the pass identified before the steps."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch


class LanguageFilterParams(Params):
    """Which languages, and how sure."""

    languages: tuple[str, ...] = Field((), description="labels to keep (lid.176: ISO 639-1); none listed keeps all")
    min_score: float | None = Field(0.65, ge=0, le=1, description="score of the top label")
    exclusive: bool = Field(True, description="the score must be above min_score (FineWeb), not only reach it (DCLM)")


class LanguageFilter:
    """Keep documents whose top label is listed and whose score is high enough."""

    name: ClassVar[str] = "language_filter"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.17557 (English, score > .65); arXiv 2406.11794 (>= .65)"
    Params: ClassVar[type[Params]] = LanguageFilterParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("listed", "1 if the language is one to keep, else 0"),
        Signal("score", "score of the language"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "a text",
            columns={"language": "en", "language_score": 0.9},
            signals={"listed": 1.0, "score": 0.9},
            reasons=(),
        ),
        Example("a text", columns={"language": "en", "language_score": 0.65}, reasons=("low_language_score",)),
    )

    def __init__(self, params: LanguageFilterParams) -> None:
        """Take the languages."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Read `language` and `language_score` of the batch."""
        languages = batch.column("language")
        listed = np.ones(len(batch))
        if self.params.languages:
            known = pa.array(self.params.languages, type=languages.type)
            listed = pc.is_in(languages, value_set=known).to_numpy(zero_copy_only=False).astype(np.float64)
        scores = batch.column("language_score").cast(pa.float64()).to_numpy(zero_copy_only=False)
        return {"listed": listed, "score": np.asarray(scores, dtype=np.float64)}

    def rules(self) -> tuple[Rule, ...]:
        """The label is listed, and the score high enough."""
        params = self.params
        return (
            Rule(reason="other_language", signal="listed", minimum=1.0),
            Rule(reason="low_language_score", signal="score", minimum=params.min_score, exclusive=params.exclusive),
        )
