"""The texts that the benchmarks share: pages of crawl files through the repository's extractor, cut into documents.

`python -m benchmarks.documents --crawls DIR` makes or reuses the cache of pages, prints its counts. The cache is a
JSONL file named by a digest of the input and of what makes the text, so a changed extractor never meets old pages.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa

from spark_jobs.crawl.inputs import InputFile, expand_inputs
from spark_jobs.crawl.read import READER_VERSION, read_file
from spark_jobs.crawl.records import Record
from spark_jobs.operators import registry
from spark_jobs.text.language import identify, model_digest
from spark_jobs.text.markup import PayloadBatch

PROJECT = Path(__file__).resolve().parent.parent
CACHE = PROJECT / ".benchmarks"
EXTRACTOR = "resiliparse_text"
_AT_ONCE = 256


@dataclass(frozen=True)
class Page:
    """A page with text: its key, URL, language by lid.176 with its score, and the extracted text."""

    id: str
    url: str
    language: str
    score: float
    text: str


def read_pages(crawls: Sequence[str], *, cache: Path = CACHE) -> list[Page]:
    """All pages of the crawl files that have text, in the order of files and records; extracted on first use."""
    files = expand_inputs(crawls)
    path = cache / f"pages-{_digest(files)}.jsonl"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(asdict(page), ensure_ascii=False) + "\n" for page in _extracted(files))
        unfinished.rename(path)
    with path.open(encoding="utf-8") as lines:
        return [Page(**json.loads(line)) for line in lines]


def cut_documents(pages: Iterable[Page], *, count: int, size: int = 2000) -> list[Page]:
    """So many documents of about `size` bytes: the pages' texts cut at line ends, cycled when they do not suffice.

    A piece ends at the first line end past `size` bytes, or after 2 * `size`; one below `size` / 2 is left out.
    """
    pieces = [piece for page in pages for piece in _pieces(page, size)]
    if not pieces:
        raise SystemExit(f"no page has a piece of {size // 2} bytes: give crawl files with text")
    return list(islice(cycle(pieces), count))


def _pieces(page: Page, size: int) -> Iterator[Page]:
    taken: list[str] = []
    held = number = 0
    for line in _short_lines(page.text, size):
        taken.append(line)
        held += len(line.encode())
        if held >= size:
            yield _piece(page, number, taken)
            taken, held, number = [], 0, number + 1
    if held >= size // 2:
        yield _piece(page, number, taken)


def _short_lines(text: str, size: int) -> Iterator[str]:
    for line in text.splitlines(keepends=True):
        yield from (line[i : i + size] for i in range(0, len(line), size))


def _piece(page: Page, number: int, lines: list[str]) -> Page:
    return Page(f"{page.id}-{number}", page.url, page.language, page.score, "".join(lines))


def _extracted(files: Sequence[InputFile]) -> Iterator[Page]:
    extractor = registry.build("extractors", EXTRACTOR)
    records: list[Record] = []
    for file in files:
        for item in read_file(file):
            if isinstance(item, Record):
                records.append(item)
            if len(records) == _AT_ONCE:
                yield from _pages(extractor, records)
                records = []
    yield from _pages(extractor, records)


def _pages(extractor: object, records: Sequence[Record]) -> Iterator[Page]:
    found = extractor.extract(  # type: ignore[attr-defined]
        PayloadBatch([r.payload for r in records], [r.content_type for r in records], [r.url for r in records])
    )
    texts = [text or "" for text in found.texts]
    languages = identify(pa.array(texts, pa.large_string()), None)
    for row, record in enumerate(records):
        if texts[row]:
            yield Page(
                record.identity, record.url or "", languages.language[row], float(languages.score[row]), texts[row]
            )


def _digest(files: Sequence[InputFile]) -> str:
    extractor = registry.fingerprint(registry.build("extractors", EXTRACTOR))
    made_by = [extractor, READER_VERSION, model_digest(None)]
    made_from = [(file.name, file.bytes, file.modified) for file in files]
    return hashlib.sha256(json.dumps([made_by, made_from]).encode()).hexdigest()[:16]


def main() -> int:
    """Make the cache and count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawls", required=True, nargs="+", help="crawl files, or folders of them")
    arguments = parser.parse_args()
    pages = read_pages(arguments.crawls)
    english = [page for page in pages if page.language == "en"]
    print(f"{len(pages)} pages, {sum(len(p.text.encode()) for p in pages) / 1e6:.1f} MB of text; ", end="")
    print(f"English: {len(english)} pages, {sum(len(p.text.encode()) for p in english) / 1e6:.1f} MB")
    pieces = [piece for page in english for piece in _pieces(page, 2000)]
    print(f"English documents of about 2 kB: {len(pieces)}, {sum(len(p.text.encode()) for p in pieces) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
