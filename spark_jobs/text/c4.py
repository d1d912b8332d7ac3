"""C4's rules line by line, as FineWeb uses them (arXiv 1910.10683; huggingface/datatrove): one pass, verdicts and text.

The filter `c4_quality` reads the verdicts, the editor `c4_lines` takes the text; both come from this one pass over the
unedited text, because the order of the tests decides: a "{" in a line that is dropped for another cause counts nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.c4_kernel import Counts, Phrases, joined, judged
from spark_jobs.text.characters import encode

CITATIONS = ("[edit]", "[citation needed]")
POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)

# The rules in the order in which the kernels number their switches.
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
_PHRASES = ("lorem ipsum", "javascript", *POLICY)
# The letter of a phrase that is looked for: the first of these that it holds; all are flagged HINGE.
_HINGES = "jkvm"


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

    `edits` counts dropped lines that were not blank and deleted citations; `texts` are the kept lines, joined, made
    when they are first asked for.
    """

    lorem_ipsum: Counts
    curly: Counts
    sentences: Counts
    edits: Counts
    _join: Callable[[], pa.LargeStringArray]

    @cached_property
    def texts(self) -> pa.LargeStringArray:
        """The kept lines of each text, stripped and joined by one newline."""
        return self._join()


def c4_lines(batch: TextBatch, rules: LineRules) -> C4Lines:
    """The pass over all lines of a batch; computed once per batch and rules.

    A line that drops the document (lorem ipsum, "{") stays in the text and holds no counted sentence.
    """
    return batch.shared(("c4_lines", rules), lambda: _run(batch, rules))


def _run(batch: TextBatch, rules: LineRules) -> C4Lines:
    characters, lines = batch.characters, batch.lines
    phrases, marks = _table(_PHRASES), _table(CITATIONS)
    hinges = [next(letter for letter in _HINGES if letter in phrase) for phrase in _PHRASES]
    offsets = np.array([phrase.index(h) for phrase, h in zip(_PHRASES, hinges, strict=True)], dtype=np.int64)
    switches = np.array([int(getattr(rules, name)) for name in _SWITCHES], dtype=np.int64)
    where = (characters.codes, characters.flags, lines.starts, lines.ends, lines.offsets)
    counts, kept = judged(*where, phrases, offsets, marks, switches)

    def join() -> pa.LargeStringArray:
        return encode(*joined(*where, kept, marks, int(rules.remove_citations)))

    return C4Lines(counts[0], counts[1], counts[2], counts[3], join)


def _table(phrases: tuple[str, ...]) -> Phrases:
    """One phrase a row, zeros after it."""
    table = np.zeros((len(phrases), max(map(len, phrases)) + 1), dtype=np.uint32)
    for row, phrase in enumerate(phrases):
        table[row, : len(phrase)] = [ord(character) for character in phrase]
    return table
