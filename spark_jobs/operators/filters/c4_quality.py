"""C4's document rules as FineWeb uses them: placeholder text, curly brackets, too few sentences in kept lines."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.c4 import LineRules, c4_lines


class C4QualityParams(Params, LineRules):
    """The line rules (give `c4_lines` the same) and the least number of sentences."""

    min_sentences: int | None = Field(5, ge=0, description="sentences in the kept lines")


class C4Quality:
    """Measure a text as C4 does before it edits: so it must come before `c4_lines` in a recipe."""

    name: ClassVar[str] = "c4_quality"
    version: ClassVar[int] = 2
    source: ClassVar[str] = "arXiv 1910.10683; huggingface/datatrove (as in FineWeb, arXiv 2406.17557)"
    before: ClassVar[tuple[str, ...]] = ("c4_lines",)
    Params: ClassVar[type[Params]] = C4QualityParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("lorem_ipsum_lines", "lines with lorem ipsum that no earlier line rule drops"),
        Signal("curly_lines", 'lines with "{" that no earlier line rule drops'),
        Signal("sentences", "sentences in the kept lines"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "One is here. Two is here. Three is here.\nFour is here. Five is here.",
            signals={"lorem_ipsum_lines": 0.0, "curly_lines": 0.0, "sentences": 5.0},
            reasons=(),
        ),
        Example(
            "if (x) {\nThis is javascript {", signals={"curly_lines": 1.0}, reasons=("curly_bracket", "few_sentences")
        ),
        Example("Lorem ipsum dolor sit amet.", reasons=("lorem_ipsum", "few_sentences")),
    )

    def __init__(self, params: C4QualityParams) -> None:
        """Take the rules."""
        self.params = params
        self._lines = LineRules(**params.model_dump(include=set(LineRules.model_fields)))

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Counts over the lines of every text."""
        lines = c4_lines(batch, self._lines)
        return {
            "lorem_ipsum_lines": lines.lorem_ipsum.astype(np.float64),
            "curly_lines": lines.curly.astype(np.float64),
            "sentences": lines.sentences.astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """No placeholder text, no curly bracket, enough sentences."""
        return (
            Rule(reason="lorem_ipsum", signal="lorem_ipsum_lines", maximum=0.0),
            Rule(reason="curly_bracket", signal="curly_lines", maximum=0.0),
            Rule(reason="few_sentences", signal="sentences", minimum=self.params.min_sentences),
        )
