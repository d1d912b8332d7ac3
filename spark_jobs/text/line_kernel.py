"""Kernels of the line-wise corrections: one pass over the lines of a batch. What they mean: `line_corrections.py`."""

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import DECIMAL, IDEOGRAPH, LETTER, MARK, NUMBER, SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel

Counts = npt.NDArray[np.int64]
Phrases = npt.NDArray[np.uint32]
Table = npt.NDArray[np.bool_]


@kernel
def _in_word(flags: Flags, i: int) -> bool:
    return bool((flags[i] & (LETTER | NUMBER | MARK)) != 0)


@kernel
def _length_at(codes: Codes, i: int, end: int, phrase: Phrases, lower: Phrases) -> int:
    """Length of the phrase if it stands at i, else 0."""
    k = 0
    while phrase[k] != 0:
        if i + k >= end or lower[codes[i + k]] != phrase[k]:
            return 0
        k += 1
    return k


@kernel
def _is_counter(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, nouns: Phrases, lower: Phrases
) -> bool:
    """Whether a line is a number (with , . and K, M, B) and one of the nouns, symbols around them aside."""
    while start < end and not _in_word(flags, start):
        start += 1
    while end > start and not _in_word(flags, end - 1):
        end -= 1
    i = start
    while i < end and ((flags[i] & DECIMAL) != 0 or (i > start and codes[i] in (0x2C, 0x2E))):
        i += 1
    if i == start:
        return False
    for suffix in range(2):
        k = i
        if suffix == 1 and k < end and lower[codes[k]] in (0x6B, 0x6D, 0x62):
            k += 1
        while k < end and (flags[k] & SPACE) != 0:
            k += 1
        for row in range(len(nouns)):
            length = _length_at(codes, k, end, nouns[row], lower)
            if length > 0 and k + length == end:
                return True
    return False


@kernel
def _unspaced(code: int, flag: int) -> bool:
    """Whether a character is of a script without spaces between words: Han, kana, Thai, Lao, Burmese, Khmer."""
    if flag & IDEOGRAPH:
        return True
    return (code >= 0xE00 and code < 0xF00) or (code >= 0x1000 and code < 0x10A0) or (code >= 0x1780 and code < 0x1800)


@kernel
def _words(codes: Codes, flag_of: Flags, start: int, end: int) -> int:
    """Words of a line: what begins with a letter or number after white space; each sign of a script without spaces."""
    words = 0
    before = True
    for i in range(start, end):
        flag = flag_of[codes[i]]
        if _unspaced(codes[i], flag):
            words += (flag & MARK) == 0
        elif before:
            words += (flag & (LETTER | NUMBER)) != 0
        before = (flag & SPACE) != 0
    return words


@kernel
def _measure(codes: Codes, flags: Flags, start: int, end: int, upper: Table) -> tuple[int, int, int]:
    """Upper-case characters, digits, and runs of anything but white space."""
    capitals = digits = runs = 0
    before = True
    for i in range(start, end):
        space = (flags[i] & SPACE) != 0
        runs += before and not space
        before = space
        capitals += upper[codes[i]]
        digits += (flags[i] & DECIMAL) != 0
    return capitals, digits, runs


@kernel
def _cut(out: Codes, start: int, end: int, filled: int) -> int:
    """Take [start, end) out of the line that is filled up to `filled`; where it ends then."""
    for i in range(end, filled):
        out[start + i - end] = out[i]
    return filled - (end - start)


@kernel
def _whole(  # noqa: PLR0917 - numba takes no keywords
    out: Codes, flag_of: Flags, start: int, end: int, first: int, last: int
) -> bool:
    """Whether no word of the line [first, last) goes on over an end of [start, end)."""
    word = LETTER | NUMBER | MARK
    joined = start > first and (flag_of[out[start - 1]] & word) != 0 and (flag_of[out[start]] & word) != 0
    joined = joined or (end < last and (flag_of[out[end - 1]] & word) != 0 and (flag_of[out[end]] & word) != 0)
    return not joined


@kernel
def _cut_anywhere(  # noqa: PLR0917 - numba takes no keywords
    out: Codes, first: int, last: int, phrases: Phrases, flag_of: Flags, lower: Phrases
) -> tuple[int, int]:
    """Cut the phrases with a space before or after them; where the line ends then, and how many were cut."""
    cuts = 0
    i = first
    while i < last:
        length = 0
        for row in range(len(phrases)):
            found = _length_at(out, i, last, phrases[row], lower)
            if found > length and _whole(out, flag_of, i, i + found, first, last):
                length = found
        if length == 0:
            i += 1
            continue
        end = i + length
        if i > first and (flag_of[out[i - 1]] & SPACE) != 0:
            i -= 1
        elif end < last and (flag_of[out[end]] & SPACE) != 0:
            end += 1
        last = _cut(out, i, end, last)
        cuts += 1
    return last, cuts


