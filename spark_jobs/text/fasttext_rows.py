"""Which rows of a fastText model the words and character n-grams of a text name, and their sum.

One scan over the bytes of a text hashes words and n-grams as the native library does and adds their rows in its order.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.fasttext_model import Bytes, Floats32, Ints
from spark_jobs.text.native import kernel

Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
# By byte: 1 is a separator, 2 the first byte of those beyond ASCII.
_KINDS = np.zeros(256, np.uint8)
_KINDS[[0x20, 0x0A, 0x0D, 0x09, 0x0B, 0x0C, 0x00]] = 1
_KINDS[[0xC2, 0xE2]] = 2
_LABEL_BYTES = np.frombuffer(b"__label__", np.uint8)
_END = np.frombuffer(b"</s>", np.uint8)
_OPEN, _CLOSE = 0x3C, 0x3E  # fastText puts < and > around a word
_PRIME, _BASIS = 16777619, 2166136261  # FNV-1a's, with which fastText hashes
_MOST_NGRAMS = 64  # of one place in a word; no model asks for more
_STRETCH = 64  # places of a word whose n-grams are found together
_AT_ONCE = 4096  # rows that are added together
_REMEMBERED = 4096  # words whose rows are kept at hand, a power of two
_SHORT = 16  # bytes of the longest of them, two integers
_NOTE = 32  # numbers that are kept of one: its size, how many rows it has, and these


@kernel
def room_for(longest: int) -> tuple[Hashes, Ints, Ints, Bytes]:
    """Memory for texts of up to so many bytes: kept words as integers, and their rows; rows found; a word framed.

    Most words of a text were met shortly before. Rows found are what is added at once and a stretch more; a framed word
    stands in "<" and ">", with room for what is read beyond.
    """
    return (
        np.zeros((_REMEMBERED, 2), np.uint64),
        np.zeros((_REMEMBERED, _NOTE), np.int32),
        np.empty(_AT_ONCE + 1 + (_STRETCH + 1) * _MOST_NGRAMS, np.int32),
        np.zeros(longest + 2 + _MOST_NGRAMS, np.uint8),
    )


@kernel
def _separator(data: Bytes, i: int, end: int) -> int:
    """Bytes of the white space at i, 0 if there is none."""
    byte = data[i]
    if _KINDS[byte] < 2:
        return int(_KINDS[byte])
    if byte == 0xC2 and i + 1 < end and data[i + 1] == 0x85:
        return 2
    if byte == 0xE2 and i + 2 < end and data[i + 1] == 0x80 and (data[i + 2] == 0xA8 or data[i + 2] == 0xA9):
        return 3
    return 0


@kernel
def _starts_with(data: Bytes, start: int, end: int, prefix: Bytes) -> bool:
    if end - start < len(prefix):
        return False
    k = 0
    while k < len(prefix) and data[start + k] == prefix[k]:
        k += 1
    return k == len(prefix)


@kernel
def _is_command(data: Bytes, start: int, end: int, word: int) -> bool:
    """Whether the library would not take it for a word: its mark of an end, or a label it does not know as a word."""
    if end - start == len(_END) and _starts_with(data, start, end, _END):
        return True
    return word < 0 and _starts_with(data, start, end, _LABEL_BYTES)


@kernel
def _add(hidden: Floats32, rows: Floats32, ids: Ints, count: int) -> None:
    for k in range(count):
        row = ids[k]
        for d in range(len(hidden)):
            hidden[d] += rows[row, d]


@kernel
def _word(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, begin: int, size: int, value: np.uint32, vocabulary: Bytes, offsets: Longs, slots: Ints
) -> int:
    """The number of the word with this hash, -1 if the dictionary has none."""
    mask = len(slots) - 1
    at = np.int64(value) & mask
    while slots[at] >= 0:
        first = offsets[slots[at]]
        if offsets[slots[at] + 1] - first == size:
            k = 0
            while k < size and vocabulary[first + k] == data[begin + k]:
                k += 1
            if k == size:
                return int(slots[at])
        at = (at + 1) & mask
    return -1


@kernel
def _bucket(value: np.uint32, magic: np.uint64, shift: np.uint64, bucket: np.uint32) -> np.int64:
    """The remainder by multiplication: a division of integers takes longer than all the rest of an n-gram."""
    quotient = np.uint32((np.uint64(value) * magic) >> shift)  # the quotient, or one too few
    number = np.uint32(value - quotient * bucket)
    return np.int64(number - bucket if number >= bucket else number)


@kernel
def _ngrams(  # noqa: C901, PLR0917 - the hot loop: tuples of arrays cost more than all of it
    framed: Bytes,
    size: int,
    stretch: tuple[int, int],
    seen: np.uint8,
    buckets: tuple[np.uint64, np.uint64, np.uint32],
    present: Bytes,
    lengths: tuple[int, int],
    found: Ints,
    filled: int,
) -> int:
    """Append the buckets of the n-grams that begin in a stretch of a word and have a row; how many are in `found` then.

    `framed` is the word in "<" and ">", whose positions are 0 and size + 1; `seen` has the bits of all its bytes.
    """
    magic, shift, divisor = buckets
    min_n, max_n = lengths
    pruned = len(present) > 0
    prime = np.uint32(_PRIME)
    end = size + 2
    first, stop = stretch
    if seen < 0x80:
        # A byte is a character: all n-grams of a place are hashed, also those beyond the end, and what does not count
        # is overwritten by the next. A branch that cannot be foreseen would cost more.
        for start in range(first, stop):
            value = np.uint32(_BASIS)
            left = end - start
            for n in range(1, max_n + 1):
                value = np.uint32((value ^ np.uint32(framed[start + n - 1])) * prime)
                if n >= min_n:
                    number = _bucket(value, magic, shift, divisor)
                    counts: Any = np.uint8(n <= left) & np.uint8((n > 1) | ((start > 0) & (left > 1)))
                    if pruned:
                        # Few n-grams are left in a small model: eight of ten end here, in a table that stays in cache.
                        counts &= present[number >> 3] >> (number & 7)
                    found[filled] = number
                    filled += int(counts & np.uint8(1))
        return filled
    for start in range(first, stop):
        if (framed[start] & 0xC0) == 0x80:
            continue
        value = np.uint32(_BASIS)
        j = start
        n = 1
        while j < end and n <= max_n:
            value = np.uint32((value ^ np.uint32(np.int8(framed[j]))) * prime)
            j += 1
            while j < end and (framed[j] & 0xC0) == 0x80:
                value = np.uint32((value ^ np.uint32(np.int8(framed[j]))) * prime)
                j += 1
            if n >= min_n and not (n == 1 and (start == 0 or j == end)):
                number = _bucket(value, magic, shift, divisor)
                found[filled] = number
                filled += int((present[number >> 3] >> (number & 7)) & 1) if pruned else 1
            n += 1
    return filled


@kernel
def add_rows(  # noqa: C901, PLR0912, PLR0915, PLR0917 - the hot loop: calls and tuples of arrays cost most of it
    data: Bytes,
    begin: int,
    end: int,
    vocabulary: Bytes,
    offsets: Longs,
    slots: Ints,
    kept: Ints,
    present: Bytes,
    rows: Floats32,
    room: tuple[Hashes, Ints, Ints, Bytes],
    hidden: Floats32,
    bucket: int,
    lengths: tuple[int, int],
) -> int:
    """Add the rows of the words and character n-grams of a text to `hidden`, in order; how many there were.

    `room` is that of `room_for`. An array that were replaced in here would be counted with a lock at each use.
    """
    keys, remembered, found, framed = room
    words = len(offsets) - 1
    pruned = len(kept) > 0
    divisor = np.uint32(max(bucket, 1))
    shift = np.uint64(31)
    while (np.uint64(divisor) >> (shift - np.uint64(31))) > 0:
        shift += np.uint64(1)
    buckets = ((np.uint64(1) << shift) // np.uint64(divisor), shift, divisor)
    total = 0
    filled = 0
    i = begin
    while i < end:
        step = _separator(data, i, end)
        if step:
            i += step
            continue
        value = np.uint32(_BASIS)
        key = np.uint64(0)
        above = np.uint64(0)
        seen = np.uint8(0)
        stop = i
        while stop < end:
            byte = data[stop]
            kind = _KINDS[byte]
            if kind and (kind == 1 or _separator(data, stop, end)):
                break
            value = np.uint32((value ^ np.uint32(np.int8(byte))) * np.uint32(_PRIME))
            above = (above << np.uint64(8)) | (key >> np.uint64(56))
            key = (key << np.uint64(8)) | np.uint64(byte)
            seen |= byte
            stop += 1
        size = stop - i
        if filled > _AT_ONCE:
            _add(hidden, rows, found, filled)
            total += filled
            filled = 0
        place = np.int64(value) & (len(keys) - 1)
        if size <= _SHORT and keys[place, 0] == key and keys[place, 1] == above and remembered[place, 0] == size:
            count = remembered[place, 1]
            for k in range(count):
                found[filled + k] = remembered[place, 2 + k]
            filled += count
            i = stop
            continue
        first = filled
        word = _word(data, i, size, value, vocabulary, offsets, slots)
        if word >= 0:
            found[filled] = word
            filled += 1
        if _is_command(data, i, stop, word):
            filled = first
        elif lengths[1] > 0:
            framed[0] = _OPEN
            for k in range(size):
                framed[1 + k] = data[i + k]
            framed[size + 1] = _CLOSE
            for begun in range(0, size + 2, _STRETCH):
                if begun and filled > _AT_ONCE:
                    _add(hidden, rows, found, filled)
                    total += filled
                    filled = 0
                after = filled
                stretch = (begun, min(begun + _STRETCH, size + 2))
                filled = _ngrams(framed, size, stretch, seen, buckets, present, lengths, found, filled)
                for k in range(after, filled):
                    found[k] = words + (kept[found[k]] if pruned else found[k])
        if size <= _SHORT and filled - first <= remembered.shape[1] - 2:
            keys[place, 0] = key
            keys[place, 1] = above
            remembered[place, 0] = size
            remembered[place, 1] = filled - first
            for k in range(filled - first):
                remembered[place, 2 + k] = found[first + k]
        i = stop
    _add(hidden, rows, found, filled)
    return total + filled
