"""Sentences of a text: where they lie, and how many a line holds. The rule is one for all scripts.

A sentence ends at a sentence ender, with the closing quotes and brackets after it, before white space or the end of
the line; in Han, kana, Burmese, Khmer and Tibetan, which put no space there, anywhere. Full stops after one letter or
before a lower-case one end none. Thai and Lao write no enders: their lines are their sentences, to ICU as well.
"""

from typing import Final

import numpy as np

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import (
    CLOSING,
    LETTER,
    LOWER,
    NUMBER,
    SENTENCE_END,
    SPACE,
    Characters,
    Codes,
    Flags,
    Offsets,
)
from spark_jobs.text.native import kernel
from spark_jobs.text.spans import Bounds, Spans

_SHADS: Final = (0x0F0D, 0x0F0E)  # what ends a sentence in Tibetan; Unicode does not list them


def sentences_of(batch: TextBatch, most: int) -> Spans:
    """The first `most` sentences of each text, as spans without white space around them; a shared view.

    Line ends end sentences. Each span holds a letter or number.
    """
    return batch.shared(("sentences", most), lambda: sentence_spans(batch.characters, batch.lines, most))


def sentence_spans(characters: Characters, lines: Spans, most: int) -> Spans:
    """The first `most` sentences of each text; `lines` are its lines."""
    return Spans(*_sentences(characters.codes, characters.flags, lines.starts, lines.ends, lines.offsets, most))


@kernel
def count_sentences(codes: Codes, flags: Flags, start: int, end: int) -> int:
    """Sentences in a stretch of a line; text after the last end is a sentence too, if it holds a letter or number."""
    count = 0
    i = start
    while i < end:
        i, holds = _end_of(codes, flags, i, start, end)
        count += holds
    return count


@kernel
def _goes_on(flags: Flags, start: int, stop_at: int, after: int, end: int) -> bool:
    """Whether full stops from `stop_at` to `after` are those of an initial, or the next word is in lower case."""
    following = after
    while following < end and (flags[following] & SPACE) != 0:
        following += 1
    if following < end and (flags[following] & LOWER) != 0:
        return True
    before = stop_at - 1
    if after != stop_at + 1 or before < start or (flags[before] & LETTER) == 0:
        return False
    return before == start or (flags[before - 1] & (LETTER | NUMBER)) == 0


@kernel
def _without_spaces(code: int) -> bool:
    """Whether an ender stands in a script that puts no space after it."""
    return code > 0x2FFF or 0x0F00 <= code < 0x10A0 or 0x17D4 <= code <= 0x17D5


@kernel
def is_ender(code: int, kind: int) -> bool:
    """Whether a character may end a sentence."""
    return (kind & SENTENCE_END) != 0 or code in _SHADS


@kernel
def has_content(flags: Flags, start: int, end: int) -> bool:
    """Whether a stretch holds a letter or number; looked for from its end, where it mostly is."""
    while end > start and (flags[end - 1] & (LETTER | NUMBER)) == 0:
        end -= 1
    return end > start


@kernel
def sentence_end(codes: Codes, flags: Flags, i: int, start: int, end: int) -> tuple[int, bool]:
    """Where to read on after the ender at i that has a letter or number before it, and whether it ends a sentence."""
    stop = i + 1
    while stop < end and ((flags[stop] & (SENTENCE_END | CLOSING)) != 0 or codes[stop] in _SHADS):
        stop += 1
    ends = stop == end or (flags[stop] & SPACE) != 0 or _without_spaces(codes[i])
    if ends and codes[i] == 0x2E and codes[stop - 1] == 0x2E and stop < end:
        ends = not _goes_on(flags, start, i, stop, end)
    return stop, ends


@kernel
def _end_of(codes: Codes, flags: Flags, at: int, start: int, end: int) -> tuple[int, bool]:
    """End of the sentence that begins at `at` in the stretch from `start` to `end`; does it hold a letter or number."""
    pending = False
    i = at
    while i < end:
        if flags[i] & (LETTER | NUMBER):
            pending = True
        if not pending or not is_ender(codes[i], flags[i]):
            i += 1
            continue
        i, ends = sentence_end(codes, flags, i, start, end)
        if ends:
            return i, True
    return end, pending


@kernel
def _sentences(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, line_starts: Bounds, line_ends: Bounds, lines: Offsets, most: int
) -> tuple[Bounds, Bounds, Offsets]:
    offsets = np.zeros(len(lines), np.int64)
    total = 0
    starts = np.empty(16, np.int64)
    ends = np.empty(16, np.int64)
    for row in range(len(lines) - 1):
        first = total
        for line in range(lines[row], lines[row + 1]):
            i = line_starts[line]
            while i < line_ends[line] and total - first < most:
                stop, holds = _end_of(codes, flags, i, line_starts[line], line_ends[line])
                if holds:
                    if total == len(starts):
                        starts = np.concatenate((starts, np.empty(total, np.int64)))
                        ends = np.concatenate((ends, np.empty(total, np.int64)))
                    begin = i
                    last = stop
                    while (flags[begin] & SPACE) != 0:
                        begin += 1
                    while (flags[last - 1] & SPACE) != 0:
                        last -= 1
                    starts[total] = begin
                    ends[total] = last
                    total += 1
                i = stop
        offsets[row + 1] = total
    return starts[:total].copy(), ends[:total].copy(), offsets
