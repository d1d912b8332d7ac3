"""C4's rules line by line, as FineWeb uses them (arXiv 1910.10683; huggingface/datatrove): one pass, verdicts and text.

The filter `c4_quality` reads the verdicts, the editor `c4_lines` takes the text; both come from this one pass over the
unedited text, because the order of the tests decides: a "{" in a line that is dropped for another cause counts nothing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import CLOSING, DECIMAL, LETTER, LOWER, NUMBER, SENTENCE_END, SPACE, Codes, Flags, Offsets, encode
from spark_jobs.text.native import kernel

CITATIONS = ("[edit]", "[citation needed]")
POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)

KEPT, LONG_WORD, NO_TERMINAL, FEW_WORDS, LOREM_IPSUM, JAVASCRIPT, CURLY, POLICY_LINE = range(8)
# The rules in the order in which the kernel numbers its switches.
_SWITCHES = (
    "max_word_length",
    "min_words_per_line",
    "remove_citations",
    "require_terminal_punctuation",
    "drop_javascript",
    "drop_policy",
    "reject_lorem_ipsum",
    "reject_curly",
)
_PHRASES = ("lorem ipsum", "javascript", *POLICY, *CITATIONS)

Counts = npt.NDArray[np.int64]


class LineRules(BaseModel):
    """What is done with a line. The filter and the editor must be given the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_word_length: int = Field(1000, ge=1, description="drop a line with a longer word, characters")
    min_words_per_line: int = Field(3, ge=0, description="drop a line with fewer words (white space), before citations go")
    remove_citations: bool = Field(True, description="delete [digits], [edit] and [citation needed]")
    require_terminal_punctuation: bool = Field(
        False, description="drop a line that does not end in . ? ! \" ' or ends in an ellipsis; FineWeb has it off"
    )
    drop_javascript: bool = Field(True, description="drop a line that names javascript")
    drop_policy: bool = Field(True, description="drop a line with a phrase on cookies, privacy or terms of use")
    reject_lorem_ipsum: bool = Field(True, description="a line with lorem ipsum drops the document")
    reject_curly: bool = Field(True, description='a line with "{" drops the document')


@dataclass(frozen=True, eq=False)
class C4Lines:
    """Per text: lines with lorem ipsum or "{" that no earlier rule dropped, sentences of the kept lines, edits made.

    `edits` counts dropped lines that were not blank and deleted citations; `texts` are the kept lines, joined.
    """

    lorem_ipsum: Counts
    curly: Counts
    sentences: Counts
    edits: Counts
    texts: pa.LargeStringArray


def c4_lines(batch: TextBatch, rules: LineRules) -> C4Lines:
    """The pass over all lines of a batch; computed once per batch and rules.

    A line that drops the document (lorem ipsum, "{") stays in the text and holds no counted sentence.
    A sentence ends at a sentence ender, with the closing quotes and brackets after it, before white space or the end of
    the line (in scripts without spaces: anywhere); a full stop after a single letter or before a lower-case one is none.
    """
    return batch.shared(("c4_lines", rules), lambda: _run(batch, rules))


def _run(batch: TextBatch, rules: LineRules) -> C4Lines:
    characters, lines = batch.characters, batch.lines
    phrases = np.zeros((len(_PHRASES), max(map(len, _PHRASES)) + 1), dtype=np.uint32)
    for row, phrase in enumerate(_PHRASES):
        phrases[row, : len(phrase)] = [ord(character) for character in phrase]
    switches = np.array([int(getattr(rules, name)) for name in _SWITCHES], dtype=np.int64)
    counts, codes, offsets = _c4(
        characters.codes, characters.flags, lines.starts, lines.ends, lines.offsets, phrases, switches
    )
    return C4Lines(counts[0], counts[1], counts[2], counts[3], encode(codes, offsets))


@kernel
def _lower(code: int) -> int:
    if code >= 65 and code <= 90:
        return code + 32
    # The Kelvin sign is the one other character that str.lower maps into a letter of the phrases.
    return 107 if code == 0x212A else code


@kernel
def _phrase_at(codes: Codes, i: int, end: int, phrase: npt.NDArray[np.uint32], fold: bool) -> int:
    """Length of the phrase if it stands at i, else 0."""
    k = 0
    while phrase[k] != 0:
        if i + k >= end:
            return 0
        code = codes[i + k]
        if (_lower(code) if fold else code) != phrase[k]:
            return 0
        k += 1
    return k


@kernel
def _holds(codes: Codes, start: int, end: int, phrase: npt.NDArray[np.uint32]) -> bool:
    for i in range(start, end):
        if _lower(codes[i]) == phrase[0] and _phrase_at(codes, i, end, phrase, True) > 0:
            return True
    return False


