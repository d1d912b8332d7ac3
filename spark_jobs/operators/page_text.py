"""What all extractors share: the kind of a payload, its encoding, counted limits, fallback, and the reasons.

An extractor is a `PageExtractor` that says how a page of HTML within the limits becomes text. What decides is counted
before any parser runs: bytes, tags, depth, attributes, options. No clock has a say.
"""

from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.operators.base import Params
from spark_jobs.text.charset import decode_payload
from spark_jobs.text.hang_guard import ended_after
from spark_jobs.text.markup import Extraction, Markup, PayloadBatch, Reason, measure_markup
from spark_jobs.text.math_markup import mark_math
from spark_jobs.text.media_type import kind_of
from spark_jobs.text.page_tags import tags_of

_HEAVY_TAGS = 20_000  # below, no page takes a second
_GUARD_SECONDS = 600.0  # a page within the default limits takes at most some ten


class Fallback(BaseModel):
    """The extractor to use where another finds nothing: its name, parameters and (filled in) version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="of the extractor")
    params: dict[str, Any] = Field({}, description="its parameters where they are not the defaults")
    version: int | None = Field(None, ge=1, description="its version; filled in when the recipe is loaded")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: object) -> object:
        return {"name": value} if isinstance(value, str) else value


class PageParams(Params):
    """Limits of a page, and what to do where nothing is found.

    Measured on 7,220 real pages: at most 1.5 MB, 17,052 tags, depth 49, 64 attributes, 89 options. Browsers stop
    nesting at 512.
    """

    max_bytes: int = Field(10_000_000, ge=1, description="bytes of a page, and characters of its text")
    max_tags: int = Field(500_000, ge=1, description="tags opened, closed and implied")
    max_depth: int = Field(512, ge=1, description="open elements; a parser's cost is quadratic in it")
    max_attributes: int = Field(5_000, ge=1, description="attributes of one tag; cost is quadratic in it")
    max_options: int = Field(10_000, ge=1, description="options of one select; cost is quadratic in it")
    math: bool = Field(default=False, description="keep formulas, as LaTeX between dollar signs")
    fallback: Fallback | None = Field(
        None, description="extractor for pages on which this one finds nothing: its name, or name and params"
    )


class Page:
    """A page of HTML within the limits: its text and the same in UTF-8."""

    def __init__(self, html: str, data: npt.NDArray[np.uint8], markup: Markup) -> None:
        """Take the decoded page and what was counted."""
        self.html = html
        self.data = data
        self.markup = markup


class PageExtractor:
    """The part of an extractor that does not depend on how main text is found.

    Reasons: `not_text` (neither HTML nor plain text), `too_many_bytes`, `too_many_tags`, `too_deep`,
    `too_many_attributes`, `too_many_options` (with the count and the limit), `no_text` (nothing was found).
    """

    name: ClassVar[str]

    def __init__(self, params: PageParams) -> None:
        """Take limits, and build the fallback; RecipeError if there is no such extractor or it is another version."""
        self.params: Any = params
        self._fallback: PageExtractor | None = None
        if params.fallback is not None:
            self._fallback = _built(self.name, params.fallback)
            pinned = params.fallback.model_copy(
                update={
                    "version": registry.find("extractors")[params.fallback.name].version,
                    "params": self._fallback.params.model_dump(mode="json"),
                }
            )
            self.params = params.model_copy(update={"fallback": pinned})

    def main_text(self, page: Page) -> str:
        """The main text of a page; blank where nothing is found."""
        raise NotImplementedError

    def extract(self, batch: PayloadBatch) -> Extraction:
        """Text or reason for every page; each row depends on nothing but its own payload and Content-Type."""
        found = Extraction([], [], [], [], [] if batch.tags_wanted else None)
        for data, content_type in zip(batch.payloads, batch.content_types, strict=True):
            self._extract_one(data, content_type, found)
        return found

    def _extract_one(self, data: bytes | None, content_type: str | None, found: Extraction) -> None:
        text: str | None = None
        encoding: str | None = None
        extractor: str | None = None
        reason: Reason | None = None
        tags: list[str] = []
        kind = kind_of(data, content_type) if data else "plain"
        size = len(data or b"")
        if kind == "other":
            reason = ("not_text", None, None)
        elif size > self.params.max_bytes:
            reason = _over("too_many_bytes", size, self.params.max_bytes)
        else:
            html, encoding = decode_payload(data, content_type)
            if kind == "html":
                raw = np.frombuffer(html.encode("utf-8", "surrogatepass"), np.uint8)
                page = Page(html, raw, measure_markup(raw))
                tags = tags_of(raw) if found.page_tags is not None else []
                reason = self._beyond_limits(page.markup)
                if reason is None:
                    text, extractor = self._text_of(page)
            else:
                text, extractor = html.replace("\r\n", "\n").replace("\r", "\n"), "plain_text"
        if text is not None and len(text) > self.params.max_bytes:
            # Nested lists are indented: a small page can become a huge text.
            reason = _over("too_many_bytes", len(text), self.params.max_bytes)
        elif text is not None and not text.strip():
            reason = ("no_text", None, None)
        found.texts.append(None if reason else text)
        found.encodings.append(encoding)
        found.extractors.append(extractor)
        found.reasons.append(reason)
        if found.page_tags is not None:
            found.page_tags.append(tags)

    def _text_of(self, page: Page) -> tuple[str, str]:
        """Text, and the name of the extractor that made it."""
        if self.params.math:
            html = mark_math(page.html)
            if html is not page.html:
                page = Page(html, np.frombuffer(html.encode("utf-8", "surrogatepass"), np.uint8), page.markup)
        with ended_after(_GUARD_SECONDS) if page.markup.tags > _HEAVY_TAGS else nullcontext():
            text = self.main_text(page)
            if self._fallback is None or text.strip():
                return text, self.name
            return self._fallback._text_of(page)  # noqa: SLF001 - of the same class

    def _beyond_limits(self, markup: Markup) -> Reason | None:
        limits = self.params
        for reason, value, bound in (
            ("too_deep", markup.depth, limits.max_depth),
            ("too_many_tags", markup.tags, limits.max_tags),
            ("too_many_attributes", markup.attributes, limits.max_attributes),
            ("too_many_options", markup.options, limits.max_options),
        ):
            if value > bound:
                return _over(reason, value, bound)
        return None


def _over(reason: str, value: int, bound: int) -> Reason:
    return reason, float(value), float(bound)


def _built(name: str, fallback: Fallback) -> PageExtractor:
    extractor = registry.build("extractors", fallback.name, fallback.params)
    if not isinstance(extractor, PageExtractor):
        raise RecipeError(f"{name}.fallback: {fallback.name} cannot take over a page; name another extractor")
    version = registry.find("extractors")[fallback.name].version
    if fallback.version not in (None, version):
        raise RecipeError(f"{name}.fallback: {fallback.name} is version {version}, pinned is {fallback.version}")
    return extractor
