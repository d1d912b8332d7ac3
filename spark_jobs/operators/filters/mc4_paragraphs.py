"""The paragraph rule of mC4: a page needs a few lines that are as long as paragraphs."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch


class Mc4ParagraphsParams(Params):
    """How long, and how many."""

    min_line_chars: int = Field(200, ge=1, description="characters from which on a line counts as a paragraph")
    min_long_lines: int | None = Field(3, ge=0, description="lines of that length; None is off")


class Mc4Paragraphs:
    r"""Lines are cut at "\\n" and taken as they are, white space included. An optional rule of C4 and mC4.

    The length of a line is a parameter of what is measured: `min_long_lines` can be moved afterwards, it cannot.
    """

    name: ClassVar[str] = "mc4_paragraphs"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2010.11934, section 3; huggingface/datatrove"
    Params: ClassVar[type[Params]] = Mc4ParagraphsParams
    signals: ClassVar[tuple[Signal, ...]] = (Signal("long_lines", "lines of at least `min_line_chars` characters"),)
    examples: ClassVar[tuple[Example, ...]] = (
        Example("\n".join(["a" * 200] * 3), signals={"long_lines": 3.0}, reasons=()),
        Example("\n".join(["a" * 200] * 2 + ["a" * 199]), signals={"long_lines": 2.0}, reasons=("few_long_lines",)),
    )

    def __init__(self, params: Mc4ParagraphsParams) -> None:
        """Take the parameters."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Long lines of every text."""
        pieces = batch.newline_pieces
        before = np.zeros(len(pieces.starts) + 1, dtype=np.int64)
        np.cumsum(pieces.ends - pieces.starts >= self.params.min_line_chars, out=before[1:])
        return {"long_lines": np.diff(before[pieces.offsets]).astype(np.float64)}

    def rules(self) -> tuple[Rule, ...]:
        """Enough long lines."""
        return (Rule(reason="few_long_lines", signal="long_lines", minimum=self.params.min_long_lines),)
