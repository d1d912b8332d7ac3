"""Main text of web pages with Resiliparse; plain text passes through; anything else has a reason.

What decides is counted before the parser runs: bytes, tags, depth, attributes, options. No clock has a say.
"""

from contextlib import nullcontext
from typing import Any, ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Params
from spark_jobs.text.charset import decode_payload
from spark_jobs.text.hang_guard import ended_after
from spark_jobs.text.markup import Extraction, Markup, PayloadBatch, Reason, measure_markup
from spark_jobs.text.media_type import kind_of

_Page = tuple[str | None, str | None, str | None, Reason | None]
_HEAVY_TAGS = 20_000  # below, no page takes a second
_GUARD_SECONDS = 600.0  # a page within the default limits takes at most some ten


class ResiliparseTextParams(Params):
    """Limits, and what Resiliparse keeps.

    Measured on 7,220 real pages: at most 1.5 MB, 17,052 tags, depth 49, 64 attributes, 89 options. Browsers stop
    nesting at 512.
    """

    max_bytes: int = Field(10_000_000, ge=1, description="bytes of a page, and characters of its text")
    max_tags: int = Field(500_000, ge=1, description="tags opened, closed and implied")
    max_depth: int = Field(512, ge=1, description="open elements; the parser's cost is quadratic in it")
    max_attributes: int = Field(5_000, ge=1, description="attributes of one tag; cost is quadratic in it")
    max_options: int = Field(10_000, ge=1, description="options of one select; cost is quadratic in it")
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


class ResiliparseText:
    """Extractor: HTML to its main text.

    Reasons: `not_text` (neither HTML nor plain text), `too_many_bytes`, `too_many_tags`, `too_deep`,
    `too_many_attributes`, `too_many_options` (with the count and the limit), `no_text` (nothing was found).
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

    def __init__(self, params: ResiliparseTextParams) -> None:
        """Take limits and options."""
        self.params = params

    def extract(self, batch: PayloadBatch) -> Extraction:
        """Text or reason for every page; each row depends on nothing but its own payload and Content-Type."""
        pages = [self._page(data, kind) for data, kind in zip(batch.payloads, batch.content_types, strict=True)]
        return Extraction(
            texts=[page[0] for page in pages],
            encodings=[page[1] for page in pages],
            extractors=[page[2] for page in pages],
            reasons=[page[3] for page in pages],
        )

    def _page(self, data: bytes | None, content_type: str | None) -> _Page:
        kind = kind_of(data, content_type) if data else "plain"
        if kind == "other":
            return None, None, None, ("not_text", None, None)
        size = len(data or b"")
        if size > self.params.max_bytes:
            return None, None, None, self._over("too_many_bytes", size, self.params.max_bytes)
        page, encoding = decode_payload(data, content_type)
        markup = measure_markup(page) if kind == "html" else None
        reason = self._beyond_limits(markup) if markup else None
        if reason:
            return None, encoding, None, reason
        text = self._main_text(page, markup) if markup else page.replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > self.params.max_bytes:
            # Nested lists are indented: a small page can become a huge text.
            reason = self._over("too_many_bytes", len(text), self.params.max_bytes)
        elif not text.strip():
            reason = ("no_text", None, None)
        return None if reason else text, encoding, self.name if markup else "plain_text", reason

    def _beyond_limits(self, markup: Markup) -> Reason | None:
        limits = self.params
        for reason, value, bound in (
            ("too_deep", markup.depth, limits.max_depth),
            ("too_many_tags", markup.tags, limits.max_tags),
            ("too_many_attributes", markup.attributes, limits.max_attributes),
            ("too_many_options", markup.options, limits.max_options),
        ):
            if value > bound:
                return self._over(reason, value, bound)
        return None

    @staticmethod
    def _over(reason: str, value: int, bound: int) -> Reason:
        return reason, float(value), float(bound)

    def _main_text(self, page: str, markup: Markup) -> str:
        from resiliparse.extract.html2text import extract_plain_text

        limits = {"max_bytes", "max_tags", "max_depth", "max_attributes", "max_options", "skip_elements"}
        options: dict[str, Any] = self.params.model_dump(exclude=limits)
        options["skip_elements"] = list(self.params.skip_elements) or None
        with ended_after(_GUARD_SECONDS) if markup.tags > _HEAVY_TAGS else nullcontext():
            return str(extract_plain_text(page, preserve_formatting=True, **options))
