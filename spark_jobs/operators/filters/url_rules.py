"""URL rules in the order of FineWeb: listed domains, hosts and URLs, hard and soft words, banned substrings.

The built-in words are a small start; a recipe names its lists inline or as files, which are pinned by digest.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text import urls
from spark_jobs.text.batch import TextBatch

# Each of these alone marks a page; matched against whole words of the URL.
HARD_WORDS = (
    "bestiality", "blowjob", "camgirl", "camgirls", "creampie", "cumshot", "deepthroat", "gangbang", "handjob",
    "hentai", "milf", "milfs", "porn", "porno", "pornstar", "pornstars", "shemale", "upskirt", "xnxx", "xvideos",
    "xxx",
)  # fmt: skip
# Any of these occurs in good URLs too; two different ones mark a page.
SOFT_WORDS = (
    "adult", "amateur", "anal", "bet", "betting", "bikini", "boobs", "bookmaker", "casino", "cams", "cialis",
    "dating", "escort", "escorts", "fetish", "gambling", "hot", "jackpot", "lesbian", "levitra", "naked", "nude",
    "nudes", "pills", "poker", "replica", "roulette", "sex", "sexual", "sexy", "slots", "teen", "viagra", "webcam",
)  # fmt: skip
# Found anywhere in the letters and digits of the URL; long enough not to occur by chance.
BANNED_SUBSTRINGS = (
    "adultwebcam", "buycialis", "buyviagra", "casinobonus", "freeporn", "livesexcam", "nudegirls", "onlinecasino",
    "pornhub", "pornvideo", "sexcams", "sexvideo", "xvideos", "youporn",
)  # fmt: skip


class UrlList(BaseModel):
    """Entries given inline and in a file (UTF-8, one a line, `#` starts a comment); `sha256` pins the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[str, ...] = Field((), description="entries given here")
    path: str | None = Field(None, description="file of further entries")
    sha256: str | None = Field(None, description="hex digest of the file; filled in when the recipe is loaded")

    @model_validator(mode="before")
    @classmethod
    def _plain_list(cls, value: object) -> object:
        return {"entries": tuple(value)} if isinstance(value, (list, tuple)) else value

    def pinned(self) -> "UrlList":
        """The same list with the digest of its file."""
        if self.path is None or self.sha256 is not None:
            return self
        return self.model_copy(update={"sha256": _read(self.path)[0]})

    def all_entries(self) -> Iterable[str]:
        """Inline entries and those of the file; RecipeError if the file is missing or is not the pinned one."""
        if self.path is None:
            return self.entries
        digest, lines = _read(self.path)
        if self.sha256 not in (None, digest):
            raise RecipeError(f"url_rules: {self.path} has SHA-256 {digest}, the recipe pins {self.sha256}; pin anew")
        return (*self.entries, *lines)


class UrlRulesParams(Params):
    """Lists; an empty list switches its rule off."""

    domains: UrlList = Field(UrlList(), description="registered domains")
    hosts: UrlList = Field(UrlList(), description="full hosts")
    urls: UrlList = Field(UrlList(), description="exact URLs; scheme, www., port, fragment, final slash do not matter")
    hard_words: UrlList = Field(UrlList(entries=HARD_WORDS), description="one of these words drops")
    soft_words: UrlList = Field(UrlList(entries=SOFT_WORDS), description="several different ones drop")
    max_soft_words: int | None = Field(1, ge=0, description="different soft words")
    banned_substrings: UrlList = Field(UrlList(entries=BANNED_SUBSTRINGS), description="anywhere in the URL")


