"""Repairs text that was decoded wrongly somewhere on its way, with ftfy and the settings of FineWeb2.

Only lines that hold something ftfy could change are handed to it.
"""

from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.mojibake import (
    MOJIBAKE,
    UNESCAPE_ALWAYS,
    UNESCAPE_AUTO,
    UNESCAPE_NEVER,
    neighbours,
    suspect_lines,
)
from spark_jobs.text.splice import Cuts, splice
from spark_jobs.text.utf8 import bytes_of, search

_UNESCAPE = {"never": UNESCAPE_NEVER, "auto": UNESCAPE_AUTO, "always": UNESCAPE_ALWAYS}


class FtfyRepairParams(Params):
    """What ftfy repairs; ligatures, character width, quotes, line breaks and the normal form stay as they are."""

    fix_encoding: bool = Field(default=True, description="undo decoding with the wrong charset (mojibake)")
    unescape_html: Literal["auto", "always", "never"] = Field(
        "auto", description="resolve character references; auto: up to the first line that holds a <"
    )
    remove_control_chars: bool = Field(default=True, description="remove control and deprecated format characters")
    remove_terminal_escapes: bool = Field(default=True, description="remove colour codes of terminals")


class FtfyRepair:
    """Encoding repair, character references, control characters and terminal escapes, line by line."""

    name: ClassVar[str] = "ftfy_repair"
    version: ClassVar[int] = 2
    source: ClassVar[str] = "arXiv 2506.20920; huggingface/fineweb-2 (settings); rspeer/python-ftfy"
    Params: ClassVar[type[Params]] = FtfyRepairParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("The cafÃ© is closed.", edited="The café is closed."),
        Example("salt &amp; pepper", edited="salt & pepper"),
        Example("<b> &amp;", edited="<b> &amp;"),
        Example("\x1b[31mred\x1b[0m\x07", edited="red"),
        Example("ﬁne “quotes” \uff21", edited="ﬁne “quotes” \uff21"),
    )

    def __init__(self, params: FtfyRepairParams) -> None:
        """Take the parameters."""
        self.params = params

    def edit(self, batch: TextBatch) -> Edited:
        """Repaired texts; the count is of lines that changed."""
        data, starts = bytes_of(batch.texts)
        tables = neighbours(mojibake=self.params.fix_encoding)
        unescape = _UNESCAPE[self.params.unescape_html]
        found = search(suspect_lines, data, starts, tables.first, tables.second, tables.alone, unescape, columns=5)
        lines = Cuts(found).texts(batch.texts).to_pylist()
        fixed = [
            self._fixed(line, why, self._configs[tags_before])
            for line, why, tags_before in zip(lines, found[:, 3], found[:, 4], strict=True)
        ]
        cuts = Cuts(found[np.array([line is not None for line in fixed], dtype=bool)])
        repaired = pa.array([line for line in fixed if line is not None], pa.large_string())
        return Edited(splice(batch.texts, cuts, repaired), cuts.per_row(len(batch)))

    @staticmethod
    def _fixed(line: str, why: int, config: Any) -> str | None:
        """The line repaired; None if it stays as it is."""
        from ftfy import fix_text
        from ftfy.badness import is_bad

        if why == MOJIBAKE and not is_bad(line):
            return None
        fixed = fix_text(line, config)
        return fixed if fixed != line else None

    @cached_property
    def _configs(self) -> tuple[Any, Any]:
        """Settings of ftfy up to the first line that holds a <, and after it."""
        from ftfy import TextFixerConfig

        config = TextFixerConfig(
            unescape_html="auto" if self.params.unescape_html == "auto" else self.params.unescape_html == "always",
            fix_encoding=self.params.fix_encoding,
            remove_terminal_escapes=self.params.remove_terminal_escapes,
            remove_control_chars=self.params.remove_control_chars,
            fix_c1_controls=self.params.fix_encoding,
            fix_latin_ligatures=False,
            fix_character_width=False,
            uncurl_quotes=False,
            fix_line_breaks=False,
            fix_surrogates=True,
            normalization=None,
            explain=False,
        )
        return config, config._replace(unescape_html=False)
