"""Cuts URLs from the text, as DCLM means to: its release does so only on pages that begin with a top-level domain."""

import re
from typing import ClassVar

import pyarrow.compute as pc
from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.row_edits import edit_rows
from spark_jobs.text.urls import is_top_level_domain

# Signs that end a URL: white space, quotes, brackets, controls, and what stands in texts without spaces.
_STOP = (
    r"\s<>\"`{}|\\^“”„«»\u0000-\u001f\u007f-\u009f"
    r"\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
)
_REST = rf"[^{_STOP}]"
# No letter or sign of a name may stand before what could be the middle of one; before http:// anything may.
_NAME_BEFORE = r"(?<![A-Za-z0-9_@./-])"
_URL = rf"(?:https?|{_NAME_BEFORE}ftp)://(?=[^\W_]|\[){_REST}+|{_NAME_BEFORE}www\d?\.(?=[^\W_]){_REST}+"
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_BARE = rf"{_NAME_BEFORE}(?:{_LABEL}\.){{1,8}}(?P<tld>[a-z]{{2,24}})(?![\w@-]|\.\w)(?:[/?#]{_REST}*)?"
_PLAIN = re.compile(_URL, re.IGNORECASE)
_ALL = re.compile(rf"{_URL}|{_BARE}", re.IGNORECASE)
# RE2's look for what may hold a URL.
_SUSPECT, _SUSPECT_BARE = r"(?i)://|www\d?\.", r"(?i)://|[a-z0-9]\.[a-z]{2}"


class DclmUrlsParams(Params):
    """What counts as a URL."""

    bare_names: bool = Field(
        False,
        description="also cut names without scheme or www. under a top-level domain: example.org/a. In texts about"
        " software this cuts file and module names too (setup.py, os.name)",
    )


class DclmUrls:
    """Cut what begins with http://, https://, ftp:// or www., and one space beside it.

    A URL ends at white space, quotes, angle brackets, or a sign of a script without spaces; full stops and the like at
    its end, and closing brackets that it does not open, belong to the sentence and stay.
    """

    name: ClassVar[str] = "dclm_urls"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.11794; mlfoundations/dclm (the intent)"
    Params: ClassVar[type[Params]] = DclmUrlsParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("See https://example.org/a?b=c for more.", edited="See for more."),
        Example("(www.example.org/a_(b)), and so on.", edited="(), and so on."),
        Example("The file os.path of example.org stays.", edited="The file os.path of example.org stays."),
        Example("Go to example.org/a, please.", params={"bare_names": True}, edited="Go to, please."),
    )

    def __init__(self, params: DclmUrlsParams) -> None:
        """Take the parameters."""
        self.params = params
        self._pattern = _ALL if params.bare_names else _PLAIN
        self._suspect = _SUSPECT_BARE if params.bare_names else _SUSPECT

    def edit(self, batch: TextBatch) -> Edited:
        """Texts without URLs; the count is of URLs."""
        suspects = pc.match_substring_regex(batch.texts, self._suspect)
        return Edited(*edit_rows(batch.texts, suspects, self._cut))

    def _cut(self, text: str) -> tuple[str, int]:
        pieces, end, count = [], 0, 0
        for found in self._pattern.finditer(text):
            name = found.groupdict().get("tld")
            if name is not None and not is_top_level_domain(name):
                continue
            start, stop = found.start(), found.start() + _own_length(found.group())
            if start > end and text[start - 1] == " ":
                start -= 1
            elif text[stop : stop + 1] == " ":
                stop += 1
            pieces.append(text[end:start])
            end = stop
            count += 1
        return "".join([*pieces, text[end:]]), count


def _own_length(url: str) -> int:
    """The URL's length without punctuation that belongs to the sentence around it."""
    end = len(url)
    surplus = {close: url.count(close) - url.count(opening) for close, opening in (")(", "][")}
    while url[end - 1] in ".,;:!?'’*~" or surplus.get(url[end - 1], 0) > 0:
        end -= 1
        if url[end] in surplus:
            surplus[url[end]] -= 1
    return end
