"""Evidence that a document is in the small language it is labelled with: words of that language, or its URL."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.urls import host_of, words_of
from spark_jobs.text.word_lists import hashed, list_words

_KEYS = ("words", "contamination", "codes", "names", "domains")


class PrecisionTable(BaseModel):
    """A fitted table, JSON: given as a file, pinned by digest, or inline by language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field(None, description="file of the table")
    sha256: str | None = Field(None, description="hex digest of the file; filled in when the recipe is loaded")
    languages: dict[str, dict[str, Any]] = Field({}, description="rows beside those of the file, which they replace")

    def pinned(self) -> "PrecisionTable":
        """The same table with the digest of its file."""
        return self if self.path is None else self.model_copy(update={"sha256": _read(self.path, self.sha256)[0]})

    def rows(self) -> dict[str, dict[str, Any]]:
        """All rows; RecipeError if the file is missing, not the pinned one, or no such table."""
        stated = {} if self.path is None else _read(self.path, self.sha256)[1]
        rows = {**stated, **self.languages}
        for language, row in rows.items():
            missing = [key for key in _KEYS if key not in row]
            if missing:
                raise RecipeError(f"language_precision: the row of {language} has no {', '.join(missing)}; fit it anew")
        return rows


class LanguagePrecisionParams(Params):
    """The table, and which languages are held to it."""

    table: PrecisionTable = Field(
        PrecisionTable(path=None, sha256=None, languages={}), description="fitted; without one nothing is judged"
    )
    max_contamination: float = Field(
        0.1, ge=0, le=1, description="share of a language's documents without a list word; above, each needs evidence"
    )
    min_evidence: int | None = Field(1, ge=0, description="kinds of evidence, words or URL; None is off")


class LanguagePrecision:
    """Judge only languages that the table calls contaminated. A code in a URL is a word of its own or in upper case.

    A country's domain is the end of the host. The released code of FineWeb2 differs there: its test never fires.
    """

    name: ClassVar[str] = "language_precision"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2506.20920; huggingface/fineweb-2 (precision filtering)"
    Params: ClassVar[type[Params]] = LanguagePrecisionParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("list_words", "words of the list of the document's language"),
        Signal("url_evidence", "1 if the URL names the language, its region or country, else 0"),
        Signal("evidence", "kinds of evidence, 0 to 2; only in languages that need it"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "No table, no verdict.", columns={"language": "gsw", "url": "https://ex.test/gsw/"}, signals={}, reasons=()
        ),
    )

    def __init__(self, params: LanguagePrecisionParams) -> None:
        """Read the table."""
        self.params = params.model_copy(update={"table": params.table.pinned()})
        self._rows = self.params.table.rows()
        self._lists = {language: hashed(row["words"]) for language, row in self._rows.items()}
        limit = self.params.max_contamination
        self._judged = {name for name, row in self._rows.items() if (row["contamination"] or 0) > limit}

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Count words and look at URLs; NaN where the table has no row."""
        languages = batch.column("language").to_pylist()
        words = list_words(batch, languages, self._lists)
        in_url = np.array(
            [
                float(names_language(url, self._rows[name])) if name in self._rows else np.nan
                for url, name in zip(batch.column("url").to_pylist(), languages, strict=True)
            ],
            np.float64,
        )
        judged = np.array([name in self._judged for name in languages], bool)
        evidence = np.where(judged, (words > 0) + (in_url > 0).astype(np.float64), np.nan)
        return {"list_words": words, "url_evidence": in_url, "evidence": evidence}

    def rules(self) -> tuple[Rule, ...]:
        """Some evidence, in the languages that need it."""
        return (Rule(reason="no_language_evidence", signal="evidence", minimum=self.params.min_evidence),)


def names_language(url: str | None, row: Mapping[str, Any]) -> bool:
    """Whether a URL holds a code (a word of its own, or upper case), a name, or the domain of a country of the row."""
    if not url:
        return False
    words = set(words_of(url))
    if not words.isdisjoint((*row["codes"], *row["names"])):
        return True
    if any(host_of(url).endswith(f".{domain}") for domain in row["domains"]):
        return True
    rest = unquote(url).partition("://")[2]
    return any(re.search(rf"(?<![A-Z]){re.escape(code.upper())}(?![A-Z])", rest) for code in row["codes"])


def _read(path: str, pinned: str | None) -> tuple[str, dict[str, dict[str, Any]]]:
    try:
        file = Path(path)
        stat = file.stat()
        digest, rows = _read_once(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise RecipeError(f"language_precision: cannot read {path} ({error.strerror}); mend the path") from None
    if pinned not in (None, digest):
        raise RecipeError(f"language_precision: {path} has SHA-256 {digest}, the recipe pins {pinned}; pin anew")
    return digest, rows


@lru_cache(maxsize=4)
def _read_once(path: str, _changed: int, _size: int) -> tuple[str, dict[str, dict[str, Any]]]:
    data = Path(path).read_bytes()
    try:
        rows = json.loads(data)["languages"]
    except (ValueError, KeyError, TypeError):
        rows = None
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise RecipeError(f"language_precision: {path} is no fitted table; it needs rows under the key `languages`")
    return hashlib.sha256(data).hexdigest(), rows
