"""Unicode normal forms (UAX 15): where a text is not in one. The rewriting itself is Arrow's, on those places only.

A text falls into segments that are normalised each on its own: a character that starts one and what may join it. The
quick check of UAX 15 says for most segments that nothing changes; the others are the cuts.
"""

import unicodedata
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.text.native import kernel
from spark_jobs.text.splice import Cuts, splice
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at, note, search

Form = Literal["NFC", "NFKC", "NFD", "NFKD"]
Table = npt.NDArray[np.uint16]

# The low byte of the table is the canonical combining class.
_CLASS = 0xFF
_CHANGES = 0x100  # is not itself in the form, or was given no meaning yet
_JOINS = 0x200  # may be composed with what stands before it
_JOINED = 0x400  # may be composed with what stands after it


def normalised(texts: pa.LargeStringArray, form: Form) -> tuple[pa.LargeStringArray, npt.NDArray[np.int32]]:
    """Texts in a form, and per text how many characters changed, a base with its marks as one."""
    data, starts = bytes_of(texts)
    cuts = Cuts(search(_suspects, data, starts, _table(form)))
    before = cuts.texts(texts)
    after = pc.utf8_normalize(before, form)
    changed = pc.not_equal(before, after)
    places = changed.to_numpy(zero_copy_only=False)
    made = Cuts(cuts.found[places])
    return splice(texts, made, after.filter(changed)), made.per_row(len(texts))


@lru_cache(maxsize=4)
def _table(form: Form) -> Table:
    table = np.zeros(0x110000, dtype=np.uint16)
    composed = form in ("NFC", "NFKC")
    firsts, seconds = _pairs() if composed else (frozenset(), frozenset())
    for code in (*range(0x40000), *range(0xE0000, 0xE1000)):
        character = chr(code)
        flags = unicodedata.combining(character)
        # What this Unicode data does not know may have a meaning in Arrow's.
        if unicodedata.category(character) == "Cn" or unicodedata.normalize(form, character) != character:
            flags |= _CHANGES
        if code in seconds:
            flags |= _JOINS
        if composed and not firsts.isdisjoint(map(ord, character + unicodedata.normalize("NFD", character))):
            flags |= _JOINED
        table[code] = flags
    table[0x40000:0xE0000] = _CHANGES
    table.flags.writeable = False
    return table


@lru_cache(maxsize=1)
def _pairs() -> tuple[frozenset[int], frozenset[int]]:
    """Characters that are the first and the second of a pair that is composed; Hangul syllables follow a rule."""
    firsts = {*range(0x1100, 0x1113), *range(0xAC00, 0xD7A4, 28)}
    seconds = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    for code in range(0x40000):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<") and unicodedata.normalize("NFC", chr(code)) == chr(code):
            firsts.add(int(parts[0], 16))
            seconds.add(int(parts[1], 16))
    return frozenset(firsts), frozenset(seconds)


@kernel
def _suspects(data: Bytes, starts: Places, table: Table, found: Places) -> int:
    count = 0
    for row in range(len(starts) - 1):
        i = starts[row]
        end = starts[row + 1]
        begin = i
        starter = last_class = 0
        joined = suspect = False
        while i < end:
            code = int(data[i])
            length = 1
            flags = 0
            if code >= 0x80:
                code, length = code_at(data, i, end)
                flags = int(table[code])
            if (flags & (_CLASS | _CHANGES | _JOINS)) == 0:
                # ASCII and most others: a segment ends here and the next one begins.
                if suspect:
                    count = note(found, count, row, begin, i)
                    suspect = False
                if code < 0x80:
                    while i + 1 < end and data[i + 1] < 0x80:
                        i += 1
                    code = int(data[i])
                begin = i
                starter = code
                joined = False
                last_class = 0
            else:
                current = flags & _CLASS
                suspect = suspect or (flags & _CHANGES) != 0 or (current != 0 and current < last_class)
                joined = joined or bool((table[starter] & _JOINED) != 0)
                suspect = suspect or (joined and (flags & _JOINS) != 0)
                joined = joined or (flags & _JOINED) != 0
                last_class = current
            i += length
        if suspect:
            count = note(found, count, row, begin, end)
    return count
