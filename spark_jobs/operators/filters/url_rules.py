"""URL rules of FineWeb and DCLM: listed domains, hosts and URLs, hard, soft and strict words, banned substrings.

The built-in words are a small start; a recipe names its lists inline or as files, which are pinned by digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar
from urllib.parse import unquote

import numpy as np
from pydantic import Field

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.lists import EntryList
from spark_jobs.text import urls
from spark_jobs.text.automaton import Automaton
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.hash_set import HashSet
from spark_jobs.text.url_kernel import ALNUM_ONLY, NO_HYPHEN_OR_DOT

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


class UrlRulesParams(Params):
    """Lists; an empty list switches its rule off."""

    domains: EntryList = Field(
        EntryList(), description="domains, each with all names below it; a public suffix blocks no domain below it"
    )
    hosts: EntryList = Field(EntryList(), description="full hosts; www. does not matter")
    urls: EntryList = Field(
        EntryList(), description="exact URLs; scheme, www., port, fragment, final slash do not matter"
    )
    hard_words: EntryList = Field(EntryList(entries=HARD_WORDS), description="one of these words drops")
    soft_words: EntryList = Field(EntryList(entries=SOFT_WORDS), description="several different ones drop")
    max_soft_words: int | None = Field(1, ge=0, description="different soft words")
    banned_substrings: EntryList = Field(
        EntryList(entries=BANNED_SUBSTRINGS), description="anywhere in the letters and digits of the URL"
    )
    strict_words: EntryList = Field(
        EntryList(), description="anywhere in the URL once its hyphens and full stops are gone, as DCLM has it"
    )


@dataclass(frozen=True, eq=False)
class _Lists:
    """The lists as the look-ups want them."""

    domains: HashSet
    hosts: HashSet
    urls: HashSet
    hard: HashSet
    soft: HashSet
    banned: Automaton
    strict: Automaton


class UrlRules:
    """URLs are percent-decoded and lower-cased first, so upper case and escapes do not slip through.

    A domain's entry that is itself below a registered domain (`someone.blog.example`) blocks what lies below it, and no
    more. Words are runs of a-z and 0-9; an entry of a word list that holds a separator can equal none and is refused.
    """

    name: ClassVar[str] = "url_rules"
    version: ClassVar[int] = 2
    source: ClassVar[str] = (
        "arXiv 2406.17557; huggingface/datatrove; arXiv 2406.11794; mlfoundations/dclm (strict words)"
    )
    Params: ClassVar[type[Params]] = UrlRulesParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("listed_domain", "1 if the registered domain, or a name between it and the host, is listed, else 0"),
        Signal("listed_host", "1 if the full host is listed, else 0"),
        Signal("listed_url", "1 if the URL is listed, else 0"),
        Signal("hard_words", "different hard words in the URL"),
        Signal("soft_words", "different soft words in the URL"),
        Signal("banned_substrings", "different banned substrings in the URL"),
        Signal("strict_words", "different strict words in the URL"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "", columns={"url": "https://WWW.Example.org/XXX/1"}, signals={"hard_words": 1.0}, reasons=("hard_word",)
        ),
        Example("", columns={"url": "https://essex.example/sex-education"}, signals={"soft_words": 1.0}, reasons=()),
        Example("", columns={"url": "https://hot.example/casino"}, reasons=("soft_words",)),
        Example("", columns={"url": "https://a.example/free-porn.html"}, reasons=("hard_word", "banned_substring")),
        Example(
            "",
            columns={"url": "http://www.bad.co.uk:80/a"},
            params={"domains": ["bad.co.uk"], "hosts": ["bad.co.uk"], "urls": ["bad.co.uk/a/"]},
            reasons=("listed_domain", "listed_host", "listed_url"),
        ),
        Example(
            "", columns={"url": "https://the-pill.example"}, params={"strict_words": ["pillex"]},
            reasons=("strict_word",),
        ),
    )  # fmt: skip

    def __init__(self, params: UrlRulesParams) -> None:
        """Pin the lists, and read and normalise them where this process has not done so yet."""
        pins = {name: value.pinned(_part(name)) for name, value in params if isinstance(value, EntryList)}
        self.params = params.model_copy(update=pins)
        self._lists = _read(self.params)

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Look every URL up; a row without one has NaN."""
        column, lists = batch.column("url"), self._lists
        pages = batch.shared("urls", lambda: urls.Urls.of(column))
        found = {
            "listed_domain": urls.registered(pages, pages.listed_parents(lists.domains)),
            "listed_host": lists.hosts.holds(pages.site_hashes()),
            "listed_url": lists.urls.holds(pages.url_hashes()) if len(lists.urls) else np.zeros(len(batch)),
            "hard_words": pages.listed_words(lists.hard),
            "soft_words": pages.listed_words(lists.soft),
            "banned_substrings": pages.substrings(lists.banned, ALNUM_ONLY),
            "strict_words": pages.substrings(lists.strict, NO_HYPHEN_OR_DOT),
        }
        there = pages.whole.ends > pages.whole.starts
        return {name: np.where(there, values, np.nan) for name, values in found.items()}

    def rules(self) -> tuple[Rule, ...]:
        """Nothing listed, no hard or strict word, few soft ones, no banned substring."""
        return (
            Rule(reason="listed_domain", signal="listed_domain", maximum=0.0),
            Rule(reason="listed_host", signal="listed_host", maximum=0.0),
            Rule(reason="listed_url", signal="listed_url", maximum=0.0),
            Rule(reason="hard_word", signal="hard_words", maximum=0.0),
            Rule(reason="soft_words", signal="soft_words", maximum=self.params.max_soft_words),
            Rule(reason="banned_substring", signal="banned_substrings", maximum=0.0),
            Rule(reason="strict_word", signal="strict_words", maximum=0.0),
        )


def _part(name: str) -> str:
    """The file of a UT1 folder that a list is in."""
    return "urls" if name == "urls" else "domains"


@lru_cache(maxsize=4)
def _read(params: UrlRulesParams) -> _Lists:
    """The lists of pinned parameters: the same parameters are the same entries, so once a process."""
    places = {name: urls.Urls.of(getattr(params, name).spans(_part(name))) for name in ("domains", "hosts", "urls")}
    banned = {"".join(urls.words_of(entry)) for entry in params.banned_substrings.texts()}
    strict = {unquote(entry).replace("-", "").replace(".", "") for entry in params.strict_words.texts()}
    return _Lists(
        domains=HashSet.of(places["domains"].site_hashes()),
        hosts=HashSet.of(places["hosts"].site_hashes()),
        urls=HashSet.of(places["urls"].url_hashes()),
        hard=_words("hard_words", params.hard_words),
        soft=_words("soft_words", params.soft_words),
        banned=Automaton.of(banned, any_case=True),
        strict=Automaton.of(strict, any_case=True),
    )


def _words(name: str, entries: EntryList) -> HashSet:
    words = [urls.words_of(entry) for entry in entries.texts()]
    for pieces in words:
        if len(pieces) != 1:
            raise RecipeError(f"url_rules.{name}: {' '.join(pieces)!r} is not one word of a-z and 0-9; split it up")
    return urls.word_set(pieces[0] for pieces in words)
