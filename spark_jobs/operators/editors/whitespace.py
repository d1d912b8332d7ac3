"""White space in one form: one kind of line end, no blanks at line ends, few empty lines, nothing around the text."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LINE_END, SPACE, Codes, Flags, Offsets, encode
from spark_jobs.text.native import kernel


class WhitespaceParams(Params):
    """How much white space stays."""

    max_newlines: int = Field(2, ge=1, description="newlines in a row; 2 leaves one empty line (mlfoundations/dclm)")


class Whitespace:
    r"""Line ends become "\\n", blanks before them go, runs of newlines are cut to a maximum, the text is stripped."""

    name: ClassVar[str] = "whitespace"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.11794; mlfoundations/dclm (runs of newlines cut to 2)"
    Params: ClassVar[type[Params]] = WhitespaceParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("a  \r\n\r\n\r\n\r\nb\n", edited="a\n\nb"),
        Example("as it was", edited="as it was"),
    )

    def __init__(self, params: WhitespaceParams) -> None:
        """Take the parameters."""
        self.params = params

    def edit(self, batch: TextBatch) -> Edited:
        """Texts in one form; the count is of the places where characters went or changed."""
        characters = batch.characters
        codes, offsets, counts = _tidy(characters.codes, characters.flags, characters.offsets, self.params.max_newlines)
        return Edited(encode(codes, offsets), counts)


@kernel
def _tidy(
    codes: Codes, flags: Flags, offsets: Offsets, max_newlines: int
) -> tuple[Codes, Offsets, npt.NDArray[np.int32]]:
    out = np.empty(len(codes), dtype=np.uint32)
    starts = np.zeros(len(offsets), dtype=np.int64)
    counts = np.zeros(len(offsets) - 1, dtype=np.int32)
    filled = 0
    for row in range(len(offsets) - 1):
        i = offsets[row]
        end = offsets[row + 1]
        begin = filled
        while i < end:
            if (flags[i] & SPACE) == 0:
                out[filled] = codes[i]
                filled += 1
                i += 1
                continue
            stop = i
            newlines = 0
            indent = i
            while stop < end and (flags[stop] & SPACE) != 0:
                if flags[stop] & LINE_END:
                    newlines += not (codes[stop] == 10 and stop > i and codes[stop - 1] == 13)
                    indent = stop + 1
                stop += 1
            before = filled
            if filled > begin and stop < end:
                for _ in range(min(newlines, max_newlines)):
                    out[filled] = 10
                    filled += 1
                # Blanks between words, and the indent of a line, are text.
                for k in range(indent, stop):
                    out[filled] = codes[k]
                    filled += 1
            same = filled - before == stop - i
            for k in range(filled - before):
                same = same and out[before + k] == codes[i + k]
            counts[row] += not same
            i = stop
        starts[row + 1] = filled
    return out[:filled].copy(), starts, counts
