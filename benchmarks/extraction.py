"""Extractors side by side, one process, CPU seconds: `python -m benchmarks.extraction GOLD_FOLDER [CRAWL_FOLDER...]`.

On the gold pages: F1, precision and recall (see `extraction_gold.py`) on the half to develop on and on the other one,
which nothing was fitted on; pages a second of the whole extractor (kind, encoding, limits, text) and, for comparison,
of the bare library on decoded pages. On crawled pages, by language: characters of text against Resiliparse's, share of
Resiliparse's and of trafilatura's lines that are kept, and pages on which next to nothing is left.
"""

import argparse
import gzip
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trafilatura

from benchmarks.extraction_gold import Page, figures, gold_pages, responses
from spark_jobs.operators import registry
from spark_jobs.operators.page_text import Page as Within
from spark_jobs.text.charset import decode_payload
from spark_jobs.text.markup import Markup, PayloadBatch

EXTRACTORS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("resiliparse", "resiliparse_text", {}),
    ("trafilatura, precision", "trafilatura_text", {}),
    ("trafilatura, default", "trafilatura_text", {"favor_precision": False}),
    ("main_text", "main_text", {}),
)
PER_LANGUAGE = 40


def texts_of(extractor: Any, pages: Iterable[tuple[bytes, str | None]]) -> list[str]:
    """What the extractor finds, "" for nothing."""
    rows = list(pages)
    batch = PayloadBatch([row[0] for row in rows], [row[1] for row in rows], [None] * len(rows))
    return [text or "" for text in extractor.extract(batch).texts]


def rate(work: Callable[[], object], pages: int, seconds: float) -> float:
    """Pages a CPU second of this process, repeated until `seconds` have passed, the first time left out."""
    work()
    start = time.process_time()
    rounds = 0
    while rounds == 0 or time.process_time() - start < seconds:
        work()
        rounds += 1
    return pages * rounds / (time.process_time() - start)


def bare(name: str) -> Callable[[str], object]:
    """The library alone, on decoded text, with the options of our extractor; of `main_text` what follows the limits."""
    if name.startswith("trafilatura"):
        return lambda page: trafilatura.extract(
            page, favor_precision="precision" in name, include_comments=False, deduplicate=False
        )
    extractor = registry.build("extractors", {title: own for title, own, _ in EXTRACTORS}[name])
    nothing = Markup(0, 0, 0, 0, 0)
    return lambda page: extractor.main_text(
        Within(page, np.frombuffer(page.encode("utf-8", "surrogatepass"), np.uint8), nothing)
    )


def gold_table(pages: Sequence[Page], seconds: float) -> None:
    """Quality on both halves and speed, one line an extractor."""
    half = [page for page in pages if page.develop], [page for page in pages if not page.develop]
    print(f"{len(pages)} pages; to develop on {len(half[0])}, held out {len(half[1])}; F1 / precision / recall")
    decoded = [decode_payload(page.payload, page.content_type)[0] for page in pages]
    for title, name, params in EXTRACTORS:
        extractor = registry.build("extractors", name, params)
        found = dict(zip([page.url for page in pages], texts_of(extractor, payloads(pages)), strict=True))
        scores = [figures((page.gold, found[page.url]) for page in group) for group in (*half, pages)]
        whole = rate(lambda extractor=extractor: texts_of(extractor, payloads(pages)), len(pages), seconds)
        alone = bare(title)
        library = rate(lambda alone=alone: [alone(page) for page in decoded], len(pages), seconds)
        names = ("develop", "held out", "all")
        shown = (
            f"{name} {' '.join(f'{value:.3f}' for value in score)}" for name, score in zip(names, scores, strict=True)
        )
        print(f"{title:<24} {'   '.join(shown)}")
        print(f"{'':<24} {whole:,.0f} pages a CPU second; bare, on decoded pages: {library:,.0f}", flush=True)


def payloads(pages: Sequence[Page]) -> list[tuple[bytes, str | None]]:
    """What an extractor gets."""
    return [(page.payload, page.content_type) for page in pages]


def lines_of(text: str) -> set[str]:
    """Lines of some length without bullets, white space and the marks of tables."""
    lines = (re.sub(r"[\s•|-]+", "", line) for line in text.splitlines())
    return {line for line in lines if len(line) >= 20}


def language_table(folders: Sequence[Path], manifest: Path) -> None:
    """Sanity by language on crawled pages, evenly sampled."""
    with gzip.open(manifest, "rt", encoding="utf-8") as rows:
        labels = {(row["crawl"], row["url"]): row["lang"] for row in map(json.loads, rows)}
    groups: dict[str, list[tuple[bytes, str | None]]] = defaultdict(list)
    for folder in folders:
        for url, kind, payload in responses(folder):
            language = labels.get((folder.name, url))
            if language and "html" in (kind or "html"):
                groups[language.lower().partition("-")[0]].append((payload, kind))
    ours, fast, slow = (registry.build("extractors", EXTRACTORS[i][1]) for i in (3, 0, 1))
    print("language pages  chars/Resiliparse's  lines kept of Resiliparse's, of trafilatura's  pages below a fifth")
    for language, pages in sorted(groups.items()):
        sample = pages[:: max(1, len(pages) // PER_LANGUAGE)][:PER_LANGUAGE]
        found, wide, strict = (texts_of(extractor, sample) for extractor in (ours, fast, slow))
        shares = [
            sum(len(lines_of(text) & lines_of(other)) for text, other in zip(found, others, strict=True))
            / max(1, sum(len(lines_of(other)) for other in others))
            for others in (wide, strict)
        ]
        size = sum(map(len, found)) / max(1, sum(map(len, wide)))
        few = sum(len(text) < len(other) / 5 for text, other in zip(found, wide, strict=True))
        print(
            f"{language:<8} {len(sample):>5}  {size:>8.2f}  {shares[0]:>8.2f} {shares[1]:>8.2f}  {few:>4}", flush=True
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gold", type=Path)
    parser.add_argument("crawls", type=Path, nargs="*")
    parser.add_argument("--manifest", type=Path, help="languages of the crawled pages (JSON lines, gzip)")
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU seconds a measurement of speed takes at least")
    options = parser.parse_args()
    gold_table(gold_pages(options.gold), options.seconds)
    if options.crawls and options.manifest:
        language_table(options.crawls, options.manifest)


if __name__ == "__main__":
    main()
