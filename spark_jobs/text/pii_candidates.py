"""Where a text may hold personal data: places found in one pass over its bytes, to be judged by stricter, slower means.

Most documents hold no such place and are seen by nothing else. What is a place is decided by its surroundings alone,
within bounds, so that the cost is linear.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from spark_jobs.text.characters import DECIMAL, Flags, flag_table
from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import Bytes, Places, bytes_of, code_at, note, search

EMAIL, IPV4, IPV6, IBAN, NUMBER = range(5)

# Digits of a run that is looked at: fewer are no telephone number, more are a table of numbers.
MIN_DIGITS, MAX_DIGITS = 7, 60
_MAX_GAP = 4  # separators in a row
_MAX_LEAD = 3  # signs and brackets before the first digit


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places in the order of the text: row, first character, character after the last (or the first again), kind."""

    found: Places

    def of_row(self, row: int) -> list[tuple[int, int, int]]:
        """Begin, end and kind of each place in a row, in characters."""
        first, last = np.searchsorted(self.found[:, 0], [row, row + 1])
        return [(int(begin), int(end), int(kind)) for _, begin, end, kind in self.found[first:last]]

    @property
    def rows(self) -> list[int]:
        """Rows that hold a place."""
        return np.unique(self.found[:, 0]).tolist()


@lru_cache(maxsize=1)
def _passed() -> Bytes:
    """By byte whether it is passed over: 0 for the first bytes of both @ and of digits of all scripts."""
    passed = np.ones(256, dtype=np.uint8)
    for code in (0x40, 0xFF20, *np.flatnonzero(flag_table() & DECIMAL)):
        passed[chr(code).encode()[0]] = 0
    passed.flags.writeable = False
    return passed


def candidates(texts: pa.LargeStringArray, iban_lengths: Places) -> Candidates:
    """Places in texts; `iban_lengths[26 * a + b]` is the length of account numbers of the country AB, 0 for none."""
    data, starts = bytes_of(texts)
    found = search(_places, data, starts, iban_lengths, flag_table(), _passed(), columns=4)
    found = found[np.lexsort((found[:, 3], found[:, 1]))]
    _to_characters(data, starts, found)
    return Candidates(found)


@kernel
def _is_alphanumeric(byte: int) -> bool:
    lower = byte | 0x20
    return (byte >= 0x30 and byte <= 0x39) or (lower >= 0x61 and lower <= 0x7A)


@kernel
def _is_hexadecimal(byte: int) -> bool:
    lower = byte | 0x20
    return (byte >= 0x30 and byte <= 0x39) or (lower >= 0x61 and lower <= 0x66)


@kernel
def _separates(code: int) -> bool:
    """Whether a character may stand between the digits of a number; those that `phonenumbers` lets stand there."""
    if code < 0x80:
        return code in (0x20, 0x28, 0x29, 0x2D, 0x2E, 0x2F, 0x5B, 0x5D, 0x7E)
    if code >= 0x2010 and code <= 0x2015:
        return True
    return code in (0xA0, 0xAD, 0x200B, 0x2009, 0x202F, 0x2060, 0x2212, 0x3000, 0x30FC, 0xFF08, 0xFF09, 0xFF0D, 0xFF0E)


@kernel
def _is_ipv4(data: Bytes, i: int, end: int) -> bool:
    """Whether four groups of up to three digits with dots between begin at i."""
    for group in range(4):
        begin = i
        while i < end and i - begin < 4 and data[i] >= 0x30 and data[i] <= 0x39:
            i += 1
        if i == begin or i - begin > 3:
            return False
        if group < 3:
            if i == end or data[i] != 0x2E:
                return False
            i += 1
    return True


@kernel
def _is_ipv6(data: Bytes, i: int, end: int) -> bool:
    """Whether an address of the global range begins at i: four hexadecimal digits, and two colons soon after."""
    if i + 5 >= end or data[i + 4] != 0x3A or not (data[i] == 0x32 or data[i] == 0x33):
        return False
    for k in range(i + 1, i + 4):
        if not _is_hexadecimal(data[k]):
            return False
    k = i + 5
    while k < end and k - i < 48 and _is_hexadecimal(data[k]):
        k += 1
    return k < end and data[k] == 0x3A


