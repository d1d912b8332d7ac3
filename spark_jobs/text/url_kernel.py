"""Kernels over the bytes of URLs: where host and path lie, hashes of both, words, and substrings. No object per URL.

What is compared is percent-decoded and in lower case (ASCII; other letters of a path keep their case). The meaning of
a host is `host_of` in `urls.py`; `locate` finds the plain ones and leaves the odd ones to it.
"""

import numpy as np
import numpy.typing as npt

from spark_jobs.text.automaton import States, Symbols, first_end, symbol_of
from spark_jobs.text.byte_spans import Bounds, Bytes
from spark_jobs.text.hash_set import Hashes, Starts, mixed, place_of
from spark_jobs.text.native import kernel

Counts = npt.NDArray[np.int64]

ALNUM_ONLY, NO_HYPHEN_OR_DOT = 0, 1  # what a URL is stripped of before substrings are looked for


@kernel
def _lower(byte: int) -> int:
    return byte + 32 if byte >= 0x41 and byte <= 0x5A else byte


@kernel
def _alnum(byte: int) -> bool:
    return (byte >= 0x30 and byte <= 0x39) or (byte >= 0x61 and byte <= 0x7A)


@kernel
def _hex(byte: int) -> int:
    byte = _lower(byte)
    if byte >= 0x30 and byte <= 0x39:
        return byte - 0x30
    return byte - 0x57 if byte >= 0x61 and byte <= 0x66 else -1


@kernel
def _decoded(data: Bytes, i: int, end: int) -> tuple[int, int]:
    """The byte at i, percent-decoded and in lower case, and where the next one begins."""
    if data[i] == 0x25 and i + 2 < end:
        high = _hex(data[i + 1])
        low = _hex(data[i + 2])
        if high >= 0 and low >= 0:
            return _lower(high * 16 + low), i + 3
    return _lower(data[i]), i + 1


@kernel
def _after_scheme(data: Bytes, start: int, end: int) -> int:
    """Where the authority begins: after `scheme://` or `//`, or at once."""
    i = start
    while i < end and (_alnum(_lower(data[i])) or (i > start and data[i] in (0x2B, 0x2D, 0x2E))):
        i += 1
    letter = i > start and _lower(data[start]) >= 0x61
    slashes = i if i < end and i > start and data[i] == 0x3A and letter else start - 1
    if slashes + 2 < end and data[slashes + 1] == 0x2F and data[slashes + 2] == 0x2F:
        return slashes + 3
    return start


@kernel
def _host(data: Bytes, start: int, end: int) -> tuple[int, int, bool]:
    """The host within an authority, without user, port, dots around it; and whether it is no plain name."""
    for i in range(start, end):
        if data[i] == 0x40:
            start = i + 1
    stop = start
    odd = False
    while stop < end and data[stop] != 0x3A:
        byte = _lower(data[stop])
        odd = odd or not (_alnum(byte) or byte in (0x2D, 0x2E, 0x5F) or (byte == 0x2A and stop == start))
        stop += 1
    for i in range(stop + 1, end):
        odd = odd or data[i] < 0x30 or data[i] > 0x39
    while start < stop and data[start] in (0x2A, 0x2E):
        start += 1
    while stop > start and data[stop - 1] == 0x2E:
        stop -= 1
    return start, stop, odd


@kernel
def locate(data: Bytes, starts: Bounds, ends: Bounds) -> Bounds:
    """Per URL: start and end of the host, start and end of what follows the authority (no fragment), 1 if odd."""
    found = np.zeros((5, len(starts)), dtype=np.int64)
    for row in range(len(starts)):
        start = starts[row]
        end = ends[row]
        while start < end and data[start] <= 0x20:
            start += 1
        while end > start and data[end - 1] <= 0x20:
            end -= 1
        begin = _after_scheme(data, start, end)
        rest = begin
        while rest < end and data[rest] not in (0x2F, 0x3F, 0x23):
            rest += 1
        stop = rest
        while stop < end and data[stop] != 0x23:
            stop += 1
        first, last, odd = _host(data, begin, rest)
        found[0, row], found[1, row], found[2, row], found[3, row], found[4, row] = first, last, rest, stop, odd
    return found


@kernel
def site_starts(data: Bytes, starts: Bounds, ends: Bounds) -> Bounds:
    """Where hosts begin without a leading `www.`, if a dot is left then."""
    result = starts.copy()
    for row in range(len(starts)):
        i = starts[row]
        www = ends[row] - i > 4 and _lower(data[i]) == 0x77 and _lower(data[i + 1]) == 0x77
        if www and _lower(data[i + 2]) == 0x77 and data[i + 3] == 0x2E:
            for k in range(i + 4, ends[row]):
                if data[k] == 0x2E:
                    result[row] = i + 4
    return result


