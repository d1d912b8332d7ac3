"""Lines that are left of a table when its cells were empty: nothing but vertical bars and blanks."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import SPACE, Flags, flag_table
from spark_jobs.text.native import kernel
from spark_jobs.text.splice import Cuts, splice
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at, note, search


class PipeLinesParams(Params):
    """What such lines are made of."""

    symbols: str = Field("|", min_length=1, pattern=r"^\S+$", description="characters of such lines, beside blanks")


class PipeLines:
    """A run of lines that hold only vertical bars and blanks, with its line ends, becomes one newline."""

    name: ClassVar[str] = "pipe_lines"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2506.20920; huggingface/fineweb-2 (symbol lines, after trafilatura)"
    Params: ClassVar[type[Params]] = PipeLinesParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Name\n| | |\n|\n|\nAge", edited="Name\n\nAge"),
        Example("| a | b |\n|---|---|", edited="| a | b |\n|---|---|"),
        Example("end\n|", edited="end\n\n"),
    )

    def __init__(self, params: PipeLinesParams) -> None:
        """Take the symbols."""
        self.params = params
        self._symbols = np.array(sorted({ord(symbol) for symbol in params.symbols}), dtype=np.int64)

    def edit(self, batch: TextBatch) -> Edited:
        """Texts without such lines; the count is of runs."""
        data, starts = bytes_of(batch.texts)
        cuts = Cuts(search(_runs, data, starts, self._symbols, flag_table()))
        newline = pa.array(["\n"], pa.large_string())
        return Edited(splice(batch.texts, cuts, newline, np.zeros(len(cuts), np.int64)), cuts.per_row(len(batch)))


@kernel
def _end_of_symbols(data: Bytes, i: int, end: int, symbols: Places, flags: Flags) -> int:
    """Where the line that begins at i ends, its newline included, if it holds only symbols and blanks; else -1."""
    held = False
    while i < end and data[i] != 10:
        code, length = code_at(data, i, end)
        if np.any(symbols == code):
            held = True
        elif (flags[code] & SPACE) == 0:
            return -1
        i += length
    return min(i + 1, end) if held else -1


@kernel
def _runs(data: Bytes, starts: Places, symbols: Places, flags: Flags, found: Places) -> int:
    count = 0
    for row in range(len(starts) - 1):
        i = starts[row]
        end = starts[row + 1]
        while i < end:
            stop = _end_of_symbols(data, i, end, symbols, flags)
            if stop >= 0:
                begin = i
                while stop >= 0:
                    i = stop
                    stop = _end_of_symbols(data, i, end, symbols, flags) if i < end else -1
                count = note(found, count, row, begin, i)
            while i < end and data[i] != 10:
                i += 1
            i += 1
    return count
