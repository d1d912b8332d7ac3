"""Pages that hold no page: soft 404s, walls of login, cookies, payment and script, bot checks, parked names, listings.

A phrase alone drops nothing: an article on the subject says it too. What drops is a phrase in a text too short to be
about anything, for errors, placeholders and listings only where a title stands.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pydantic import Field, field_validator

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.fault_phrases import PHRASES
from spark_jobs.text.phrases import Phrases, find

KINDS = tuple(PHRASES)
# Kinds whose phrases are common in running text: they count only where a title stands.
_TITLES = ("not_found", "server_error", "placeholder", "directory_listing")
_LIMIT = "drop a page of this kind with fewer tokens; None is off"


class ErrorPagesParams(Params):
    """Where phrases count, and how long a page must be that holds one; None switches a kind off."""

    min_words_not_found: int | None = Field(100, ge=1, description=f"soft 404: {_LIMIT}")
    min_words_server_error: int | None = Field(80, ge=1, description=f"error of the server, refusal: {_LIMIT}")
    min_words_login_wall: int | None = Field(80, ge=1, description=f"login wall: {_LIMIT}")
    min_words_cookie_wall: int | None = Field(120, ge=1, description=f"cookie or consent wall: {_LIMIT}")
    min_words_paywall: int | None = Field(120, ge=1, description=f"paywall: {_LIMIT}")
    min_words_no_javascript: int | None = Field(80, ge=1, description=f"script wanted: {_LIMIT}")
    min_words_bot_check: int | None = Field(150, ge=1, description=f"bot check: {_LIMIT}")
    min_words_parked_domain: int | None = Field(200, ge=1, description=f"parked or expired domain: {_LIMIT}")
    min_words_placeholder: int | None = Field(60, ge=1, description=f"page to come, server's default page: {_LIMIT}")
    min_words_directory_listing: int | None = Field(100_000, ge=1, description=f"listing of a directory: {_LIMIT}")
    opening_chars: int = Field(2000, ge=1, description="characters of a text in which phrases are looked for")
    title_chars: int = Field(
        160, ge=1, description=f"characters in which phrases of {', '.join(_TITLES)} are looked for"
    )
    phrases: Mapping[str, tuple[str, ...]] = Field(
        PHRASES, description="phrases by kind; case and width of blanks are free"
    )

    @field_validator("phrases")
    @classmethod
    def _of_known_kinds(cls, phrases: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        unknown = sorted(set(phrases) - set(KINDS))
        if unknown:
            raise ValueError(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
        if any(not phrase.strip() for texts in phrases.values() for phrase in texts):
            raise ValueError("a phrase must hold a character that is not white space")
        return phrases


class ErrorPages:
    """Near-empty and error pages, told by a phrase at their beginning and by their length, each kind for itself."""

    name: ClassVar[str] = "error_pages"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own; kinds as in arXiv 1910.10683 (placeholders, script and policy notices), wider"
    Params: ClassVar[type[Params]] = ErrorPagesParams
    signals: ClassVar[tuple[Signal, ...]] = (
        *(Signal(f"{kind}_words", f"tokens of a text that opens with a phrase of {kind}; else null") for kind in KINDS),
        Signal("position_chars", "characters before the first phrase of any kind; null if there is none"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("404\nPage not found\nGo home", signals={"position_chars": 4.0}, reasons=("not_found",)),
        Example("503 Service Unavailable", reasons=("server_error",)),
        Example("Bitte melden Sie sich an, um fortzufahren.", reasons=("login_wall",)),
        Example("Nous utilisons des cookies. Gérer mes choix", reasons=("cookie_wall",)),
        Example("The minister said … Subscribe to continue reading.", reasons=("paywall",)),
        Example("You need to enable\u00a0JavaScript to run this app.", reasons=("no_javascript",)),
        Example("请完成安全验证", reasons=("bot_check",)),
        Example("example.org: this domain is for sale", reasons=("parked_domain",)),
        Example("Сайт в разработке", reasons=("placeholder",)),
        Example("Index of /pub\nName Last modified Size\nParent Directory", reasons=("directory_listing",)),
        Example(
            "How to write a good \u201cpage not found\u201d page. " + "It should help the reader. " * 20, reasons=()
        ),
    )

    def __init__(self, params: ErrorPagesParams) -> None:
        """Take phrases and bounds."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Tokens of the texts that open with a phrase, by kind, and the place of the first."""
        openings = TextBatch.of(pc.utf8_slice_codeunits(batch.texts, 0, self.params.opening_chars))
        matches = find(openings, self._phrases)
        rows = np.repeat(np.arange(len(batch)), matches.counts)
        places = matches.starts - openings.characters.offsets[rows]
        words = batch.word_counts if len(rows) else np.zeros(len(batch), np.int64)
        found = {}
        position = np.full(len(batch), np.inf)
        for place, kind in enumerate(KINDS):
            counted = self._kinds[matches.phrases, place] & (places < self._reach(kind))
            measured = np.full(len(batch), np.nan)
            measured[rows[counted]] = words[rows[counted]]
            np.minimum.at(position, rows[counted], places[counted].astype(np.float64))
            found[f"{kind}_words"] = measured
        return found | {"position_chars": np.where(np.isinf(position), np.nan, position)}

    def rules(self) -> tuple[Rule, ...]:
        """One rule a kind."""
        limits = {kind: getattr(self.params, f"min_words_{kind}") for kind in KINDS}
        return tuple(Rule(reason=kind, signal=f"{kind}_words", minimum=limit) for kind, limit in limits.items())

    def _reach(self, kind: str) -> int:
        return self.params.title_chars if kind in _TITLES else self.params.opening_chars

    @cached_property
    def _phrases(self) -> Phrases:
        return Phrases.of((phrase for phrases in self.params.phrases.values() for phrase in phrases), ignore_case=True)

    @cached_property
    def _kinds(self) -> npt.NDArray[np.bool_]:
        """Which kinds each phrase of the list is of; shape (phrases, kinds)."""
        stored = {kind: Phrases.of(phrases, ignore_case=True).texts for kind, phrases in self.params.phrases.items()}
        listed = [[text in stored.get(kind, ()) for kind in KINDS] for text in self._phrases.texts]
        return np.array(listed, dtype=np.bool_).reshape(len(listed), len(KINDS))
