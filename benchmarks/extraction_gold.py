"""Pages with known main text: reading them, parting them in two halves, and the shingle F1 of a text.

The measure is that of scrapinghub/article-extraction-benchmark: 4-gram shingles of words as multisets; precision and
recall are averaged over pages, F1 is made of the averages.
"""

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastwarc.warc import ArchiveIterator, WarcRecordType

_SHINGLE = 4
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True)
class Page:
    """A page as crawled, and its main text."""

    url: str
    payload: bytes
    content_type: str | None
    gold: str

    @property
    def develop(self) -> bool:
        """The page is of the half to develop on: the first byte of the SHA-256 of its host is even."""
        host = (urlsplit(self.url).hostname or "").encode()
        return hashlib.sha256(host).digest()[0] % 2 == 0


def responses(folder: Path) -> Iterator[tuple[str, str | None, bytes]]:
    """URL, Content-Type and payload of every response record of the WARC files in a folder."""
    for path in sorted(folder.glob("*.warc.gz")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True):
                kind = record.http_headers.get("Content-Type") if record.http_headers else None
                yield record.headers["WARC-Target-URI"].strip("<>"), kind, record.reader.read()


def gold_pages(folder: Path) -> list[Page]:
    """Pages whose main text people marked, in a fixed order."""
    texts = {}
    with gzip.open(folder / "gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["gold"].startswith("human"):
                texts[row["url"]] = row["text"]
    pages: dict[str, Page] = {}
    for url, kind, payload in responses(folder):
        if url in texts:
            # A URL of both files: the text that people marked belongs to the first.
            pages.setdefault(url, Page(url, payload, kind, texts[url]))
    return [pages[url] for url in sorted(pages)]


def words_of(text: str) -> list[str]:
    """Words as the benchmark has them."""
    return _WORDS.findall(text)


def shingles_of(words: list[str]) -> Counter[tuple[str, ...]]:
    """Runs of four words, or all of a shorter text, with their counts."""
    if not words:
        return Counter()
    return Counter(tuple(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1)))


def precision_and_recall(gold: str, found: str) -> tuple[float, float]:
    """Of one page: share of found shingles that are right, share of right ones that are found."""
    right, wrong = shingles_of(words_of(gold)), shingles_of(words_of(found))
    common = (right & wrong).total()
    if not right and not wrong:
        return 1.0, 1.0
    return (common / wrong.total() if wrong else 0.0), (common / right.total() if right else 0.0)


def figures(pairs: Iterable[tuple[str, str]]) -> tuple[float, float, float]:
    """F1, precision and recall over pages given as (gold, found). A page with nothing found has no precision."""
    pages = [(*precision_and_recall(gold, found), bool(words_of(found))) for gold, found in pairs]
    found = [precision for precision, _, any_found in pages if any_found]
    precision = sum(found) / max(1, len(found))
    recall = sum(recall for _, recall, _ in pages) / max(1, len(pages))
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall
