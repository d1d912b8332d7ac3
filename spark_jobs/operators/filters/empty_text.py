"""Texts without content: nothing but white space, or fewer characters than a minimum."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import IGNORED, SPACE, Flags, Offsets
from spark_jobs.text.native import kernel


class EmptyTextParams(Params):
    """The least that a text must hold."""

    min_chars: int | None = Field(1, ge=0, description="characters other than white space and controls")


class EmptyText:
    """Count the characters that show."""

    name: ClassVar[str] = "empty_text"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "Provender"
    Params: ClassVar[type[Params]] = EmptyTextParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("visible_chars", "characters other than white space, controls and format characters"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(" \n\t ", signals={"visible_chars": 0.0}, reasons=("empty",)),
        Example("a b", signals={"visible_chars": 2.0}, reasons=()),
    )

    def __init__(self, params: EmptyTextParams) -> None:
        """Take the minimum."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Visible characters of every text."""
        characters = batch.characters
        return {"visible_chars": _visible(characters.flags, characters.offsets).astype(np.float64)}

    def rules(self) -> tuple[Rule, ...]:
        """At least the minimum."""
        return (Rule(reason="empty", signal="visible_chars", minimum=self.params.min_chars),)


@kernel
def _visible(flags: Flags, offsets: Offsets) -> npt.NDArray[np.int64]:
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    for row in range(len(counts)):
        for i in range(offsets[row], offsets[row + 1]):
            counts[row] += (flags[i] & (SPACE | IGNORED)) == 0
    return counts
