r"""Line-wise corrections of web pages: lines that are no prose go, call-to-action phrases are cut from short lines.

The rules are RefinedWeb's (arXiv 2306.01116, appendix G.2), in the order and with the numbers of mlfoundations/dclm:
each line is judged once as it is, the cuts follow one after the other. Lines are cut at "\n" alone, and what stays of
them stays as it was. The pass counts the words that it takes, so that a filter can judge the page by them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.text import line_kernel
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import encode, flag_table
from spark_jobs.text.letter_case import lower_table, lowered, upper_table
from spark_jobs.text.line_kernel import Counts, Phrases

COUNTED = (
    "likes", "shares", "comments", "retweets", "reposts", "quotes", "bookmarks", "upvotes", "downvotes", "downloads",
    "views", "followers",
)  # fmt: skip


class LineCorrections(BaseModel):
    """What is done with a line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_upper_case: float | None = Field(
        0.5, ge=0, le=1, description="share of upper-case characters in a line; a line above it is dropped"
    )
    drop_digit_lines: bool = Field(True, description="drop a line of digits only")
    counted: tuple[str, ...] = Field(COUNTED, description="drop a line that is a number and one of these: '3 likes'")
    min_line_words: int = Field(
        2, ge=0, description="drop a line with fewer words (white space; signs in scripts without spaces)"
    )
    max_cut_words: int = Field(10, ge=0, description="words of a line from which phrases are still cut")
    cut_anywhere: tuple[str, ...] = Field(("items in cart",), description="phrases cut wherever they stand in the line")
    cut_at_end: tuple[str, ...] = Field(("read more...", "read more…"), description="phrases cut at its end")
    cut_at_start: tuple[str, ...] = Field(("sign-in",), description="phrases cut at its start")


@dataclass(frozen=True, eq=False)
class Corrected:
    """Texts after the corrections; per text lines dropped plus phrases cut, and words.

    A word is what begins with a letter or number after white space, and each sign of a script without spaces. `words`
    are those before; `removed` went with lines and phrases; `flagged` stood in lines that were dropped or cut.
    """

    texts: pa.LargeStringArray
    edits: Counts
    words: Counts
    removed: Counts
    flagged: Counts


def correct_lines(batch: TextBatch, rules: LineCorrections) -> Corrected:
    """One pass over the lines of a batch. Phrases are whole words, compared in lower case."""
    characters = batch.characters
    bounds = np.array([rules.drop_digit_lines, rules.min_line_words, rules.max_cut_words], dtype=np.int64)
    upper = 1.0 if rules.max_upper_case is None else rules.max_upper_case
    phrases = (rules.counted, rules.cut_anywhere, rules.cut_at_end, rules.cut_at_start)
    counts, codes, offsets = line_kernel.correct(
        characters.codes, characters.flags, characters.offsets,
        flag_table(), upper_table(), lower_table(), upper, bounds, *(_matrix(some) for some in phrases),
    )  # fmt: skip
    return Corrected(encode(codes, offsets), *counts)


def _matrix(phrases: Sequence[str]) -> Phrases:
    """Phrases in lower case, a row each, ended by 0."""
    matrix = np.zeros((len(phrases), max(map(len, phrases), default=0) + 1), dtype=np.uint32)
    for row, phrase in enumerate(phrases):
        matrix[row, : len(phrase)] = [ord(character) for character in lowered(phrase)]
    return matrix
