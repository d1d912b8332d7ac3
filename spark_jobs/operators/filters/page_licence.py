"""The Creative Commons licence that a page states for itself, as numbers; it stands beside the `licence` column.

Strongest first: metadata (meta element, link element, linked data), a link marked `rel=license`, a plain link, which
may speak of a picture only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.page_tags import attributes_of

# From the freest to the least free.
_CODES: Final = ("cc0", "mark", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
_ADDRESS = re.compile(
    r"creativecommons\.org/(?:(licenses)/([a-z+-]+)|publicdomain/(zero|mark))(?:/(\d\.\d))?", re.IGNORECASE
)
_LINKED_DATA = re.compile(
    r'"(?:license|licence|[\w.:/]*[/:]license)"\s*:\s*(?:\[\s*)?(?:\{[^{}]*?)?"([^"]+)"', re.IGNORECASE
)
(_PLAIN_LINK, _REL_LINK, _METADATA) = (1.0, 2.0, 3.0)


class PageLicenceParams(Params):
    """What a licence must allow, where the page states one. Off by default: signals only."""

    min_evidence: float = Field(
        2, ge=1, le=3, description="evidence a licence needs: 3 metadata, 2 also rel=license, 1 also a plain link"
    )
    require_licence: bool = Field(default=False, description="drop pages without a Creative Commons licence")
    require_commercial_use: bool = Field(default=False, description="drop pages whose licence is not commercial")
    require_derivatives: bool = Field(default=False, description="drop pages whose licence allows no derivatives")


class PageLicence:
    """The Creative Commons licence a page states with the strongest evidence; of several, the least free.

    Needs the page's tags, so a text alone has NaN. A signal, not a legal finding: sites mark pictures so, too.
    """

    name: ClassVar[str] = "page_licence"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "Creative Commons Rights Expression Language (ccREL)"
    reads_page: ClassVar[bool] = True
    Params: ClassVar[type[Params]] = PageLicenceParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("stated", "1 if a licence is stated with enough evidence, else 0"),
        Signal("licence_code", "1 cc0, 2 public domain mark, 3 by, 4 by-sa, 5 by-nd, 6 by-nc, 7 by-nc-sa, 8 by-nc-nd"),
        Signal("licence_version", "version of the licence, such as 4.0"),
        Signal("commercial_use", "1 if commercial use is allowed, 0 if not"),
        Signal("derivatives", "1 if derivatives are allowed, 0 if not"),
        Signal("evidence", "3 metadata of the page, 2 a link marked as licence, 1 a plain link"),
        Signal("different_licences", "different licences linked anywhere in the page"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "",
            columns={"page_tags": ['<a rel="license" href="https://creativecommons.org/licenses/by-nc/4.0/">']},
            signals={
                "stated": 1.0,
                "licence_code": 6.0,
                "licence_version": 4.0,
                "commercial_use": 0.0,
                "derivatives": 1.0,
                "evidence": 2.0,
            },
            reasons=(),
        ),
        Example(
            "",
            columns={"page_tags": ['<a href="http://creativecommons.org/licenses/by/2.0/">']},
            signals={"stated": 0.0, "different_licences": 1.0},
        ),
        Example(
            "",
            columns={
                "page_tags": ['{"@type": "Article", "license": "https://creativecommons.org/publicdomain/zero/1.0/"}']
            },
            signals={"stated": 1.0, "licence_code": 1.0, "evidence": 3.0},
        ),
    )

    def __init__(self, params: PageLicenceParams) -> None:
        """Take rules."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Read the tags of every page; NaN where the batch has none."""
        measured = np.full((len(self.signals), len(batch)), np.nan)
        tags = batch.columns["page_tags"].to_pylist() if "page_tags" in batch.columns else [None] * len(batch)
        for row, found in enumerate(tags):
            if found is not None:
                measured[:, row] = self._measure(found)
        return {signal.name: measured[i] for i, signal in enumerate(self.signals)}

    def rules(self) -> tuple[Rule, ...]:
        """What a licence must allow."""
        p = self.params
        return (
            Rule(reason="no_licence", signal="stated", minimum=1.0 if p.require_licence else None),
            Rule(reason="not_commercial", signal="commercial_use", minimum=1.0 if p.require_commercial_use else None),
            Rule(reason="no_derivatives", signal="derivatives", minimum=1.0 if p.require_derivatives else None),
        )

    def _measure(self, tags: Iterable[str]) -> list[float]:
        found = list(_statements(tags))
        different = float(len({code for _, code, _ in found}))
        strong = [item for item in found if item[0] >= self.params.min_evidence]
        if not strong:
            return [0.0, np.nan, np.nan, np.nan, np.nan, np.nan, different]
        evidence = max(item[0] for item in strong)
        code, version = max((code, version) for weight, code, version in strong if weight == evidence)
        name = _CODES[code]
        return [
            1.0,
            code + 1.0,
            version or np.nan,
            float("nc" not in name),
            float("nd" not in name),
            evidence,
            different,
        ]


def _statements(tags: Iterable[str]) -> Iterator[tuple[float, int, float]]:
    """Evidence, place in _CODES and version (0: none) of each licence named."""
    for tag in tags:
        if not tag.startswith("<"):
            for value in _LINKED_DATA.findall(tag):
                yield from _licences(value.replace("\\/", "/"), _METADATA)
            continue
        element, attributes = attributes_of(tag)
        if element == "meta":
            yield from _licences(attributes.get("content", ""), _METADATA)
        elif element in ("a", "link"):
            marked = bool({"license", "licence"} & set(attributes.get("rel", "").lower().split()))
            weight = (_METADATA if element == "link" else _REL_LINK) if marked else _PLAIN_LINK
            yield from _licences(attributes.get("href", ""), weight)


def _licences(address: str, evidence: float) -> Iterator[tuple[float, int, float]]:
    for _, licence, domain, version in _ADDRESS.findall(address):
        name = {"zero": "cc0", "mark": "mark"}.get(domain.lower(), licence.lower())
        parts = set(name.split("-"))
        # Early versions order the parts otherwise: by-nd-nc.
        plain = name if name in _CODES else "-".join(part for part in ("by", "nc", "nd", "sa") if part in parts)
        if plain in _CODES:
            yield evidence, _CODES.index(plain), float(version or 0)