@kernel
def _step(value: np.uint64, byte: int) -> np.uint64:
    value = (value ^ np.uint64(byte)) * np.uint64(0x9E3779B97F4A7C15)
    return value ^ (value >> np.uint64(32))


@kernel
def site_hashes(data: Bytes, starts: Bounds, ends: Bounds) -> Hashes:
    """Hash of each host, read from its end; 0 where there is none."""
    result = np.zeros(len(starts), dtype=np.uint64)
    for row in range(len(starts)):
        value = np.uint64(0)
        for i in range(ends[row] - 1, starts[row] - 1, -1):
            value = _step(value, _lower(data[i]))
        if starts[row] < ends[row]:
            result[row] = mixed(value)
    return result


@kernel
def listed_suffixes(data: Bytes, starts: Bounds, ends: Bounds, hashes: Hashes, places: Starts) -> Bounds:
    """Bytes of the longest listed name that is the host or a parent domain of it; 0 if none is."""
    result = np.zeros(len(starts), dtype=np.int64)
    for row in range(len(starts)):
        value = np.uint64(0)
        for i in range(ends[row] - 1, starts[row] - 1, -1):
            value = _step(value, _lower(data[i]))
            whole = i == starts[row] or data[i - 1] == 0x2E
            if whole and place_of(mixed(value), hashes, places) >= 0:
                result[row] = ends[row] - i
    return result


@kernel
def url_hashes(  # noqa: PLR0917 - numba takes no keywords
    hosts: Bytes, starts: Bounds, ends: Bounds, data: Bytes, firsts: Bounds, lasts: Bounds
) -> Hashes:
    """Hash of host and what follows it, final slashes left out; 0 where there is no host."""
    result = np.zeros(len(starts), dtype=np.uint64)
    for row in range(len(starts)):
        value = np.uint64(0)
        for i in range(starts[row], ends[row]):
            value = _step(value, _lower(hosts[i]))
        last = lasts[row]
        while last > firsts[row] and data[last - 1] == 0x2F:
            last -= 1
        i = firsts[row]
        while i < last:
            byte, i = _decoded(data, i, last)
            value = _step(value, byte)
        if starts[row] < ends[row]:
            result[row] = mixed(value)
    return result


@kernel
def word_hashes(data: Bytes, starts: Bounds, ends: Bounds) -> tuple[Hashes, Bounds]:
    """Hashes of the words (runs of a-z and 0-9) of each URL, one after the other, and where those of a URL begin."""
    result = np.zeros(len(data) // 2 + len(starts) + 1, dtype=np.uint64)
    offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    count = 0
    for row in range(len(starts)):
        value = np.uint64(0)
        i = starts[row]
        inside = False
        while i < ends[row]:
            byte, i = _decoded(data, i, ends[row])
            if _alnum(byte):
                value = _step(value, byte)
                inside = True
            if inside and (i == ends[row] or not _alnum(byte)):
                result[count] = mixed(value)
                count += 1
                value = np.uint64(0)
                inside = False
        offsets[row + 1] = count
    return result[:count].copy(), offsets


@kernel
def distinct_listed(words: Hashes, offsets: Bounds, hashes: Hashes, places: Starts) -> Counts:
    """Different listed words of each URL."""
    result = np.zeros(len(offsets) - 1, dtype=np.int64)
    seen = np.full(len(hashes), -1, dtype=np.int64)
    for row in range(len(result)):
        for i in range(offsets[row], offsets[row + 1]):
            at = place_of(words[i], hashes, places)
            if at >= 0 and seen[at] != row:
                seen[at] = row
                result[row] += 1
    return result


@kernel
def distinct_substrings(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Bounds, ends: Bounds, stripped: int,
    symbols: Symbols, moves: States, pattern: States, shorter: States,
) -> Counts:  # fmt: skip
    """Different patterns of an automaton in each URL, stripped of what the rule says."""
    result = np.zeros(len(starts), dtype=np.int64)
    seen = np.full(len(pattern), -1, dtype=np.int64)
    for row in range(len(starts)):
        state = 0
        i = starts[row]
        while i < ends[row]:
            byte, i = _decoded(data, i, ends[row])
            if (not _alnum(byte)) if stripped == ALNUM_ONLY else byte in (0x2D, 0x2E):
                continue
            state = moves[state, symbol_of(byte, symbols)]
            at = first_end(state, pattern, shorter)
            while at >= 0:
                if seen[at] != row:
                    seen[at] = row
                    result[row] += 1
                at = shorter[at]
    return result
