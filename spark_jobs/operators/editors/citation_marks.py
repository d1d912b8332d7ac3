"""Citation marks of encyclopedias: [1], [edit], [citation needed]. The line rules of C4 (`c4_lines`) take them too."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.c4 import CITATIONS
from spark_jobs.text.characters import DECIMAL, Flags, flag_table
from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at


class CitationMarksParams(Params):
    """Which marks."""

    numbers: bool = Field(default=True, description="delete brackets around decimal digits of any script, or nothing")
    phrases: tuple[str, ...] = Field(CITATIONS, description="further marks, in brackets; case counts")

    @field_validator("phrases")
    @classmethod
    def _in_brackets(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not (phrase.startswith("[") and phrase.endswith("]")) or set(phrase[1:-1]) & set("[]"):
                raise ValueError(f"{phrase!r} is no mark in brackets, such as [edit]")
        return phrases


class CitationMarks:
    """Delete citation marks as C4 does, and those that appear when one inside is gone; blanks around them stay."""

    name: ClassVar[str] = "citation_marks"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 1910.10683; huggingface/datatrove (marks of its C4 filter)"
    Params: ClassVar[type[Params]] = CitationMarksParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("The river [edit] rises[1][23] in May.[citation needed]", edited="The river  rises in May."),
        Example("Odd [[12]] ones", edited="Odd  ones"),
        Example("list[i], [Edit] and [see 4] stay", edited="list[i], [Edit] and [see 4] stay"),
    )

    def __init__(self, params: CitationMarksParams) -> None:
        """Take the marks."""
        self.params = params
        self._phrases = bytes_of(pa.array(params.phrases, pa.large_string()))

    def edit(self, batch: TextBatch) -> Edited:
        """Texts without marks; the count is of marks."""
        data, starts = bytes_of(batch.texts)
        out, offsets, counts = _without(data, starts, *self._phrases, int(self.params.numbers), flag_table())
        if not counts.any():
            return Edited(batch.texts, counts)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(out)]
        return Edited(pa.Array.from_buffers(pa.large_string(), len(batch), buffers), counts)


@kernel
def _mark_begin(  # noqa: PLR0917 - numba takes no keywords
    out: Bytes, begin: int, end: int, phrases: Bytes, phrase_starts: Places, numbers: int, flags: Flags
) -> int:
    """Where the mark begins whose closing bracket is the last byte before `end`; `end` if there is none."""
    i = end - 1
    while numbers != 0 and i > begin:
        lead = i - 1
        while lead > begin and (out[lead] & 0xC0) == 0x80:
            lead -= 1
        if out[lead] == 0x5B:
            return lead
        code, _ = code_at(out, lead, end)
        if (flags[code] & DECIMAL) == 0:
            break
        i = lead
    for k in range(len(phrase_starts) - 1):
        length = int(phrase_starts[k + 1] - phrase_starts[k])
        same = length <= end - begin
        at = 1
        while same and at <= length:
            same = out[end - at] == phrases[phrase_starts[k + 1] - at]
            at += 1
        if same:
            return end - length
    return end


@kernel
def _without(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Places, phrases: Bytes, phrase_starts: Places, numbers: int, flags: Flags
) -> tuple[Bytes, Places, npt.NDArray[np.int32]]:
    out = np.empty(starts[-1] - starts[0], dtype=np.uint8)
    offsets = np.zeros(len(starts), dtype=np.int64)
    counts = np.zeros(len(starts) - 1, dtype=np.int32)
    filled = 0
    for row in range(len(starts) - 1):
        begin = filled
        for i in range(starts[row], starts[row + 1]):
            out[filled] = data[i]
            filled += 1
            # A mark is known by its end, so one that closes around a deleted one is seen in the same pass.
            if data[i] == 0x5D:
                mark = _mark_begin(out, begin, filled, phrases, phrase_starts, numbers, flags)
                counts[row] += mark < filled
                filled = mark
        offsets[row + 1] = filled
    return out[:filled].copy(), offsets, counts