@kernel
def _citation_at(codes: Codes, flags: Flags, i: int, end: int, phrases: npt.NDArray[np.uint32]) -> int:
    """Length of the citation mark at i, else 0; digits are decimal digits of any script."""
    if codes[i] != 0x5B:
        return 0
    k = i + 1
    while k < end and (flags[k] & DECIMAL) != 0:
        k += 1
    if k < end and codes[k] == 0x5D:
        return k + 1 - i
    for row in range(len(phrases) - 2, len(phrases)):
        length = _phrase_at(codes, i, end, phrases[row], False)
        if length > 0:
            return length
    return 0


@kernel
def _sentences(codes: Codes, flags: Flags, start: int, end: int) -> int:
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
        if ends and codes[i] == 0x2E and stop == i + 1 and stop < end:
            following = stop
            while following < end and (flags[following] & SPACE) != 0:
                following += 1
            initial = (
                i > start
                and (flags[i - 1] & LETTER) != 0
                and (i - 1 == start or (flags[i - 2] & (LETTER | NUMBER)) == 0)
            )
            ends = not initial and not (following < end and (flags[following] & LOWER) != 0)
        if ends:
            count += 1
            pending = False
        i = stop
    return count + (1 if pending else 0)


@kernel
def _ends_terminal(codes: Codes, start: int, end: int) -> bool:
    if start == end:
        return False
    last = codes[end - 1]
    if last == 0x2E and end - start >= 3 and codes[end - 2] == 0x2E and codes[end - 3] == 0x2E:
        return False
    return last == 0x2E or last == 0x3F or last == 0x21 or last == 0x22 or last == 0x27


@kernel
def _judge(
    codes: Codes, start: int, end: int, words: int, longest: int, phrases: npt.NDArray[np.uint32], switches: Counts
) -> int:
    """Verdict on a line without its citations, the rules in C4's order."""
    if longest > switches[0]:
        return LONG_WORD
    if switches[3] and not _ends_terminal(codes, start, end):
        return NO_TERMINAL
    if words < switches[1]:
        return FEW_WORDS
    if switches[6] and _holds(codes, start, end, phrases[0]):
        return LOREM_IPSUM
    if switches[4] and _holds(codes, start, end, phrases[1]):
        return JAVASCRIPT
    if switches[7]:
        for i in range(start, end):
            if codes[i] == 0x7B:
                return CURLY
    if switches[5]:
        for row in range(2, len(phrases) - 2):
            if _holds(codes, start, end, phrases[row]):
                return POLICY_LINE
    return KEPT


@kernel
def _c4(
    codes: Codes,
    flags: Flags,
    starts: Counts,
    ends: Counts,
    lines: Offsets,
    phrases: npt.NDArray[np.uint32],
    switches: Counts,
) -> tuple[Counts, Codes, Offsets]:
    rows = len(lines) - 1
    counts = np.zeros((4, rows), dtype=np.int64)
    out = np.empty(len(codes) + len(starts), dtype=np.uint32)
    out_flags = np.empty(len(codes) + len(starts), dtype=np.uint16)
    offsets = np.zeros(rows + 1, dtype=np.int64)
    filled = 0
    for row in range(rows):
        begin = filled
        for line in range(lines[row], lines[row + 1]):
            start = starts[line]
            end = ends[line]
            while start < end and (flags[start] & SPACE) != 0:
                start += 1
            while end > start and (flags[end - 1] & SPACE) != 0:
                end -= 1
            words = 0
            longest = 0
            run = 0
            citations = 0
            piece = filled
            i = start
            while i < end:
                length = _citation_at(codes, flags, i, end, phrases) if switches[2] else 0
                citations += length > 0
                for k in range(i, i + max(length, 1)):
                    # Words are counted on the line as it was, citations included.
                    if flags[k] & SPACE:
                        run = 0
                    else:
                        words += run == 0
                        run += 1
                        longest = max(longest, run)
                if length == 0:
                    out[filled] = codes[i]
                    out_flags[filled] = flags[i]
                    filled += 1
                i += max(length, 1)
            verdict = _judge(out, piece, filled, words, longest, phrases, switches)
            if verdict == KEPT or verdict == LOREM_IPSUM or verdict == CURLY:
                counts[0, row] += verdict == LOREM_IPSUM
                counts[1, row] += verdict == CURLY
                counts[2, row] += _sentences(out, out_flags, piece, filled) if verdict == KEPT else 0
                counts[3, row] += citations
                out[filled] = 10
                out_flags[filled] = SPACE
                filled += 1
            else:
                counts[3, row] += words > 0
                filled = piece
        skip = begin
        while skip < filled and (out_flags[skip] & SPACE) != 0:
            skip += 1
        while filled > skip and (out_flags[filled - 1] & SPACE) != 0:
            filled -= 1
        for i in range(skip, filled):
            out[begin + i - skip] = out[i]
        filled = begin + filled - skip
        offsets[row + 1] = filled
    return counts, out[:filled].copy(), offsets
