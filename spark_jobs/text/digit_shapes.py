"""Shapes of addresses and numbers in the bytes of a text: the kernels behind `pii_candidates`, one a place."""

import numpy as np

from spark_jobs.text.characters import DECIMAL, Flags
from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import Bytes, Places, code_at

_MAX_GAP = 4  # separators in a row
_MAX_LEAD = 3  # signs and brackets before the first digit


@kernel
def is_alphanumeric(byte: int) -> bool:
    """Whether a byte is an ASCII letter or digit."""
    lower = byte | 0x20
    return (byte >= 0x30 and byte <= 0x39) or (lower >= 0x61 and lower <= 0x7A)


@kernel
def is_hexadecimal(byte: int) -> bool:
    """Whether a byte is a hexadecimal digit."""
    lower = byte | 0x20
    return (byte >= 0x30 and byte <= 0x39) or (lower >= 0x61 and lower <= 0x66)


@kernel
def separates(code: int) -> bool:
    """Whether a character may stand between the digits of a number; those that `phonenumbers` lets stand there."""
    if code < 0x80:
        return code in (0x20, 0x28, 0x29, 0x2D, 0x2E, 0x2F, 0x5B, 0x5D, 0x7E)
    if code >= 0x2010 and code <= 0x2015:
        return True
    return code in (0xA0, 0xAD, 0x200B, 0x2009, 0x202F, 0x2060, 0x2212, 0x3000, 0x30FC, 0xFF08, 0xFF09, 0xFF0D, 0xFF0E)


@kernel
def ipv4_end(data: Bytes, i: int, end: int, private: Places) -> tuple[int, bool]:
    """Where an IPv4 address that begins at i ends, -1 if none does; and whether its network is no private one."""
    address = 0
    for group in range(4):
        begin = i
        octet = 0
        while i < end and i - begin < 4 and data[i] >= 0x30 and data[i] <= 0x39:
            octet = 10 * octet + data[i] - 0x30
            i += 1
        if i == begin or octet > 255:
            return -1, False
        address = 256 * address + octet
        if group < 3:
            if i == end or data[i] != 0x2E:
                return -1, False
            i += 1
    for k in range(len(private)):
        if (address & private[k, 1]) == private[k, 0]:
            return i, False
    return i, True


@kernel
def is_date(data: Bytes, i: int, end: int) -> bool:
    """Whether what lies from i to end is a day of this century or the last: 2021-08-25."""
    if end - i != 10 or not ((data[i] == 0x32 and data[i + 1] == 0x30) or (data[i] == 0x31 and data[i + 1] == 0x39)):
        return False
    return data[i + 4] == data[i + 7] and data[i + 4] in (0x2D, 0x2E, 0x2F)


@kernel
def is_ipv6(data: Bytes, i: int, end: int) -> bool:
    """Whether an address of the global range begins at i: four hexadecimal digits, and two colons soon after."""
    if i + 5 >= end or data[i + 4] != 0x3A or not (data[i] == 0x32 or data[i] == 0x33):
        return False
    for k in range(i + 1, i + 4):
        if not is_hexadecimal(data[k]):
            return False
    k = i + 5
    while k < end and k - i < 48 and is_hexadecimal(data[k]):
        k += 1
    return k < end and data[k] == 0x3A


@kernel
def iban_end(data: Bytes, i: int, end: int, lengths: Places) -> int:
    """Where a row of letters and digits ends that begins at i with two letters and is as long as their country's."""
    if not (data[i] >= 0x41 and data[i + 1] >= 0x41 and is_alphanumeric(data[i]) and is_alphanumeric(data[i + 1])):
        return -1
    length = lengths[26 * ((data[i] | 0x20) - 0x61) + (data[i + 1] | 0x20) - 0x61]
    seen = 0
    separated = False
    while i < end and seen < length:
        if is_alphanumeric(data[i]):
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
    if length == 0 or seen < length or (i < end and is_alphanumeric(data[i])):
        return -1
    return i


@kernel
def is_other(data: Bytes, i: int, end: int) -> bool:
    """Whether what lies from i to end is as a whole an IP address or a date."""
    return is_date(data, i, end) or ipv4_end(data, i, end, np.zeros((0, 2), np.int64))[0] == end


@kernel
def number_begin(data: Bytes, i: int, begin: int) -> int:
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
def number_end(data: Bytes, i: int, end: int, flags: Flags) -> tuple[int, int]:
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
        elif separates(code) or (code == 0x2B and gap > 0):
            gap += 1
        else:
            break
    return last, digits
