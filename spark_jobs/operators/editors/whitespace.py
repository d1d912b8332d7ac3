"""White space in one form: one kind of line end, no blanks at line ends, few empty lines, nothing around the text."""

from functools import lru_cache
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LINE_END, SPACE, flag_table
from spark_jobs.text.native import kernel
from spark_jobs.text.splice import Cuts, splice
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at, note, search

Kinds = npt.NDArray[np.uint8]

_BLANK, _END, _ODD, _INVISIBLE = 1, 2, 4, 8
# Soft hyphen, zero-width space, word joiner, byte order mark. Joiners of letters and emoji (U+200C, U+200D) mean much.
_INVISIBLES = (0xAD, 0x200B, 0x2060, 0xFEFF)
# All white space and invisible characters but the byte order mark lie below; so does the table.
_LAST = 0x3000
_BLOCK = 32  # bytes that are tested at once
_ONE_SPACE = -1


class WhitespaceParams(Params):
    """How much white space stays."""

    max_newlines: int = Field(2, ge=1, description="newlines in a row; 2 leaves one empty line (mlfoundations/dclm)")
    max_blanks: int | None = Field(
        None, ge=1, description="blanks in a row between words; indents of lines are let be; None is off"
    )
    plain_spaces: bool = Field(
        default=False, description="blanks that are neither space nor tab (no-break, thin, ideographic) become a space"
    )
    drop_invisible: bool = Field(
        default=False, description="delete soft hyphens, zero-width spaces, word joiners and byte order marks"
    )


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
        data, starts = bytes_of(batch.texts)
        p = self.params
        kinds, pairs = _kinds(drop_invisible=p.drop_invisible)
        limits = p.max_newlines, p.max_blanks or 0, int(p.plain_spaces)
        found = search(_untidy, data, starts, kinds, pairs, *limits, columns=4)
        cuts = Cuts(found)
        # Newlines that stay, and last a space.
        pool = ["\n" * length for length in range(int(found[:, 3].max(initial=0)) + 1)] + [" "]
        texts = splice(batch.texts, cuts, pa.array(pool, pa.large_string()), found[:, 3] % len(pool))
        return Edited(texts, cuts.per_row(len(batch)))


@lru_cache(maxsize=2)
def _kinds(*, drop_invisible: bool) -> tuple[Kinds, Kinds]:
    """By code point up to _LAST what kind of white space it is, and last the byte order mark; and pairs of bytes.

    `pairs[256 * a + b]` is 0 where byte a begins nothing that could have to go when b follows it. Asking it costs one
    branch that is hardly ever taken; asking whether a is a space costs a wrong guess of the processor every word.
    """
    flags = flag_table()[: _LAST + 1]
    kinds = np.zeros(_LAST + 2, dtype=np.uint8)
    spaces, ends = (flags & SPACE) != 0, (flags & LINE_END) != 0
    kinds[:-1] = np.where(ends, _END, np.where(spaces, _BLANK | _ODD, 0))
    kinds[[9, 32]] = _BLANK
    if drop_invisible:
        kinds[[code for code in _INVISIBLES if code <= _LAST]] = _INVISIBLE
        kinds[-1] = _INVISIBLE
    white = [chr(code).encode() for code in (*np.flatnonzero(kinds[:-1]), *([0xFEFF] if drop_invisible else []))]
    pairs = np.zeros((256, 256), dtype=np.uint8)
    for character in white:
        if len(character) > 1:
            pairs[character[0], character[1]] = 1
        elif character in (b"\t", b"\n", b" "):
            pairs[character[0], [other[0] for other in white]] = 1
        else:
            pairs[character[0]] = 1
    kinds.flags.writeable = pairs.flags.writeable = False
    return kinds, pairs.ravel()


