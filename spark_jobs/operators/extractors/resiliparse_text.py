"""Main text of web pages with Resiliparse; plain text passes through; anything else has a reason."""

from typing import Any, ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Params
from spark_jobs.operators.page_text import Page, PageExtractor, PageParams


class ResiliparseTextParams(PageParams):
    """Limits, and what Resiliparse keeps."""

    main_content: bool = Field(default=True, description="leave out navigation, headers, footers and sidebars")
    list_bullets: bool = Field(default=True, description="write bullets and numbers of list items")
    alt_texts: bool = Field(default=False, description="write the alternative texts of images")
    links: bool = Field(default=False, description="write link targets")
    form_fields: bool = Field(default=False, description="write form fields and their values")
    noscript: bool = Field(default=False, description="write the contents of noscript elements")
    comments: bool = Field(default=False, description="comment sections are main text")
    post_meta: bool = Field(default=False, description="keep dates and authors of blog posts")
    hidden_elements: bool = Field(default=False, description="keep elements whose class says that they are hidden")
    skip_elements: tuple[str, ...] = Field((), description="CSS selectors of elements to leave out")


class ResiliparseText(PageExtractor):
    """Extractor: HTML to its main text by Resiliparse's rules: fast, keeps nearly all, and boilerplate with it.

    Reasons: those of `PageExtractor`.
    """

    name: ClassVar[str] = "resiliparse_text"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "chatnoir-eu/chatnoir-resiliparse; main text as in DCLM (arXiv 2406.11794)"

    Params: ClassVar[type[Params]] = ResiliparseTextParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "<nav><a href=/>Home</a></nav><main><h1>Tides</h1><p>The sea rises twice a day.</p></main>",
            columns={"content_type": "text/html"},
            edited="Tides\n\nThe sea rises twice a day.",
        ),
        Example("<p>As it is.</p>", columns={"content_type": "text/plain"}, edited="<p>As it is.</p>"),
        Example("<div>" * 600 + "deep", columns={"content_type": "text/html"}, reasons=("too_deep",)),
        Example('{"a": 1}', columns={"content_type": "application/json"}, reasons=("not_text",)),
    )

    def main_text(self, page: Page) -> str:
        """What Resiliparse finds under the options."""
        from resiliparse.extract.html2text import extract_plain_text

        shared = {"skip_elements", *PageParams.model_fields}
        options: dict[str, Any] = self.params.model_dump(exclude=shared)
        options["skip_elements"] = list(self.params.skip_elements) or None
        return str(extract_plain_text(page.html, preserve_formatting=True, **options))
