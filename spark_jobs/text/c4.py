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
from spark_jobs.text.characters import DECIMAL, SPACE, Codes, Flags, Offsets, encode
from spark_jobs.text.native import kernel
from spark_jobs.text.sentences import count_sentences

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
Phrases = npt.NDArray[np.uint32]


class LineRules(BaseModel):
    """What is done with a line. The filter and the editor must be given the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_word_length: int = Field(1000, ge=1, description="drop a line with a longer word, characters")
    min_words_per_line: int = Field(
        3, ge=0, description="drop a line with fewer words (white space), before citations go"
    )
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
def _found(codes: Codes, start: int, end: int, phrases: Phrases) -> int:
    """Bits of the phrases in a line, `1 << row`, and the last bit for "{": one scan, most characters start nothing."""
    found = 0
    for i in range(start, end):
        code = _lower(codes[i])
        if code == 0x7B:
            found |= 1 << len(phrases)
        # First letters of the phrases: c j l p t u.
        elif code in (99, 106, 108, 112, 116, 117):
            for row in range(len(phrases) - 2):
                if code == phrases[row, 0] and _phrase_at(codes, i, end, phrases[row], 1) > 0:
                    found |= 1 << row
    return found


@kernel
def _citation_at(codes: Codes, flags: Flags, i: int, end: int, phrases: Phrases) -> int:
    """Length of the citation mark at the bracket i, else 0; digits are decimal digits of any script."""
    k = i + 1
    while k < end and (flags[k] & DECIMAL) != 0:
        k += 1
    if k < end and codes[k] == 0x5D:
        return k + 1 - i
    for row in range(len(phrases) - 2, len(phrases)):
        length = _phrase_at(codes, i, end, phrases[row], 0)
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
def _judge(  # noqa: PLR0911, PLR0917 - one way out a rule; numba takes no keywords
    codes: Codes, start: int, end: int, words: int, longest: int, phrases: Phrases, switches: Counts
) -> int:
    """Verdict on a line without its citations, the rules in C4's order."""
    if longest > switches[0]:
        return LONG_WORD
    if switches[3] and not _ends_terminal(codes, start, end):
        return NO_TERMINAL
    if words < switches[1]:
        return FEW_WORDS
    found = _found(codes, start, end, phrases)
    if switches[6] and (found & 1) != 0:
        return LOREM_IPSUM
    if switches[4] and (found & 2) != 0:
        return JAVASCRIPT
    if switches[7] and (found >> len(phrases)) != 0:
        return CURLY
    if switches[5] and ((found >> 2) & ((1 << (len(phrases) - 4)) - 1)) != 0:
        return POLICY_LINE
    return KEPT


@kernel
def _copy_line(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, start: int, end: int, out: Codes, out_flags: Flags, phrases: Phrases, citations: int
) -> tuple[int, int, int, int]:
    """Copy a line without its citations: characters copied, words and longest word as it was, citations left out."""
    words = longest = run = cut = filled = 0
    i = start
    while i < end:
        length = _citation_at(codes, flags, i, end, phrases) if citations and codes[i] == 0x5B else 0
        cut += length > 0
        for k in range(i, i + max(length, 1)):
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
    return filled, words, longest, cut


@kernel
def _stripped(flags: Flags, start: int, end: int) -> tuple[int, int]:
    while start < end and (flags[start] & SPACE) != 0:
        start += 1
    while end > start and (flags[end - 1] & SPACE) != 0:
        end -= 1
    return start, end


@kernel
def _c4(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, starts: Counts, ends: Counts, lines: Offsets, phrases: Phrases, switches: Counts
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
            start, end = _stripped(flags, starts[line], ends[line])
            length, words, longest, cut = _copy_line(
                codes, flags, start, end, out[filled:], out_flags[filled:], phrases, switches[2]
            )
            stop = filled + length
            verdict = _judge(out, filled, stop, words, longest, phrases, switches)
            counts[0, row] += verdict == LOREM_IPSUM
            counts[1, row] += verdict == CURLY
            if verdict in (KEPT, LOREM_IPSUM, CURLY):
                counts[2, row] += count_sentences(out, out_flags, filled, stop) if verdict == KEPT else 0
                counts[3, row] += cut
                out[stop] = 10
                out_flags[stop] = SPACE
                filled = stop + 1
            else:
                counts[3, row] += words > 0
        first, last = _stripped(out_flags, begin, filled)
        for i in range(first, last):
            out[begin + i - first] = out[i]
        filled = begin + last - first
        offsets[row + 1] = filled
    return counts, out[:filled].copy(), offsets
