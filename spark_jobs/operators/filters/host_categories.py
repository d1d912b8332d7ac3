"""Tags of hosts that a mix may want to weigh on their own; nothing is dropped."""

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.lists import EntryList
from spark_jobs.text import urls
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.hash_set import HashSet

RELIGIOUS = (
    "bible.com", "bible.is", "biblegateway.com", "biblehub.com", "bibliatodo.com", "ebible.org", "jw.org", "quran.com",
    "scriptureearth.org", "wordproject.org",
)  # fmt: skip
WIKIPEDIA = ("wikipedia.org",)


class HostCategoriesParams(Params):
    """Hosts of each category, with all names below them; the built-in ones are a small start."""

    religious: EntryList = Field(EntryList(entries=RELIGIOUS), description="hosts of scriptures and their translations")
    wikipedia: EntryList = Field(EntryList(entries=WIKIPEDIA), description="hosts of Wikipedia and its mirrors")


class HostCategories:
    """Scriptures are much of what is written in small languages, and Wikipedia of what is good: tag, do not drop.

    A host belongs to a category with its parent domains, whole names only: notwikipedia.org is none of Wikipedia's.
    """

    name: ClassVar[str] = "host_categories"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2410.23825; cisnlp/GlotCC (the categories)"
    Params: ClassVar[type[Params]] = HostCategoriesParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("religious", "1 if the host or a parent domain is listed as religious, else 0"),
        Signal("wikipedia", "1 if the host or a parent domain is listed as Wikipedia, else 0"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("", columns={"url": "https://de.m.Wikipedia.org/wiki/Fluss"}, signals={"wikipedia": 1.0}, reasons=()),
        Example("", columns={"url": "http://notwikipedia.org/"}, signals={"wikipedia": 0.0, "religious": 0.0}),
        Example("", columns={"url": "https://www.bible.com:443/"}, signals={"religious": 1.0}, reasons=()),
    )

    def __init__(self, params: HostCategoriesParams) -> None:
        """Pin and read the lists."""
        pins = {"religious": params.religious.pinned(), "wikipedia": params.wikipedia.pinned()}
        self.params = params.model_copy(update=pins)
        self._names = {name: _read(value) for name, value in pins.items()}

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Both tags of every URL; a row without a host has NaN."""
        column = batch.column("url")
        pages = batch.shared("urls", lambda: urls.Urls.of(column))
        there = pages.hosts.ends > pages.hosts.starts
        return {
            name: np.where(there, pages.listed_parents(names) > 0, np.nan).astype(np.float64)
            for name, names in self._names.items()
        }

    def rules(self) -> tuple[Rule, ...]:
        """None: these are tags."""
        return ()


@lru_cache(maxsize=8)
def _read(entries: EntryList) -> HashSet:
    return HashSet.of(urls.Urls.of(entries.spans()).site_hashes())
