"""Line edits of C4: drops lines of menus and cookie notices, and citation marks. The verdicts: `c4_quality`."""

from typing import ClassVar

import numpy as np

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.c4 import LineRules, c4_lines


class C4LinesParams(Params, LineRules):
    """The line rules; give `c4_quality` the same."""


class C4Lines:
    """Keep the lines that C4 keeps, stripped and joined by one newline. Comes after `c4_quality` in a recipe."""

    name: ClassVar[str] = "c4_lines"
    version: ClassVar[int] = 1
    # What is left of a line without its citation marks can be too short the second time.
    idempotent: ClassVar[bool] = False
    source: ClassVar[str] = "arXiv 1910.10683; huggingface/datatrove (line rules as in FineWeb)"
    Params: ClassVar[type[Params]] = C4LinesParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Home\nThe first fact [1] stands here.", edited="The first fact  stands here."),
        Example("We use cookies on this site.\nThe river runs to the sea.", edited="The river runs to the sea."),
        Example("Please enable JavaScript to go on.", edited=""),
    )

    def __init__(self, params: C4LinesParams) -> None:
        """Take the line rules."""
        self.params = params
        self._lines = LineRules(**params.model_dump())
        self.params = params
        self._lines = LineRules(**params.model_dump())

    def edit(self, batch: TextBatch) -> Edited:
        """Kept lines; the count is of dropped lines that were not blank, and of deleted citation marks."""
        lines = c4_lines(batch, self._lines)
        return Edited(lines.texts, lines.edits.astype(np.int32))