class UrlRules:
    """URLs are percent-decoded and lower-cased first, so upper case and escapes do not slip through.

    Words are runs of a-z and 0-9; an entry of a word list that holds a separator can equal none and is refused.
    """

    name: ClassVar[str] = "url_rules"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.17557; huggingface/datatrove (order of the rules)"
    Params: ClassVar[type[Params]] = UrlRulesParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("listed_domain", "1 if the registered domain is listed, else 0"),
        Signal("listed_host", "1 if the full host is listed, else 0"),
        Signal("listed_url", "1 if the URL is listed, else 0"),
        Signal("hard_words", "different hard words in the URL"),
        Signal("soft_words", "different soft words in the URL"),
        Signal("banned_substrings", "different banned substrings in the URL"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "", columns={"url": "https://WWW.Example.org/XXX/1"}, signals={"hard_words": 1.0}, reasons=("hard_word",)
        ),
        Example("", columns={"url": "https://essex.example/sex-education"}, signals={"soft_words": 1.0}, reasons=()),
        Example("", columns={"url": "https://hot.example/casino"}, reasons=("soft_words",)),
    )

    def __init__(self, params: UrlRulesParams) -> None:
        """Read and normalise the lists."""
        pins = {name: value.pinned() for name, value in params if isinstance(value, UrlList)}
        self.params = params.model_copy(update=pins)
        p = self.params
        self._domains = {urls.registered_domain(urls.site_of(entry)) for entry in p.domains.all_entries()}
        self._hosts = {urls.site_of(entry) for entry in p.hosts.all_entries()}
        self._urls = {urls.bare_url(entry) for entry in p.urls.all_entries()}
        self._hard = _words("hard_words", p.hard_words)
        self._soft = _words("soft_words", p.soft_words)
        self._banned = tuple(sorted({urls.letters_of(entry) for entry in p.banned_substrings.all_entries()} - {""}))

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Look every URL up; a row without one has NaN."""
        measured = np.full((len(self.signals), len(batch)), np.nan)
        for row, url in enumerate(batch.column("url").to_pylist()):
            if url:
                measured[:, row] = self._measure(url)
        return {signal.name: measured[i] for i, signal in enumerate(self.signals)}

    def rules(self) -> tuple[Rule, ...]:
        """Nothing listed, no hard word, few soft ones, no banned substring."""
        return (
            Rule(reason="listed_domain", signal="listed_domain", maximum=0.0),
            Rule(reason="listed_host", signal="listed_host", maximum=0.0),
            Rule(reason="listed_url", signal="listed_url", maximum=0.0),
            Rule(reason="hard_word", signal="hard_words", maximum=0.0),
            Rule(reason="soft_words", signal="soft_words", maximum=self.params.max_soft_words),
            Rule(reason="banned_substring", signal="banned_substrings", maximum=0.0),
        )

    def _measure(self, url: str) -> tuple[float, ...]:
        site = urls.site_of(url)
        words = set(urls.words_of(url))
        letters = urls.letters_of(url)
        return (
            float(bool(self._domains) and urls.registered_domain(site) in self._domains),
            float(site in self._hosts),
            float(bool(self._urls) and urls.bare_url(url) in self._urls),
            float(len(words & self._hard)),
            float(len(words & self._soft)),
            float(sum(entry in letters for entry in self._banned)),
        )


def _read(path: str) -> tuple[str, tuple[str, ...]]:
    """Digest and entries of a list file."""
    try:
        state = Path(path).stat()
        return _read_once(path, state.st_mtime_ns, state.st_size)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"url_rules: cannot read the list {path} ({type(error).__name__}); mend the path") from None


@lru_cache(maxsize=16)
def _read_once(path: str, _modified: int, _size: int) -> tuple[str, tuple[str, ...]]:
    data = Path(path).read_bytes()
    entries = (line.partition("#")[0].strip() for line in data.decode("utf-8").splitlines())
    return hashlib.sha256(data).hexdigest(), tuple(entry for entry in entries if entry)


def _words(name: str, entries: UrlList) -> frozenset[str]:
    words = [urls.words_of(entry) for entry in entries.all_entries()]
    for pieces in words:
        if len(pieces) != 1:
            raise RecipeError(f"url_rules.{name}: {' '.join(pieces)!r} is not one word of a-z and 0-9; split it up")
    return frozenset(pieces[0] for pieces in words)
