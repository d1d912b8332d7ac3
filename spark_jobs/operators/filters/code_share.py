"""Share of lines that look like source code, by their own looks: no language is parsed."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, NUMBER, SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.ratios import ratio

Counts = npt.NDArray[np.int64]

# Words that begin a line of code, with what follows them there; few sentences begin so in small letters.
_OPENERS = (
    "#include", "#define", "import ", "from ", "def ", "class ", "return ", "function ", "public ", "private ",
    "static ", "const ", "let ", "var ", "func ", "fn ", "if (", "for (", "while (", "switch (", "else {", "elif ",
    "else:", "try:", "except", "//", "/*", "* @", "#!", "<?php", "$ ", ">>> ", "package ", "using ", "struct ", "enum ",
    "void ", "int ", "echo ", "sudo ", "pip install", "npm install", "select ", "SELECT ", "INSERT ", "CREATE ", "end;",
    "@",
)  # fmt: skip


class CodeShareParams(Params):
    """Bounds; None switches a rule off. A corpus of code asks for a minimum instead."""

    min_code_lines: float | None = Field(None, ge=0, le=1, description="share of lines that look like code; off")
    max_code_lines: float | None = Field(0.5, ge=0, le=1, description="share of lines that look like code")


class CodeShare:
    """Count lines that show at least two marks of code, or are brackets only.

    The marks: ends in ; { } or "):", is indented, begins with a word of programs, holds an operator of two signs, an
    assignment, a call or index, or a name with _ or inner capitals.
    """

    name: ClassVar[str] = "code_share"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own"
    Params: ClassVar[type[Params]] = CodeShareParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("line_ratio", "lines that look like code over lines that are not blank"),
        Signal("char_ratio", "characters of these lines over characters of lines that are not blank"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "We met at noon (as agreed); nobody was late.\nThe talks went on, and on.\n\nFrom there we left.",
            signals={"line_ratio": 0.0, "char_ratio": 0.0},
            reasons=(),
        ),
        Example(
            "def mean(values):\n    total = sum(values)\n    return total / len(values)",
            signals={"line_ratio": 1.0},
            reasons=("code",),
        ),
        Example("for (int i = 0; i < n; i++) {\n}\nA loop.", reasons=("code",)),
        Example("A tale without code.", params={"min_code_lines": 0.1}, reasons=("no_code",)),
    )

    def __init__(self, params: CodeShareParams) -> None:
        """Take the bounds."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Shares of lines and of characters of every text; NaN where there is no line."""
        characters, lines = batch.characters, batch.lines
        counts = _judge(characters.codes, characters.flags, lines.starts, lines.ends, lines.offsets, _STARTS)
        return {"line_ratio": ratio(counts[1], counts[0]), "char_ratio": ratio(counts[3], counts[2])}

    def rules(self) -> tuple[Rule, ...]:
        """Not too little code, not too much."""
        return (
            Rule(reason="no_code", signal="line_ratio", minimum=self.params.min_code_lines),
            Rule(reason="code", signal="line_ratio", maximum=self.params.max_code_lines),
        )


_WIDTH = max(map(len, _OPENERS)) + 1
_STARTS = np.array([[ord(c) for c in opener.ljust(_WIDTH, "\0")] for opener in _OPENERS], dtype=np.uint32)


@kernel
def _name_part(code: int, flag: int) -> bool:
    return code == 0x5F or (flag & (LETTER | NUMBER)) != 0


@kernel
def _opens(codes: Codes, start: int, end: int, openers: npt.NDArray[np.uint32]) -> bool:
    for row in range(len(openers)):
        k = 0
        while openers[row, k] != 0 and start + k < end and codes[start + k] == openers[row, k]:
            k += 1
        if openers[row, k] == 0:
            return True
    return False


