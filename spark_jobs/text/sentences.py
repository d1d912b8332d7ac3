"""Sentences of a line, counted by their ends. Enough for rules on how many there are; not a sentence splitter."""

from spark_jobs.text.characters import CLOSING, LETTER, LOWER, NUMBER, SENTENCE_END, SPACE, Codes, Flags
from spark_jobs.text.native import kernel


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
def count_sentences(codes: Codes, flags: Flags, start: int, end: int) -> int:
    """Sentences in a stretch of a line.

    A sentence ends at a sentence ender, with the closing quotes and brackets after it, before white space or the end of
    the line (in scripts without spaces: anywhere); full stops after one letter or before a lower-case one end none.
    Text after the last end is a sentence too; a sentence holds a letter or number.
    """
    count = 0
    pending = False
    i = start
    while i < end:
        if flags[i] & (LETTER | NUMBER):
            pending = True
        if (flags[i] & SENTENCE_END) == 0 or not pending:
            i += 1
            continue
        stop = i + 1
        while stop < end and (flags[stop] & (SENTENCE_END | CLOSING)) != 0:
            stop += 1
        ends = stop == end or (flags[stop] & SPACE) != 0 or codes[i] > 0x2FFF
        if ends and codes[i] == 0x2E and codes[stop - 1] == 0x2E and stop < end:
            ends = not _goes_on(flags, start, i, stop, end)
        if ends:
            count += 1
            pending = False
        i = stop
    return count + (1 if pending else 0)
