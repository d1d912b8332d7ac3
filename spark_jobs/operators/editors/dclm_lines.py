"""Line edits of DCLM, which are RefinedWeb's line-wise corrections. How much they took: `dclm_edit_ratio`."""

from typing import ClassVar

import numpy as np

from spark_jobs.operators.base import Edited, Example, Params, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.line_corrections import LineCorrections, correct_lines


class DclmLinesParams(Params, LineCorrections):
    """The published values; phrases and counted nouns are English, add your own for other languages."""


class DclmLines:
    """Drop lines of capitals, digits, counters ("3 likes") and single words; cut read-more, sign-in and cart phrases.

    RefinedWeb and DCLM do the same to a line, in this order and with these numbers; they differ in how they count what
    was taken, so they share this editor and `dclm_edit_ratio` has a rule for each. Beside the release of DCLM: phrases
    are literal and whole words ("Read more..." needs its dots), white space around a line does not count.
    """

    name: ClassVar[str] = "dclm_lines"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2306.01116, appendix G.2; arXiv 2406.11794; mlfoundations/dclm"
    # What a cut phrase leaves of a line is not judged again: "sign-in now" becomes "now", a line of one word.
    idempotent: ClassVar[bool] = False
    aliases: ClassVar[tuple[str, ...]] = ("refinedweb_lines",)
    Params: ClassVar[type[Params]] = DclmLinesParams
    facts: ClassVar[tuple[Signal, ...]] = (
        Signal("words", "words before the edit: what begins with a letter or number after white space"),
        Signal("removed_words", "words that went with lines and phrases"),
        Signal("flagged_words", "words in dropped lines and in lines that lost a phrase"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("MAIN NEWS OF THE DAY\nThe river rose again.", edited="The river rose again."),
        Example("The river rose again.\n1024\n3 likes\nHome\n", edited="The river rose again.\n"),
        Example("» 1.2K Comments «\nThe river rose again. Read more...", edited="The river rose again."),
        Example("Sign-in for the news\n3 items in cart now", edited="for the news\n3 now"),
        Example("It rose.\n\nAnd fell.", edited="It rose.\n\nAnd fell."),
    )

    def __init__(self, params: DclmLinesParams) -> None:
        """Take the rules."""
        self.params = params
        self._rules = LineCorrections(**params.model_dump())

    def edit(self, batch: TextBatch) -> Edited:
        """Texts without what the rules take; the count is of dropped lines and cut phrases."""
        found = correct_lines(batch, self._rules)
        facts = {"words": found.words, "removed_words": found.removed, "flagged_words": found.flagged}
        return Edited(found.texts, found.edits.astype(np.int32), facts=facts)
