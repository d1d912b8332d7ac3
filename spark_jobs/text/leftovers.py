"""Markup that extraction left in a text: tags, comments and character references, found by one scan.

A tag is `<name ...>` or `</name>` with the name of an HTML element, so generics (`List<String>`) and inequalities are
none. A reference is `&name;` with a name that HTML knows, or a numeric one.
"""

import html.entities
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import Codes, Offsets
from spark_jobs.text.native import kernel

# A tag goes on for at most so many characters; its attributes may hold long URLs.
_MOST_TAG: Final = 2000
_MOST_NAME: Final = 31
_ELEMENTS: Final = """
a abbr address area article aside audio b base bdi bdo big blockquote body br button canvas caption center cite code col
colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure font footer form frame
frameset h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main map mark menu meta
meter nav noscript object ol optgroup option output p param picture pre progress q ruby rp rt s samp script section
select small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time
title tr track tt u ul var video wbr
"""

Counts = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Leftovers:
    """Per text: tags and comments, character references, and the characters of all of them."""

    tags: Counts
    references: Counts
    chars: Counts


def leftovers(batch: TextBatch) -> Leftovers:
    """What markup is left in every text."""
    characters = batch.characters
    elements, entities = _names()
    return Leftovers(*_scan(characters.codes, characters.offsets, elements, entities))


@lru_cache(maxsize=1)
def _names() -> tuple[Hashes, Hashes]:
    """Hashes of the names of elements, in small letters, and of entities, as they are written; ascending."""
    entities = {name.removesuffix(";") for name in html.entities.html5 if name.endswith(";")}
    return _hashed(_ELEMENTS.split()), _hashed(entities)


def _hashed(names: list[str] | set[str]) -> Hashes:
    codes = [np.array([ord(c) for c in name], dtype=np.uint32) for name in names]
    return np.array(sorted(int(_hash(own, 0, len(own), 0)) for own in codes), dtype=np.uint64)


@kernel
def _hash(codes: Codes, start: int, end: int, fold: int) -> np.uint64:
    value = np.uint64(0xCBF29CE484222325)
    for i in range(start, end):
        code = codes[i]
        if fold != 0 and code >= 65 and code <= 90:
            code += np.uint32(32)
        value = (value ^ np.uint64(code)) * np.uint64(0x100000001B3)
    return value


@kernel
def _known(value: np.uint64, names: Hashes) -> bool:
    at = np.searchsorted(names, value)
    return bool(at < len(names) and names[at] == value)


@kernel
def _alphanumeric(code: int) -> bool:
    return (code >= 48 and code <= 57) or (code >= 65 and code <= 90) or (code >= 97 and code <= 122)


@kernel
def _tag_end(codes: Codes, start: int, end: int, elements: Hashes) -> int:
    """Where the tag or comment that starts at "<" ends; -1 if it is none."""
    last = min(end, start + _MOST_TAG)
    i = start + 1
    if i + 2 < end and codes[i] == 0x21 and (codes[i + 1] == 0x2D or (codes[i + 1] | 32) == 0x64):
        while i < last and codes[i] != 0x3E:
            i += 1
        return i + 1 if i < last else -1
    if i < end and codes[i] == 0x2F:
        i += 1
    name = i
    while i < end and i - name <= _MOST_NAME and _alphanumeric(codes[i]):
        i += 1
    if i == name or not _known(_hash(codes, name, i, 1), elements):
        return -1
    # After the name: the end, or white space and attributes.
    if i < end and codes[i] not in (0x3E, 0x2F, 0x20, 0x09, 0x0A, 0x0D):
        return -1
    while i < last and codes[i] != 0x3E and codes[i] != 0x3C:
        i += 1
    return i + 1 if i < last and codes[i] == 0x3E else -1


@kernel
def _reference_end(codes: Codes, start: int, end: int, entities: Hashes) -> int:
    """Where the reference that starts at "&" ends, its semicolon included; -1 if it is none."""
    i = start + 1
    numeric = i < end and codes[i] == 0x23
    i += numeric
    name = i
    while i < end and i - name <= _MOST_NAME and _alphanumeric(codes[i]):
        i += 1
    if i == name or i >= end or codes[i] != 0x3B:
        return -1
    if not numeric:
        return i + 1 if _known(_hash(codes, name, i, 0), entities) else -1
    hexadecimal = (codes[name] | 32) == 0x78
    for k in range(name + hexadecimal, i):
        letter = codes[k] | 32
        if not (codes[k] <= 57 or (hexadecimal and letter <= 0x66)):
            return -1
    return i + 1 if i > name + hexadecimal else -1


@kernel
def _scan(codes: Codes, offsets: Offsets, elements: Hashes, entities: Hashes) -> tuple[Counts, Counts, Counts]:
    rows = len(offsets) - 1
    tags = np.zeros(rows, dtype=np.int64)
    references = np.zeros(rows, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        i = offsets[row]
        end = offsets[row + 1]
        while i < end:
            stop = -1
            if codes[i] == 0x3C:
                stop = _tag_end(codes, i, end, elements)
                tags[row] += stop > 0
            elif codes[i] == 0x26:
                stop = _reference_end(codes, i, end, entities)
                references[row] += stop > 0
            if stop > 0:
                chars[row] += stop - i
                i = stop
            else:
                i += 1
    return tags, references, chars
