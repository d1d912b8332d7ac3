"""What a page and its server say to robots: not to index, archive, train on or mine it.

Read from meta elements, the X-Robots-Tag header, and the TDM Reservation Protocol (meta element or header).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.page_tags import attributes_of

_DIRECTIVES: Final = ("noindex", "nofollow", "noarchive", "nosnippet", "noai", "noimageai")
# A word that stands for two.
_NONE: Final = ("noindex", "nofollow")
# Directives with a value after a colon, which is not the name of a robot.
_VALUED: Final = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


class RobotsMetaParams(Params):
    """Which robots' names are listened to, and what drops a document. All rules are off by default: signals only."""

    agents: tuple[str, ...] = Field(
        ("robots", "googlebot"), description="names of meta elements, and robots named in headers, in lower case"
    )
    respect_noindex: bool = Field(default=False, description="drop pages that are not to be indexed")
    respect_noarchive: bool = Field(default=False, description="drop pages that are not to be kept")
    respect_noai: bool = Field(default=False, description="drop pages that are not to be used for machine learning")
    respect_tdm: bool = Field(
        default=False, description="drop pages whose rights for text and data mining are reserved"
    )


class RobotsMeta:
    """Directives of a page to robots, each 1 or 0; needs the page's tags and headers, so a text alone has NaN.

    `noai` and `noimageai` are used by sites without being in any standard.
    """

    name: ClassVar[str] = "robots_meta"
    version: ClassVar[int] = 1
    source: ClassVar[str] = (
        "RFC 9309 (robots); robots meta element and X-Robots-Tag as search engines read them; TDMRep"
    )
    reads_page: ClassVar[bool] = True
    Params: ClassVar[type[Params]] = RobotsMetaParams
    signals: ClassVar[tuple[Signal, ...]] = (
        *(Signal(name, f"1 if `{name}` is asked for, else 0") for name in _DIRECTIVES),
        Signal("tdm_reservation", "1 if rights for text and data mining are reserved, 0 if they are not, else null"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "",
            columns={"page_tags": ['<meta name="ROBOTS" content="NoIndex, follow">'], "http_headers": []},
            signals={"noindex": 1.0, "nofollow": 0.0},
            reasons=(),
        ),
        Example(
            "",
            columns={"page_tags": [], "http_headers": [{"name": "X-Robots-Tag", "value": "googlebot: none"}]},
            signals={"noindex": 1.0, "nofollow": 1.0, "noai": 0.0},
        ),
        Example(
            "",
            columns={"page_tags": ['<meta name="tdm-reservation" content="1">'], "http_headers": []},
            signals={"tdm_reservation": 1.0},
        ),
    )

    def __init__(self, params: RobotsMetaParams) -> None:
        """Take names and rules."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Read tags and headers of every page; NaN where the batch has neither."""
        measured = np.full((len(self.signals), len(batch)), np.nan)
        tags = batch.columns["page_tags"].to_pylist() if "page_tags" in batch.columns else [None] * len(batch)
        headers = batch.columns["http_headers"].to_pylist() if "http_headers" in batch.columns else [None] * len(batch)
        for row in range(len(batch)):
            if tags[row] is not None or headers[row] is not None:
                measured[:, row] = self._measure(tags[row] or (), headers[row] or ())
        return {signal.name: measured[i] for i, signal in enumerate(self.signals)}

    def rules(self) -> tuple[Rule, ...]:
        """One a wish that is respected."""
        p = self.params
        asked = (
            ("noindex", "noindex", p.respect_noindex),
            ("noarchive", "noarchive", p.respect_noarchive),
            ("noai", "noai", p.respect_noai),
            ("tdm_reserved", "tdm_reservation", p.respect_tdm),
        )
        return tuple(Rule(reason=why, signal=signal, maximum=0.0 if on else None) for why, signal, on in asked)

    def _measure(self, tags: Iterable[str], headers: Iterable[Mapping[str, Any]]) -> list[float]:
        said: set[str] = set()
        reserved = np.nan
        for name, content in _statements(tags, headers):
            if name == "tdm-reservation":
                # The header comes last and is the server's own word: it wins.
                reserved = {"1": 1.0, "0": 0.0}.get(content.strip(), reserved)
            elif name == "x-robots-tag":
                said |= self._of_header(content)
            elif name in self.params.agents:
                said |= _directives(content)
        return [float(name in said) for name in _DIRECTIVES] + [reserved]

    def _of_header(self, value: str) -> set[str]:
        """Directives of a header that are for everyone or for a robot listened to."""
        agent, colon, rest = value.partition(":")
        name = agent.strip().lower()
        if not colon or name in _VALUED or "," in name:
            return _directives(value)
        return _directives(rest) if name in self.params.agents else set()


def _statements(tags: Iterable[str], headers: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Names and contents of what is said, in the page first."""
    for tag in tags:
        element, attributes = attributes_of(tag)
        if element == "meta":
            yield attributes.get("name", "").strip().lower(), attributes.get("content", "")
    for header in headers:
        yield (header["name"] or "").strip().lower(), header["value"] or ""


def _directives(content: str) -> set[str]:
    words = {word.strip().lower() for word in content.replace(";", ",").split(",")}
    return words | set(_NONE) if "none" in words else words
