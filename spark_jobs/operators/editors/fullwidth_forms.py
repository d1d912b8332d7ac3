"""Full-width punctuation of Chinese and Japanese typesetting to its ASCII form, as CT-LLM does before its rules.

`unicode_form` with NFKC folds widths too, with much else; it leaves the full stop 。 and quotation marks alone.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.native import kernel
from spark_jobs.text.splice import Cuts, splice
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at, note, search

_FIRST, _LAST = 0xFF01, 0xFF5E  # the full-width forms of ! to ~
_SHIFT = _FIRST - ord("!")
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}


class FullwidthFormsParams(Params):
    """What is folded."""

    punctuation: bool = Field(default=True, description="full-width forms of ASCII punctuation and symbols")
    full_stop: bool = Field(default=True, description="the ideographic full stop becomes a dot")
    quotes: bool = Field(default=True, description="curly quotation marks and apostrophes become straight ones")
    alphanumeric: bool = Field(
        default=False, description="full-width Latin letters and digits, and the ideographic space"
    )


class FullwidthForms:
    """Full-width forms to half-width ones; the count is of characters."""

    name: ClassVar[str] = "fullwidth_forms"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2404.04167; Chinese-Tiny-LLM/Chinese-Tiny-LLM"
    Params: ClassVar[type[Params]] = FullwidthFormsParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("\u4f60\u597d\uff0c\u4e16\u754c\uff01", edited="\u4f60\u597d,\u4e16\u754c!"),
        Example("\u597d\u3002\u201c\u597d\u201d", edited='\u597d."\u597d"'),
        Example("\uff21\uff11 stay", edited="\uff21\uff11 stay"),
    )

    def __init__(self, params: FullwidthFormsParams) -> None:
        """Take what is folded."""
        self.params = params
        self._table = _table(params)

    def edit(self, batch: TextBatch) -> Edited:
        """Texts with narrow forms."""
        data, starts = bytes_of(batch.texts)
        found = search(_wide, data, starts, self._table, columns=4)
        cuts = Cuts(found)
        ascii_characters = pa.array([chr(code) for code in range(128)], pa.large_string())
        return Edited(splice(batch.texts, cuts, ascii_characters, found[:, 3]), cuts.per_row(len(batch)))


def _table(params: FullwidthFormsParams) -> npt.NDArray[np.uint8]:
    """The ASCII code for every code point of the basic plane, 0 for none."""
    table = np.zeros(0x10000, dtype=np.uint8)
    for code in range(_FIRST, _LAST + 1):
        narrow = chr(code - _SHIFT)
        if params.alphanumeric if narrow.isalnum() else params.punctuation:
            table[code] = ord(narrow)
    if params.alphanumeric:
        table[0x3000] = ord(" ")
    if params.full_stop:
        table[0x3002] = ord(".")
    if params.quotes:
        for curly, straight in _QUOTES.items():
            table[ord(curly)] = ord(straight)
    return table


@kernel
def _wide(data: Bytes, starts: Places, table: npt.NDArray[np.uint8], found: Places) -> int:
    count = 0
    for row in range(len(starts) - 1):
        i = starts[row]
        end = starts[row + 1]
        while i < end:
            # U+2018 to U+201D, U+3000 to U+3002 and U+FF01 to U+FF5E begin with one of these bytes.
            if data[i] < 0xE2:
                i += 1
                continue
            code, length = code_at(data, i, end)
            if code < 0x10000 and table[code] != 0:
                if count < len(found):
                    found[count, 3] = table[code]
                count = note(found, count, row, i, i + length)
            i += length
    return count