@kernel
def _cut_at_end(  # noqa: PLR0917 - numba takes no keywords
    out: Codes, first: int, last: int, phrases: Phrases, flag_of: Flags, lower: Phrases
) -> int:
    """Cut a phrase that ends the line, and one space before it; white space after it goes too."""
    end = _last_in(out, flag_of, first, last)
    for row in range(len(phrases)):
        length = 0
        while phrases[row, length] != 0:
            length += 1
        start = end - length
        if length == 0 or start < first or _length_at(out, start, end, phrases[row], lower) == 0:
            continue
        if _whole(out, flag_of, start, end, first, end):
            start -= start > first and (flag_of[out[start - 1]] & SPACE) != 0
            return _cut(out, start, last, last)
    return last


@kernel
def _cut_at_start(  # noqa: PLR0917 - numba takes no keywords
    out: Codes, first: int, last: int, phrases: Phrases, flag_of: Flags, lower: Phrases
) -> int:
    """Cut a phrase that begins the line, and one space after it; the indent stays."""
    start = first
    while start < last and (flag_of[out[start]] & SPACE) != 0:
        start += 1
    for row in range(len(phrases)):
        end = start + _length_at(out, start, last, phrases[row], lower)
        if end > start and _whole(out, flag_of, start, end, start, last):
            end += end < last and (flag_of[out[end]] & SPACE) != 0
            return _cut(out, start, end, last)
    return last


@kernel
def _cut_phrases(  # noqa: PLR0917 - numba takes no keywords
    out: Codes, first: int, last: int,
    anywhere: Phrases, at_end: Phrases, at_start: Phrases, flag_of: Flags, lower: Phrases,
) -> tuple[int, int]:  # fmt: skip
    """The three kinds of cuts, one after the other; where the line ends then, and how many were made."""
    after, cuts = _cut_anywhere(out, first, last, anywhere, flag_of, lower)
    stop = _cut_at_end(out, first, after, at_end, flag_of, lower)
    cuts += stop < after
    after = _cut_at_start(out, first, stop, at_start, flag_of, lower)
    return after, cuts + (after < stop)


@kernel
def _judge(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, words: int,
    upper: Table, lower: Phrases, max_upper: float, bounds: Counts, nouns: Phrases,
) -> tuple[bool, int]:  # fmt: skip
    """Whether a line stays, and its length in words, anything between white space being one; a blank line stays."""
    while start < end and (flags[start] & SPACE) != 0:
        start += 1
    while end > start and (flags[end - 1] & SPACE) != 0:
        end -= 1
    if start == end:
        return True, 0
    capitals, digits, runs = _measure(codes, flags, start, end, upper)
    length = end - start
    drops = capitals / length > max_upper or (bounds[0] != 0 and digits == length) or max(runs, words) < bounds[1]
    return not (drops or _is_counter(codes, flags, start, end, nouns, lower)), max(runs, words)


@kernel
def _last_in(out: Codes, flag_of: Flags, first: int, last: int) -> int:
    """Where a line ends without the white space at its end; `first` if it is blank."""
    while last > first and (flag_of[out[last - 1]] & SPACE) != 0:
        last -= 1
    return last


@kernel
def correct(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, offsets: Offsets, flag_of: Flags, upper: Table, lower: Phrases, max_upper: float,
    bounds: Counts, nouns: Phrases, anywhere: Phrases, at_end: Phrases, at_start: Phrases,
) -> tuple[Counts, Codes, Offsets]:  # fmt: skip
    """Counts (edits, words, words removed, words flagged; each by text), and the texts as code points."""
    rows = len(offsets) - 1
    counts = np.zeros((4, rows), dtype=np.int64)
    out = np.empty(len(codes) + 1, dtype=np.uint32)
    kept = np.zeros(rows + 1, dtype=np.int64)
    filled = 0
    for row in range(rows):
        lines = 0
        start = offsets[row]
        while start <= offsets[row + 1]:
            end = start
            while end < offsets[row + 1] and codes[end] != 10:
                end += 1
            words = _words(codes, flag_of, start, end)
            counts[1, row] += words
            stays, length = _judge(codes, flags, start, end, words, upper, lower, max_upper, bounds, nouns)
            begin = filled + (lines > 0)
            stop = begin
            edits = 1
            if stays:
                out[filled] = 10
                stop = begin + end - start
                out[begin:stop] = codes[start:end]
                edits = 0
                if length > 0 and length <= bounds[2]:
                    stop, edits = _cut_phrases(out, begin, stop, anywhere, at_end, at_start, flag_of, lower)
                    stays = edits == 0 or _last_in(out, flag_of, begin, stop) > begin
            if edits > 0:
                counts[0, row] += edits
                counts[2, row] += words - _words(out, flag_of, begin, stop)
                counts[3, row] += words
            if stays:
                filled = stop
                lines += 1
            start = end + 1
        kept[row + 1] = filled
    return counts, out[:filled].copy(), kept
