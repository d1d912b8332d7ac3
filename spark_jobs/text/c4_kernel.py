"""The kernels of C4's pass over lines: the rules in C4's order, and the text that they leave. Used by `c4.py` alone."""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import DECIMAL, HINGE, SENTENCE_END, SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.sentences import has_content, is_ender, sentence_end

KEPT, LONG_WORD, NO_TERMINAL, FEW_WORDS, LOREM_IPSUM, JAVASCRIPT, CURLY, POLICY_LINE = range(8)

Counts = npt.NDArray[np.int64]
Phrases = npt.NDArray[np.uint32]


@kernel
def _lower(code: int) -> int:
    if code >= 65 and code <= 90:
        return code + 32
    # The Kelvin sign is the one other character that str.lower maps into a letter of the phrases.
    return 107 if code == 0x212A else code


@kernel
def _phrase_at(codes: Codes, i: int, end: int, phrase: Phrases, fold: int) -> int:
    """Length of the phrase if it stands at i, else 0."""
    k = 0
    while phrase[k] != 0:
        if i + k >= end:
            return 0
        code = codes[i + k]
        if (_lower(code) if fold != 0 else code) != phrase[k]:
            return 0
        k += 1
    return k


@kernel
def _survey(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, phrases: Phrases, hinges: Counts
) -> tuple[int, int]:
    """Bits of the phrases in a line, `1 << row`, the last bit for "{", and its sentences: in one scan.

    Few characters end a sentence or are the one that a phrase hinges on; the others are passed over.
    """
    found = 0
    sentences = 0
    pending = False
    read = start
    i = np.uint64(start)
    stop = np.uint64(end)
    while i < stop:
        kind = flags[i]
        if (kind & (HINGE | SENTENCE_END)) == 0:
            i += np.uint64(1)
            continue
        place: Any = np.int64(i)
        if is_ender(codes[i], kind):
            pending = pending or has_content(flags, read, place)
            read, ends = sentence_end(codes, flags, place, start, end) if pending else (place + 1, False)
            sentences += ends
            pending = pending and not ends
            i = np.uint64(read)
            continue
        code = _lower(codes[i])
        if code == 0x7B:
            found |= 1 << len(phrases)
        for row in range(len(phrases)):
            begin = place - hinges[row]
            if code == phrases[row, hinges[row]] and begin >= start and _phrase_at(codes, begin, end, phrases[row], 1):
                found |= 1 << row
        i += np.uint64(1)
    return found, sentences + (pending or has_content(flags, read, end))


@kernel
def _citation_at(codes: Codes, flags: Flags, i: int, end: int, marks: Phrases) -> int:
    """Length of the citation mark at the bracket i, else 0; digits are decimal digits of any script."""
    k = i + 1
    while k < end and (flags[k] & DECIMAL) != 0:
        k += 1
    if k < end and codes[k] == 0x5D:
        return k + 1 - i
    for row in range(len(marks)):
        length = _phrase_at(codes, i, end, marks[row], 0)
        if length > 0:
            return length
    return 0


@kernel
def _ends_terminal(codes: Codes, start: int, end: int) -> bool:
    if start == end:
        return False
    last = codes[end - 1]
    if last == 0x2E and end - start >= 3 and codes[end - 2] == 0x2E and codes[end - 3] == 0x2E:
        return False
    return last in (0x2E, 0x3F, 0x21, 0x22, 0x27)


@kernel
def _has_words(flags: Flags, start: int, end: int, wanted: int) -> bool:
    """Whether a line has so many words between white space; looks no further than it must."""
    words = 0
    inside = False
    for i in range(start, end):
        if words >= wanted:
            return True
        blank = (flags[i] & SPACE) != 0
        words += not blank and not inside
        inside = not blank
    return words >= wanted


@kernel
def _longest_word(flags: Flags, start: int, end: int) -> int:
    longest = run = 0
    for i in range(start, end):
        run = 0 if flags[i] & SPACE else run + 1
        longest = max(longest, run)
    return longest


@kernel
def _verdict(found: int, phrases: Phrases, switches: Counts) -> int:
    """Verdict by the phrases that a line holds, in C4's order."""
    if switches[6] and (found & 1) != 0:
        return LOREM_IPSUM
    if switches[4] and (found & 2) != 0:
        return JAVASCRIPT
    if switches[7] and (found >> len(phrases)) != 0:
        return CURLY
    if switches[5] and ((found >> 2) & ((1 << (len(phrases) - 2)) - 1)) != 0:
        return POLICY_LINE
    return KEPT


