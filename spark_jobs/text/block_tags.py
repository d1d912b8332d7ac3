"""Reads one start tag for main-text extraction: what its class, id, role and style say, without objects.

`data` is a uint8 array of UTF-8, positions are bytes; each kernel is linear in what it reads.
"""

from typing import Any, Final

import numpy as np

from spark_jobs.text import block_names as names
from spark_jobs.text.native import kernel

CACHE: Final = 1024  # recent attribute values: sites repeat a few hundred classes thousands of times
HAS_LINK: Final = 1
IS_HIDDEN: Final = 2
_MAX_VALUE: Final = 300  # bytes of a class that are looked at


@kernel
def hash_name(data: Any, i: int) -> Any:
    """Hash of the lower-cased name at `i`, and its end."""
    n = data.size
    value = np.uint32(2166136261)
    while i < n and data[i] > 32 and data[i] != 47 and data[i] != 62 and data[i] != 61:
        c = data[i]
        value = np.uint32((value ^ (c + 32 if 65 <= c <= 90 else c)) * np.uint32(16777619))
        i += 1
    return np.int64(value), i


@kernel
def hints_of(data: Any, begin: int, end: int) -> Any:  # noqa: C901 - one loop over letters
    """Bits of the hints that the words of a class or id give; `-`, `_` and capitals part words, and join compounds."""
    found = np.int64(0)
    i = begin
    fresh = True
    while i < end:
        c = data[i] | 32
        if c < 97 or c > 122:
            fresh = True
            i += 1
            continue
        if not fresh and not (data[i] < 97 and data[i - 1] >= 97):
            i += 1
            continue
        fresh = False
        value = np.uint32(2166136261)
        letters = 0
        step = 1
        j = i
        while j < end and letters < names.LONGEST_WORD:
            d = data[j] | 32
            if d < 97 or d > 122:
                if letters == 0 or (data[j] != 45 and data[j] != 95):
                    break
                j += 1
                continue
            value = np.uint32((value ^ d) * np.uint32(16777619))
            letters += 1
            j += 1
            slot = (value ^ (value >> np.uint32(16))) & np.uint32(0xFFFF)
            entry = names.HINT_OF_SLOT[slot]
            if entry == 0 or names.HINT_HASH[slot] != value:
                continue
            ends = j == end or (data[j] | 32) < 97 or (data[j] | 32) > 122 or (data[j] < 97 and data[j - 1] >= 97)
            plural = not ends and (data[j] | 32) == 115 and (j + 1 == end or (data[j + 1] | 32) < 97)
            if entry & names.ALONE and not ends and not plural:
                continue
            found |= np.int64(1) << np.int64((entry & 63) - 1)
            if j - i == letters:
                step = letters  # a compound goes on behind a word it begins with
        if step > 1:
            i += step
            fresh = True
        else:
            i += 1
    return found


@kernel
def _says_none(data: Any, begin: int, end: int) -> bool:
    """`display:none` or `visibility:hidden` in a style."""
    for i in range(begin, end - 3):
        c = data[i] | 32
        if c == 110 and (data[i + 1] | 32) == 111 and (data[i + 2] | 32) == 110 and (data[i + 3] | 32) == 101:
            j = i - 1
            while j > begin and data[j] <= 32:
                j -= 1
            # The letters before the colon: "display" ends in y.
            if data[j] == 58 and j > begin and (data[j - 1] | 32) == 121:
                return True
    return False


@kernel
def read_attributes(data: Any, i: int, cache: Any) -> Any:  # noqa: C901, PLR0912, PLR0915 - one loop over bytes
    """From behind the name to behind `>`: flags, hints, hash of the class, end, whether it closes itself."""
    n = data.size
    flags = 0
    hints = np.int64(0)
    look = np.int64(0)
    while i < n and data[i] != 62:
        if data[i] <= 32 or data[i] == 47:
            i += 1
            continue
        begin = i
        name, i = hash_name(data, i)
        if i == begin:
            i += 1
        j = i
        while j < n and data[j] <= 32:
            j += 1
        first = last = j
        if j < n and data[j] == 61:
            j += 1
            while j < n and data[j] <= 32:
                j += 1
            if j < n and (data[j] == 34 or data[j] == 39):
                quote = data[j]
                first = j + 1
                last = first
                while last < n and data[last] != quote:
                    last += 1
                i = min(last + 1, n)
            else:
                first = last = j
                while last < n and data[last] > 32 and data[last] != 62:
                    last += 1
                i = last
        which = 0
        for k in range(names.ATTRIBUTE_HASHES.size):
            if names.ATTRIBUTE_HASHES[k] == name:
                which = k + 1
        if which == names.A_HREF:
            flags |= HAS_LINK
        elif which == names.A_HIDDEN:
            flags |= IS_HIDDEN
        elif which == names.A_STYLE:
            if _says_none(data, first, min(last, first + _MAX_VALUE)):
                flags |= IS_HIDDEN
        elif which != 0 and last > first:
            last = min(last, first + _MAX_VALUE)
            value = np.int64(1469598103)
            for k in range(first, last):
                value = ((value ^ np.int64(data[k])) * 16777619) & 0x7FFFFFFFFFFF
            place = (value ^ (value >> 20)) & (CACHE - 1)
            if cache[place, 0] != value:
                cache[place, 0] = value
                cache[place, 1] = hints_of(data, first, last)
            hints |= cache[place, 1]
            if which == names.A_CLASS:
                look = value
    return flags, hints, look, min(i + 1, n), i < n and i > 0 and data[i - 1] == 47