@kernel
def _iban_end(data: Bytes, i: int, end: int, lengths: Places) -> int:
    """Where a row of letters and digits ends that begins at i with two letters and is as long as their country's."""
    if not (data[i] >= 0x41 and data[i + 1] >= 0x41 and _is_alphanumeric(data[i]) and _is_alphanumeric(data[i + 1])):
        return -1
    length = lengths[26 * ((data[i] | 0x20) - 0x61) + (data[i + 1] | 0x20) - 0x61]
    seen = 0
    separated = False
    while i < end and seen < length:
        if _is_alphanumeric(data[i]):
            seen += 1
            separated = False
        elif separated or not (data[i] == 0x20 or data[i] == 0x2D or data[i] == 0xC2):
            return -1
        else:
            separated = True
            if data[i] == 0xC2:
                i += 1
                if i == end or data[i] != 0xA0:
                    return -1
        i += 1
    if length == 0 or seen < length or (i < end and _is_alphanumeric(data[i])):
        return -1
    return i


@kernel
def _number_begin(data: Bytes, i: int, begin: int) -> int:
    """Where a number begins whose first digit is at i: at the plus sign or bracket before it, if there is one."""
    first = i
    for _ in range(_MAX_LEAD):
        if i > begin and (data[i - 1] == 0x2B or data[i - 1] == 0x28):
            i -= 1
            first = i
        elif i > begin and data[i - 1] == 0x20:
            i -= 1
        elif i - 2 > begin and data[i - 3] == 0xEF and data[i - 2] == 0xBC and data[i - 1] in (0x88, 0x8B):
            i -= 3
            first = i
        else:
            break
    return first


@kernel
def _number_end(data: Bytes, i: int, end: int, flags: Flags) -> tuple[int, int]:
    """Where a row of digits and separators that begins at i ends, after its last digit; and its digits."""
    digits = gap = 0
    last = i
    while i < end and gap <= _MAX_GAP:
        code, length = code_at(data, i, end)
        i += length
        if flags[code] & DECIMAL:
            digits += 1
            gap = 0
            last = i
        elif _separates(code) or (code == 0x2B and gap > 0):
            gap += 1
        else:
            break
    return last, digits


@kernel
def _is_at(data: Bytes, i: int, begin: int, end: int) -> bool:
    """Whether the @ at i has something on both sides."""
    return i > begin and i + 1 < end and data[i - 1] > 0x20 and data[min(i + 1, end - 1)] > 0x2C


@kernel
def _addresses(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, i: int, begin: int, end: int, lengths: Places, found: Places, count: int, row: int
) -> int:
    """Note what may begin with the group of digits at i, or with two letters before it."""
    if (i == begin or data[i - 1] != 0x2E) and _is_ipv4(data, i, end):
        count = _place(found, count, row, i, i, IPV4)
    if _is_ipv6(data, i, end):
        count = _place(found, count, row, i, i, IPV6)
    if i - begin >= 2 and (i - begin == 2 or not _is_alphanumeric(data[i - 3])):
        stop = _iban_end(data, i - 2, end, lengths)
        if stop >= 0:
            count = _place(found, count, row, i - 2, stop, IBAN)
    return count


@kernel
def _places(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Places, lengths: Places, flags: Flags, passed: Bytes, found: Places
) -> int:
    count = 0
    for row in range(len(starts) - 1):
        begin = i = number_end = starts[row]
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
            if i >= number_end:
                number_end, digits = _number_end(data, i, end, flags)
                if digits >= MIN_DIGITS and digits <= MAX_DIGITS:
                    count = _place(found, count, row, _number_begin(data, i, begin), number_end, NUMBER)
            if code < 0x80:
                count = _addresses(data, i, begin, end, lengths, found, count, row)
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
