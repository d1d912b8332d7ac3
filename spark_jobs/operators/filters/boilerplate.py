"""Lines of a page's furniture: terms, cookies, copyright, "read more", newsletters; and texts that begin or end so."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.lists import EntryList
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import SPACE, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.phrases import Phrases, Places, find
from spark_jobs.text.ratios import ratio

Counts = npt.NDArray[np.int64]

PHRASES = (
    # the six of C4
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies",
    # the same in other words
    "terms of service", "terms and conditions", "terms & conditions", "privacy notice", "privacy overview",
    "privacy settings", "cookies policy", "cookie settings", "cookie preferences", "accept cookies",
    "accept all cookies",
    # notices
    "all rights reserved", "copyright notice", "powered by", "lorem ipsum",
    # invitations
    "read more", "learn more", "click here", "sign up", "sign in", "log in", "subscribe now", "subscribe to our",
    "join our newsletter", "follow us on", "share on facebook", "share on twitter", "share this", "leave a comment",
    "skip to content", "skip to main content", "back to top", "add to cart", "add to wishlist",
)  # fmt: skip


class BoilerplateParams(Params):
    """The phrases, and how much of a document may be boilerplate; None switches a rule off."""

    phrases: EntryList = Field(EntryList(entries=PHRASES), description="whole words, case ignored")
    max_line_ratio: float | None = Field(0.4, ge=0, le=1, description="share of lines with a phrase (NeMo Curator: .4)")
    max_char_ratio: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of characters in such lines; off, since a phrase may stand in a long paragraph",
    )


class Boilerplate:
    """Look for phrases line by line; blank lines do not count."""

    name: ClassVar[str] = "boilerplate"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 1910.10683 (six phrases); NVIDIA-NeMo/Curator (share of .4)"
    Params: ClassVar[type[Params]] = BoilerplateParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("line_ratio", "lines with a phrase over lines that are not blank"),
        Signal("char_ratio", "characters of these lines over characters of lines that are not blank"),
        Signal("phrases", "phrases found"),
        Signal("at_edge", "1 if the first or the last line that is not blank has a phrase, else 0"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The museum opens at nine.\nTickets are sold at the door.\n\nAll Rights Reserved.",
            signals={"line_ratio": 1 / 3, "phrases": 1.0, "at_edge": 1.0},
            reasons=(),
        ),
        Example("Read more\nA museum\nPrivacy Policy - Terms of Use", reasons=("boilerplate_lines",)),
        Example(
            "Sign in\nA museum of art",
            params={"max_line_ratio": None, "max_char_ratio": 0.3},
            reasons=("boilerplate_chars",),
        ),
    )

    def __init__(self, params: BoilerplateParams) -> None:
        """Read the phrases."""
        self.params = params.model_copy(update={"phrases": params.phrases.pinned()})
        self._phrases = Phrases.of(self.params.phrases.texts(), ignore_case=True)

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Shares of lines and characters of every text; NaN where there is no line."""
        lines, matches = batch.lines, find(batch, self._phrases)
        flags = batch.characters.flags
        counts = _marked(flags, lines.starts, lines.ends, lines.offsets, matches.starts, matches.offsets)
        filled, chars, marked, marked_chars, edges = counts
        return {
            "line_ratio": ratio(marked, filled),
            "char_ratio": ratio(marked_chars, chars),
            "phrases": matches.counts.astype(np.float64),
            "at_edge": edges.astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """Not too many lines, not too many characters."""
        return (
            Rule(reason="boilerplate_lines", signal="line_ratio", maximum=self.params.max_line_ratio),
            Rule(reason="boilerplate_chars", signal="char_ratio", maximum=self.params.max_char_ratio),
        )


@kernel
def _marked(  # noqa: PLR0917 - numba takes no keywords
    flags: Flags, starts: Counts, ends: Counts, lines: Offsets, matches: Places, of_row: Offsets
) -> tuple[Counts, Counts, Counts, Counts, Counts]:
    """Per text: lines that are not blank, their characters, those with a match, their characters, marked edges."""
    rows = len(lines) - 1
    counts = np.zeros((5, rows), dtype=np.int64)
    for row in range(rows):
        match = of_row[row]
        last = False
        for line in range(lines[row], lines[row + 1]):
            blank = True
            for i in range(starts[line], ends[line]):
                blank = blank and (flags[i] & SPACE) != 0
            if blank:
                continue
            found = False
            while match < of_row[row + 1] and matches[match] < ends[line]:
                found = True
                match += 1
            length = ends[line] - starts[line]
            if found and counts[0, row] == 0:
                counts[4, row] = 1
            counts[0, row] += 1
            counts[1, row] += length
            counts[2, row] += found
            counts[3, row] += length if found else 0
            last = found
        if last:
            counts[4, row] = 1
    return counts[0], counts[1], counts[2], counts[3], counts[4]
