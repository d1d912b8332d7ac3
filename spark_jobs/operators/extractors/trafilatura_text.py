"""Main text of web pages with trafilatura: the extractor of FineWeb, without its clock and its memory.

Its duplicate test remembers segments of earlier pages, so that output depends on what a worker saw before: it is off.
"""

from typing import ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Params
from spark_jobs.operators.page_text import Page, PageExtractor, PageParams


class TrafilaturaTextParams(PageParams):
    """Limits, and what trafilatura keeps."""

    favor_precision: bool = Field(default=True, description="less text, and less that is not main text")
    favor_recall: bool = Field(default=False, description="more text, and more that is not main text")
    comments: bool = Field(default=False, description="comment sections are main text")
    tables: bool = Field(default=True, description="keep tables")
    fast: bool = Field(default=False, description="leave out its own two other extractors, which check the result")


class TrafilaturaText(PageExtractor):
    """Extractor: HTML to its main text by trafilatura, favouring precision.

    Reasons: those of `PageExtractor`.
    """

    name: ClassVar[str] = "trafilatura_text"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "adbar/trafilatura; settings as in FineWeb (arXiv 2406.17557), without its duplicate test"

    Params: ClassVar[type[Params]] = TrafilaturaTextParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "<html><body><nav><a href=/>Home</a></nav><article><h1>Tides</h1><p>"
            + "The sea rises twice a day, and falls as often, because the moon pulls at it. " * 4
            + "</p></article></body></html>",
            columns={"content_type": "text/html"},
            edited="Tides\n"
            + ("The sea rises twice a day, and falls as often, because the moon pulls at it. " * 4).strip(),
        ),
        Example("<p>As it is.</p>", columns={"content_type": "text/plain"}, edited="<p>As it is.</p>"),
        Example("<div>" * 600 + "deep", columns={"content_type": "text/html"}, reasons=("too_deep",)),
    )

    def main_text(self, page: Page) -> str:
        """What trafilatura finds under the options."""
        import trafilatura

        p = self.params
        text = trafilatura.extract(
            # libxml2 ends a page at a NUL; the parser of a browser replaces it.
            page.html.replace("\x00", "\ufffd"),
            fast=p.fast,
            favor_precision=p.favor_precision,
            favor_recall=p.favor_recall,
            include_comments=p.comments,
            include_tables=p.tables,
            deduplicate=False,
        )
        return text or ""
