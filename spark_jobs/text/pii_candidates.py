"""Where a text may hold personal data: places found in one pass over its bytes, to be judged by stricter, slower means.

Most documents hold no such place and are seen by nothing else. What is a place is decided by its surroundings alone,
within bounds, so that the cost is linear.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from spark_jobs.text.addresses import PRIVATE_V4
from spark_jobs.text.characters import DECIMAL, Flags, flag_table
from spark_jobs.text.digit_shapes import (
    iban_end,
    ipv4_end,
    is_alphanumeric,
    is_ipv6,
    is_other,
    number_begin,
    number_end,
)
from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at, note, search

EMAIL, IPV4, IPV6, IBAN, NUMBER = range(5)

# Digits of a run that is looked at: fewer are no telephone number, more are a table of numbers.
MIN_DIGITS, MAX_DIGITS = 7, 60


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places in the order of the text: row, first character, character after the last (or the first again), kind."""

    found: Places

    def by_row(self) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
        """Each row that holds a place, with begin, end and kind of its places, in characters."""
        rows, firsts = np.unique(self.found[:, 0], return_index=True)
        for row, first, after in zip(rows, firsts, np.append(firsts, len(self.found))[1:], strict=True):
            yield int(row), [(begin, end, kind) for _, begin, end, kind in self.found[first:after].tolist()]


@lru_cache(maxsize=1)
def _passed() -> Bytes:
    """By byte whether it is passed over: 0 for the first bytes of both @ and of digits of all scripts."""
    passed = np.ones(256, dtype=np.uint8)
    for code in (0x40, 0xFF20, *np.flatnonzero(flag_table() & DECIMAL)):
        passed[chr(code).encode()[0]] = 0
    passed.flags.writeable = False
    return passed


@lru_cache(maxsize=1)
def _private() -> Places:
    """Networks of IPv4 that are nobody's, by address and mask; shape (n, 2)."""
    networks = np.array(PRIVATE_V4, dtype=np.int64)
    networks.flags.writeable = False
    return networks


def candidates(texts: pa.LargeStringArray, iban_lengths: Places) -> Candidates:
    """Places in texts; `iban_lengths[26 * a + b]` is the length of account numbers of the country AB, 0 for none."""
    data, starts = bytes_of(texts)
    found = search(_places, data, starts, iban_lengths, _private(), flag_table(), _passed(), columns=4)
    found = found[np.lexsort((found[:, 3], found[:, 1]))]
    _to_characters(data, starts, found)
    return Candidates(found)


@kernel
def _is_at(data: Bytes, i: int, begin: int, end: int) -> bool:
    """Whether the @ at i has something on both sides."""
    return i > begin and i + 1 < end and data[i - 1] > 0x20 and data[min(i + 1, end - 1)] > 0x2C


@kernel
def _addresses(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, i: int, begin: int, end: int, lengths: Places, private: Places, found: Places, count: int, row: int
) -> int:
    """Note what may begin with the group of digits at i, or with two letters before it."""
    if (i == begin or data[i - 1] != 0x2E) and ipv4_end(data, i, end, private)[1]:
        count = _place(found, count, row, i, i, IPV4)
    if is_ipv6(data, i, end):
        count = _place(found, count, row, i, i, IPV6)
    if i - begin >= 2 and (i - begin == 2 or not is_alphanumeric(data[i - 3])):
        stop = iban_end(data, i - 2, end, lengths)
        if stop >= 0:
            count = _place(found, count, row, i - 2, stop, IBAN)
    return count


@kernel
def _places(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Places, lengths: Places, private: Places, flags: Flags, passed: Bytes, found: Places
) -> int:
    count = 0
    for row in range(len(starts) - 1):
        begin = i = passed_to = starts[row]
        end = starts[row + 1]
        while i < end:
            if passed[data[i]]:
                i += 1
                continue
            code, length = code_at(data, i, end)
            if (flags[code] & DECIMAL) == 0:
                if code in (0x40, 0xFF20) and _is_at(data, i, begin, end):
                    count = _place(found, count, row, i, i, EMAIL)
                i += length
                continue
            if i >= passed_to:
                passed_to, digits = number_end(data, i, end, flags)
                if digits >= MIN_DIGITS and digits <= MAX_DIGITS and not is_other(data, i, passed_to):
                    count = _place(found, count, row, number_begin(data, i, begin), passed_to, NUMBER)
            if code < 0x80:
                count = _addresses(data, i, begin, end, lengths, private, found, count, row)
            i += length
            while i < end and data[i] >= 0x30 and data[i] <= 0x39:
                i += 1
    return count


@kernel
def _place(found: Places, count: int, row: int, begin: int, end: int, kind: int) -> int:  # noqa: PLR0917 - numba
    if count < len(found):
        found[count, 3] = kind
    return note(found, count, row, begin, end)


@kernel
def _to_characters(data: Bytes, starts: Places, found: Places) -> None:
    """Turn bytes into characters of the row, in place; a text that holds no place is not looked at."""
    row = np.int64(-1)
    byte = character = np.int64(0)
    for k in range(len(found)):
        if found[k, 0] != row:
            row = found[k, 0]
            byte = starts[row]
            character = np.int64(0)
        while byte < found[k, 1]:
            character += (data[byte] & 0xC0) != 0x80
            byte += 1
        end = character
        for i in range(found[k, 1], found[k, 2]):
            end += (data[i] & 0xC0) != 0x80
        found[k, 1] = character
        found[k, 2] = end
