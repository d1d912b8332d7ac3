"""Reads HTML byte by byte: tags with their attributes, comments, raw text (WHATWG HTML, 13.2.5), without objects.

`data` is a uint8 array in an encoding that keeps ASCII, positions are bytes; each kernel is linear in what it reads.
"""

from typing import Any

import numpy as np

from spark_jobs.text.markup_names import FLAGS_OF_SLOT, FORMATTING
from spark_jobs.text.native import kernel

_SPACE, _DOUBLE, _SINGLE, _DASH, _SLASH, _LESS, _EQUALS, _GREATER, _BANG = 32, 34, 39, 45, 47, 60, 61, 62, 33


@kernel
def read_tag(data: Any, i: int) -> Any:
    """Read a tag whose name begins at `i`: hash of the name, of the whole tag, attributes, end, self-closing."""
    n = data.size
    value = np.uint32(2166136261)
    while i < n and data[i] > _SPACE and data[i] != _SLASH and data[i] != _GREATER:
        c = data[i]
        value = np.uint32((value ^ (c + 32 if 65 <= c <= 90 else c)) * np.uint32(16777619))
        i += 1
    looks = np.int64(value)
    slot = (value ^ (value >> np.uint32(16))) & np.uint32(0xFFFF)
    # Only formatting elements are told apart by their attributes.
    told_apart = FLAGS_OF_SLOT[slot] & FORMATTING != 0
    attributes = 0
    while i < n and data[i] != _GREATER:
        if data[i] <= _SPACE or data[i] == _SLASH:
            i += 1
            continue
        attributes += 1
        begin = i
        i += 1
        while i < n and data[i] > _SPACE and data[i] != _SLASH and data[i] != _GREATER and data[i] != _EQUALS:
            i += 1
        j = i
        while j < n and data[j] <= _SPACE:
            j += 1
        if j < n and data[j] == _EQUALS:
            i = _skip_value(data, j + 1)
        if told_apart:
            for k in range(begin, min(i, begin + 256)):
                looks = (looks * 31 + data[k]) & 0x7FFFFFFFFFFF
    return np.int64(value), looks, attributes, min(i + 1, n), i < n and i > 0 and data[i - 1] == _SLASH


@kernel
def _skip_value(data: Any, i: int) -> Any:
    """End of an attribute value that begins at or after `i`."""
    n = data.size
    while i < n and data[i] <= _SPACE:
        i += 1
    if i < n and (data[i] == _DOUBLE or data[i] == _SINGLE):
        quote = data[i]
        i += 1
        while i < n and data[i] != quote:
            i += 1
        return min(i + 1, n)
    while i < n and data[i] > _SPACE and data[i] != _GREATER:
        i += 1
    return i


@kernel
def skip_markup(data: Any, i: int) -> Any:
    """End of a comment, doctype or processing instruction whose `<` is at `i`."""
    n = data.size
    if i + 3 < n and data[i + 1] == _BANG and data[i + 2] == _DASH and data[i + 3] == _DASH:
        i += 4
        if i < n and data[i] == _GREATER:
            return i + 1
        while i + 2 < n:
            if data[i] == _DASH and data[i + 1] == _DASH and (data[i + 2] == _GREATER):
                return i + 3
            if (
                data[i] == _DASH
                and data[i + 1] == _DASH
                and data[i + 2] == _BANG
                and i + 3 < n
                and data[i + 3] == _GREATER
            ):
                return i + 4
            i += 1
        return n
    while i < n and data[i] != _GREATER:
        i += 1
    return min(i + 1, n)


@kernel
def skip_raw(data: Any, i: int, value: int) -> Any:
    """Start of the end tag with this name, or the end of the page."""
    n = data.size
    while i + 1 < n:
        if data[i] == _LESS and data[i + 1] == _SLASH:
            found = np.uint32(2166136261)
            j = i + 2
            while j < n and j < i + 12 and data[j] > _SPACE and data[j] != _SLASH and data[j] != _GREATER:
                c = data[j]
                found = np.uint32((found ^ (c + 32 if 65 <= c <= 90 else c)) * np.uint32(16777619))
                j += 1
            if np.int64(found) == value:
                return i
        i += 1
    return n