@kernel
def _copy_line(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, out: Codes, out_flags: Flags, marks: Phrases
) -> tuple[int, int]:
    """Copy a line without its citations: characters copied, citations left out."""
    cut = filled = 0
    i = start
    while i < end:
        length = _citation_at(codes, flags, i, end, marks) if codes[i] == 0x5B else 0
        if length > 0:
            cut += 1
            i += length
            continue
        out[filled] = codes[i]
        out_flags[filled] = flags[i]
        filled += 1
        i += 1
    return filled, cut


@kernel
def _has_bracket(codes: Codes, start: int, end: int) -> bool:
    part = codes[start:end]
    brackets = 0
    for i in range(len(part)):
        brackets += part[i] == 0x5B
    return brackets > 0


@kernel
def _stripped(flags: Flags, start: int, end: int) -> tuple[int, int]:
    while start < end and (flags[start] & SPACE) != 0:
        start += 1
    while end > start and (flags[end - 1] & SPACE) != 0:
        end -= 1
    return start, end


@kernel
def judged(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes,
    flags: Flags,
    starts: Counts,
    ends: Counts,
    lines: Offsets,
    phrases: Phrases,
    hinges: Counts,
    marks: Phrases,
    switches: Counts,
) -> tuple[Counts, npt.NDArray[np.bool_]]:
    """Per text: lines with lorem ipsum, lines with "{", sentences, edits; and which lines are kept."""
    rows = len(lines) - 1
    counts = np.zeros((4, rows), dtype=np.int64)
    kept = np.zeros(len(starts), dtype=np.bool_)
    longest = 0
    for line in range(len(starts)):
        longest = max(longest, ends[line] - starts[line])
    copy = np.empty(longest, dtype=np.uint32)
    copy_flags = np.empty(longest, dtype=np.uint16)
    for row in range(rows):
        for line in range(lines[row], lines[row + 1]):
            start, end = _stripped(flags, starts[line], ends[line])
            cut = 0
            read, read_flags, first, stop = codes, flags, start, end
            if switches[2] and _has_bracket(codes, start, end):
                stop, cut = _copy_line(codes, flags, start, end, copy, copy_flags, marks)
                read, read_flags, first = copy, copy_flags, 0
            sentences = 0
            if end - start > switches[0] and _longest_word(flags, start, end) > switches[0]:
                verdict = LONG_WORD
            elif switches[3] and not _ends_terminal(read, first, stop):
                verdict = NO_TERMINAL
            elif not _has_words(flags, start, end, switches[1]):
                verdict = FEW_WORDS
            else:
                found, sentences = _survey(read, read_flags, first, stop, phrases, hinges)
                verdict = _verdict(found, phrases, switches)
            counts[0, row] += verdict == LOREM_IPSUM
            counts[1, row] += verdict == CURLY
            if verdict == KEPT:
                counts[2, row] += sentences
            if verdict in (KEPT, LOREM_IPSUM, CURLY):
                counts[3, row] += cut
                kept[line] = True
            else:
                counts[3, row] += end > start
    return counts, kept


@kernel
def joined(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes,
    flags: Flags,
    starts: Counts,
    ends: Counts,
    lines: Offsets,
    kept: npt.NDArray[np.bool_],
    marks: Phrases,
    citations: int,
) -> tuple[Codes, Offsets]:
    """The kept lines of each text without their citations, joined and stripped."""
    rows = len(lines) - 1
    out = np.empty(len(codes) + len(starts), dtype=np.uint32)
    out_flags = np.empty(len(codes) + len(starts), dtype=np.uint16)
    offsets = np.zeros(rows + 1, dtype=np.int64)
    filled = 0
    for row in range(rows):
        begin = filled
        for line in range(lines[row], lines[row + 1]):
            if not kept[line]:
                continue
            start, end = _stripped(flags, starts[line], ends[line])
            if citations and _has_bracket(codes, start, end):
                length, _ = _copy_line(codes, flags, start, end, out[filled:], out_flags[filled:], marks)
            else:
                length = end - start
                out[filled : filled + length] = codes[start:end]
                out_flags[filled : filled + length] = flags[start:end]
            out[filled + length] = 10
            out_flags[filled + length] = SPACE
            filled += length + 1
        first, last = _stripped(out_flags, begin, filled)
        if first > begin:
            for i in range(first, last):
                out[begin + i - first] = out[i]
        filled = begin + last - first
        offsets[row + 1] = filled
    return out[:filled], offsets
