"""Title and description of a page by their lengths: pages without a title are rarely pages people wrote."""

import html
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.page_tags import attributes_of


class PageTitleParams(Params):
    """Bounds, off by default: signals only."""

    min_title_chars: int | None = Field(None, ge=1, description="characters of the title")


class PageTitle:
    """Characters of a page's title and description; needs the page's tags, so a text alone has NaN."""

    name: ClassVar[str] = "page_title"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "WHATWG HTML (title, standard metadata names)"
    reads_page: ClassVar[bool] = True
    Params: ClassVar[type[Params]] = PageTitleParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("title_chars", "characters of the title, white space at its ends left out"),
        Signal("description_chars", "characters of the description"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "",
            columns={"page_tags": ["<title>Tides &amp; times", '<meta name="description" content="When to go.">']},
            signals={"title_chars": 13.0, "description_chars": 11.0},
            reasons=(),
        ),
        Example("", columns={"page_tags": []}, signals={"title_chars": 0.0, "description_chars": 0.0}, reasons=()),
    )

    def __init__(self, params: PageTitleParams) -> None:
        """Take bounds."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Measure every page; NaN where the batch has no tags."""
        measured = np.full((2, len(batch)), np.nan)
        tags = batch.columns["page_tags"].to_pylist() if "page_tags" in batch.columns else [None] * len(batch)
        for row, found in enumerate(tags):
            if found is not None:
                measured[:, row] = _lengths(found)
        return {"title_chars": measured[0], "description_chars": measured[1]}

    def rules(self) -> tuple[Rule, ...]:
        """A title of some length."""
        return (Rule(reason="short_title", signal="title_chars", minimum=self.params.min_title_chars),)


def _lengths(tags: list[str]) -> tuple[int, int]:
    """Of the first title and the first description."""
    title = description = 0
    for tag in tags:
        if not title and tag[:6].lower() == "<title":
            title = len(html.unescape(tag.partition(">")[2]).strip())
            continue
        element, attributes = attributes_of(tag)
        if not description and element == "meta" and attributes.get("name", "").lower() == "description":
            description = len(attributes.get("content", "").strip())
    return title, description