@kernel
def _operator(first: int, second: int, before: int) -> bool:
    """Whether two signs are an operator of code; "//" after a colon is a URL."""
    if second == 0x3D:
        return first in (0x3D, 0x21, 0x3C, 0x3E, 0x2B, 0x2D, 0x2A, 0x2F, 0x3A, 0x7C, 0x26, 0x25)
    if first == second:
        return first in (0x26, 0x7C, 0x3A, 0x2B, 0x3C) or (first == 0x2F and before != 0x3A)
    return (first in (0x2D, 0x3D) and second == 0x3E) or (first in (0x2F, 0x3C) and second in (0x2A, 0x2F))


@kernel
def _brackets_only(codes: Codes, start: int, end: int) -> bool:
    for i in range(start, end):  # noqa: SIM110 - numba compiles no generator
        if codes[i] not in (0x7B, 0x7D, 0x28, 0x29, 0x5B, 0x5D, 0x3B, 0x2C):
            return False
    return True


@kernel
def _inner_marks(codes: Codes, flags: Flags, start: int, end: int) -> int:
    """How many of these a line shows: operator of two signs, assignment, call or index, name of a program."""
    operator = False
    assignment = False
    call = False
    name = False
    for i in range(start + 1, end):
        code = codes[i]
        before = codes[i - 1]
        if code > 127:
            continue
        inside = _name_part(before, flags[i - 1])
        operator = operator or _operator(before, code, codes[i - 2] if i >= start + 2 else 0)
        if code == 0x3D and i + 1 < end and codes[i + 1] != 0x3D:
            assignment = assignment or inside or before in (0x20, 0x5D, 0x29)
        if code in (0x28, 0x5B) and inside and i + 1 < end:
            # "word(s)" and "table[3]" stand in prose; a call goes on with a sign of code, or ends the line.
            call = call or _closes_as_code(codes, i, end)
        if code == 0x5F or (code >= 65 and code <= 90 and before >= 97 and before <= 122):
            follows = i + 1 < end and codes[i + 1] < 128 and (flags[i + 1] & (LETTER | NUMBER)) != 0
            name = name or (inside and follows)
    return int(operator) + int(assignment) + int(call) + int(name)


@kernel
def _closes_as_code(codes: Codes, start: int, end: int) -> bool:
    depth = 0
    for i in range(start, end):
        if codes[i] in (0x28, 0x5B):
            depth += 1
        elif codes[i] in (0x29, 0x5D):
            depth -= 1
            if depth == 0:
                return i + 1 == end or (codes[i + 1] in (0x3B, 0x3A, 0x2E, 0x28, 0x5B, 0x29, 0x7B) and i > start + 2)
    return True


@kernel
def _looks_like_code(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, indented: int, openers: npt.NDArray[np.uint32]
) -> bool:
    if _brackets_only(codes, start, end):
        return True
    last = codes[end - 1]
    marks = int(indented) + int(last in (0x3B, 0x7B, 0x7D))
    marks += int(last == 0x3A and codes[max(end - 2, start)] == 0x29)
    if marks < 2:
        marks += int(_opens(codes, start, end, openers))
    return marks >= 2 or marks + _inner_marks(codes, flags, start, end) >= 2


@kernel
def _judge(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, starts: Counts, ends: Counts, lines: Offsets, openers: npt.NDArray[np.uint32]
) -> Counts:
    """Lines that are not blank, those like code, characters of the former, characters of the latter."""
    rows = len(lines) - 1
    counts = np.zeros((4, rows), dtype=np.int64)
    for row in range(rows):
        for line in range(lines[row], lines[row + 1]):
            start = starts[line]
            end = ends[line]
            while start < end and (flags[start] & SPACE) != 0:
                start += 1
            while end > start and (flags[end - 1] & SPACE) != 0:
                end -= 1
            if start == end:
                continue
            indented = start - starts[line] >= 2 or codes[starts[line]] == 9
            code = _looks_like_code(codes, flags, start, end, int(indented), openers)
            counts[0, row] += 1
            counts[1, row] += code
            counts[2, row] += end - start
            counts[3, row] += (end - start) * code
    return counts