@kernel
def _kind_at(data: Bytes, i: int, end: int, kinds: Kinds) -> tuple[int, int]:
    """Kind of the character at byte i, and its bytes."""
    lead = data[i]
    if lead < 0x80:
        return int(kinds[lead]), 1
    # Lead bytes of U+0080..00BF, U+1000..3FFF and U+F000..FFFF; no other character is white.
    if lead != 0xC2 and (lead < 0xE1 or lead > 0xE3) and lead != 0xEF:
        return 0, 1
    code, length = code_at(data, i, end)
    if code <= _LAST:
        return int(kinds[code]), length
    return int(kinds[_LAST + 1]) if code == 0xFEFF else 0, length


@kernel
def _is_plain(data: Bytes, i: np.uint64) -> bool:
    """Whether the block at i is ASCII without two spaces in a row, also with the byte behind it: nothing has to go."""
    odd = np.uint8(0)
    for k in range(_BLOCK):
        byte = data[i + np.uint64(k)]
        after = data[i + np.uint64(k + 1)]
        odd |= np.uint8((byte | after) >= 0x80) | (np.uint8(byte <= 0x20) & np.uint8(after <= 0x20))
        odd |= np.uint8(byte < 0x20) & np.uint8(byte != 0x09) & np.uint8(byte != 0x0A)
        odd |= np.uint8(byte == 0x7F)
    return bool(odd == 0)


@kernel
def _untidy(  # noqa: C901, PLR0912, PLR0917 - one scan; numba takes no keywords
    data: Bytes,
    starts: Places,
    kinds: Kinds,
    pairs: Kinds,
    max_newlines: int,
    max_blanks: int,
    plain: int,
    found: Places,
) -> int:
    count = 0
    for row in range(len(starts) - 1):
        begin = starts[row]
        end = starts[row + 1]
        i = checked = begin
        while i < end:
            while i > begin and i >= checked and i + _BLOCK < end:
                checked = i + _BLOCK
                if _is_plain(data, np.uint64(i)):
                    i = checked
            last = min(checked, end - 1) if i + _BLOCK < end else end - 1
            while i > begin and i < last and pairs[np.int64(data[i]) * 256 + data[i + 1]] == 0:
                i += 1
            if i > begin and i == last and i + _BLOCK < end:
                continue
            kind, length = _kind_at(data, i, end, kinds)
            if kind == 0:
                i += length
                continue
            stop = i
            newlines = 0
            indent = i
            same = True
            while kind != 0:
                if kind & _END:
                    newlines += not (data[stop] == 10 and stop > i and data[stop - 1] == 13)
                    same = same and data[stop] == 10 and stop - i == newlines - 1
                    indent = stop + length
                stop += length
                if stop == end:
                    break
                kind, length = _kind_at(data, stop, end, kinds)
            if i == begin or stop == end:
                count = _cut(found, count, row, i, stop, 0)
            else:
                if newlines > 0 and not (same and newlines <= max_newlines):
                    count = _cut(found, count, row, i, indent, min(newlines, max_newlines))
                most = max_blanks if newlines == 0 and max_blanks > 0 else stop - i
                count = _blanks(data, indent, stop, kinds, most, plain, found, count, row)
            i = stop
    return count


@kernel
def _blanks(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, i: int, stop: int, kinds: Kinds, most: int, plain: int, found: Places, count: int, row: int
) -> int:
    """Cut what is too much of the blanks from i to stop."""
    kept = 0
    while i < stop:
        kind, length = _kind_at(data, i, stop, kinds)
        if kind == _INVISIBLE or kept == most:
            count = _cut(found, count, row, i, i + length, 0)
        else:
            kept += 1
            if plain != 0 and (kind & _ODD) != 0:
                count = _cut(found, count, row, i, i + length, _ONE_SPACE)
        i += length
    return count


@kernel
def _cut(found: Places, count: int, row: int, begin: int, end: int, replacement: int) -> int:  # noqa: PLR0917 - numba
    if count < len(found):
        found[count, 3] = replacement
    return note(found, count, row, begin, end)
