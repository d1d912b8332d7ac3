"""Markup, style sheets and scripts that extraction left in the text."""

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.leftovers import leftovers
from spark_jobs.text.ratios import ratio

# RE2. A style: a block that begins with a declaration, an at-rule, `!important`.
_STYLE: Final = (
    r"\{\s*-{0,2}[a-z]{3,}(?:-[a-z]+)*\s*:\s*[^{};:<>=|\n][^{};<>=|\n]*[;}]|"
    r"(?:^|\W)@(?:media|font-face|import|keyframes)\s|!important\b"
)
# A script: a function with a body, the browser's objects, jQuery, a declaration.
_SCRIPT: Final = (
    r"\bfunction\s*\w*\s*\([^()\n]*\)\s*\{|\b(?:document|window)\.[a-zA-Z]+\s*[.(=\[]|\.addEventListener\(|"
    r"\$\((?:document|function|this|['\"])|\bjQuery[.(]|\b(?:var|let|const)\s+[\w$]+\s*=[^=]|=>\s*\{"
)
# No match of either is without one of these: most texts need no search.
_STYLE_HINTS: Final = ("{", "@", "!important")
_SCRIPT_HINTS: Final = ("{", "(", "=")


class HtmlLeftoversParams(Params):
    """Limits; None switches a rule off. Pages about markup hold it on purpose: they need wider limits."""

    max_markup_chars: float | None = Field(
        0.05, ge=0, le=1, description="characters in tags, comments and character references over characters"
    )
    max_tags: int | None = Field(None, ge=0, description="tags and comments; off")
    max_references: int | None = Field(None, ge=0, description="character references such as &nbsp;; off")
    max_style_fragments: float | None = Field(5, ge=0, description="pieces of CSS per 1,000 characters")
    max_script_fragments: float | None = Field(5, ge=0, description="pieces of JavaScript per 1,000 characters")


class HtmlLeftovers:
    """Tags and references by the names of HTML; style sheets and scripts by forms that prose does not have."""

    name: ClassVar[str] = "html_leftovers"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own; kinds of leftovers as in arXiv 1910.10683 (curly brackets, javascript)"
    Params: ClassVar[type[Params]] = HtmlLeftoversParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("tags", "tags and comments"),
        Signal("references", "character references"),
        Signal("markup_char_ratio", "characters of tags, comments and references over characters"),
        Signal("style_fragments", "pieces of CSS per 1,000 characters"),
        Signal("script_fragments", "pieces of JavaScript per 1,000 characters"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "If a < b and b > c, then List<String> &c; is fine.",
            signals={"tags": 0.0, "references": 0.0, "markup_char_ratio": 0.0},
            reasons=(),
        ),
        Example(
            "<p>One&nbsp;line</p><br/>",
            params={"max_tags": 2, "max_references": 0},
            signals={"tags": 3.0, "references": 1.0, "markup_char_ratio": 18 / 25},
            reasons=("markup", "tags", "character_references"),
        ),
        Example(".menu { color: red; } a:hover{display:none}", reasons=("style_sheet",)),
        Example("var menu = 1; $('#menu').hide(); document.write(menu);", reasons=("script",)),
    )

    def __init__(self, params: HtmlLeftoversParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Five measures of every text."""
        found, chars = leftovers(batch), batch.lengths
        return {
            "tags": found.tags.astype(np.float64),
            "references": found.references.astype(np.float64),
            "markup_char_ratio": ratio(found.chars, chars),
            "style_fragments": ratio(1000 * _matches(batch.texts, _STYLE, _STYLE_HINTS), chars),
            "script_fragments": ratio(1000 * _matches(batch.texts, _SCRIPT, _SCRIPT_HINTS), chars),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        return (
            Rule(reason="markup", signal="markup_char_ratio", maximum=p.max_markup_chars),
            Rule(reason="tags", signal="tags", maximum=p.max_tags),
            Rule(reason="character_references", signal="references", maximum=p.max_references),
            Rule(reason="style_sheet", signal="style_fragments", maximum=p.max_style_fragments),
            Rule(reason="script", signal="script_fragments", maximum=p.max_script_fragments),
        )


def _matches(texts: pa.Array, pattern: str, hints: tuple[str, ...]) -> Floats:
    """Matches of a pattern in every text, looked for only where one of the hints stands."""
    hinted = np.zeros(len(texts), dtype=bool)
    for hint in hints:
        hinted |= pc.match_substring(texts, hint).to_numpy(zero_copy_only=False)
    counts = np.zeros(len(texts))
    rows = np.flatnonzero(hinted)
    counts[rows] = pc.count_substring_regex(texts.take(pa.array(rows)), pattern).to_numpy(zero_copy_only=False)
    return counts
