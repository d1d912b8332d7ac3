"""Fits the trees of the `main_text` extractor: `python -m benchmarks.fit_main_text GOLD CRAWL... [--pages FOLDER...]`.

Blocks of the gold pages of the half to develop on (see `extraction_gold.py`) are labelled by the share of their words
that lie in a shingle of the gold text. So that more sites, documentation and other languages are known too, pages
without gold are labelled by Resiliparse and trafilatura: crawled ones where both agree, files of HTML also where one
alone keeps a block. The shipped trees were fitted with the HTML files of `tests/cache` and `tests/eval` of
adbar/trafilatura as `--pages`; their human annotations are not used.
"""

import argparse
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import trafilatura
from resiliparse.extract.html2text import extract_plain_text

from benchmarks.boosting import fit
from benchmarks.extraction_gold import Page, gold_pages, responses, shingles_of, words_of
from spark_jobs.text.block_columns import WEIGHT
from spark_jobs.text.block_features import features
from spark_jobs.text.block_kernel import segment
from spark_jobs.text.block_text import write_blocks
from spark_jobs.text.charset import decode_payload
from spark_jobs.text.media_type import kind_of

PER_SITE = 1  # pages of a crawl, folder and language
# Weight of all blocks of a sort together, against the gold ones.
CRAWL_WEIGHT = 0.1
PAGES_WEIGHT = 1.0
# Labels of blocks that one program alone keeps: trafilatura errs by leaving out, Resiliparse by keeping.
ONLY_TRAFILATURA = 0.8
ONLY_RESILIPARSE = 0.15
MIN_CHARS = 250  # of a page's text by trafilatura
SHORT = 15  # characters of a block below which it is looked for together with its neighbours
SETTINGS = {"trees": 120, "depth": 5, "rate": 0.1, "penalty": 3.0, "share": 0.3}
_UNSEEN = re.compile(r"[\s•|-]+")

Rows = tuple[Any, Any, Any]


def block_texts(page: str) -> tuple[Any, Any, list[str]]:
    """Features, weights and texts of the blocks of a page."""
    data = np.frombuffer(page.encode("utf-8", "surrogatepass"), np.uint8)
    elements, runs, blocks, _, _ = segment(data)
    texts = []
    chosen = np.zeros(len(blocks), np.bool_)
    for block in range(len(blocks)):
        chosen[block] = True
        texts.append(write_blocks(data, (elements, runs, blocks), chosen, bullets=False))
        chosen[block] = False
    return features(elements, blocks), blocks[:, WEIGHT].astype(np.float64), texts


def gold_rows(page: Page) -> Rows:
    """Features, labels and weights of a gold page: a label is the share of a block's words that are in the gold."""
    rows, _, texts = block_texts(decode_payload(page.payload, page.content_type)[0])
    gold = set(shingles_of(words_of(page.gold)))
    words = [(word, block) for block, text in enumerate(texts) for word in words_of(text)]
    owner = np.array([block for _, block in words], np.int64)
    covered = np.zeros(len(words), np.bool_)
    for i in range(len(words) - 3):
        if tuple(word for word, _ in words[i : i + 4]) in gold:
            covered[i : i + 4] = True
    count = np.bincount(owner, minlength=len(texts))
    labels = np.bincount(owner, weights=covered, minlength=len(texts)) / np.maximum(count, 1)
    return rows, labels, np.minimum(1.0, np.sqrt((count + 1) / max(1.0, float(covered.sum()))))


def crawl_rows(page: str) -> Rows:
    """Features, labels and weights of the blocks that both programs keep, or neither."""
    rows, weights, texts = block_texts(page)
    wide = kept_by(by_resiliparse(page), texts)
    agreed = wide == kept_by(
        trafilatura.extract(page, include_comments=False, favor_recall=True, deduplicate=False, fast=True) or "", texts
    )
    weights = weights[agreed]
    share = (weights + 1) / max(1.0, float(weights.sum()))
    return rows[agreed], wide[agreed].astype(np.float64), np.minimum(1.0, np.sqrt(share))


def page_rows(page: str) -> Rows:
    """Features, labels and weights of all blocks of a page, by both programs."""
    rows, weights, texts = block_texts(page)
    strict = trafilatura.extract(page, include_comments=False, favor_precision=True, deduplicate=False) or ""
    if len(strict) <= MIN_CHARS:
        return rows[:0], weights[:0], weights[:0]
    wide = kept_by(by_resiliparse(page), texts)
    labels = np.where(
        kept_by(strict, texts), np.where(wide, 1.0, ONLY_TRAFILATURA), np.where(wide, ONLY_RESILIPARSE, 0.0)
    )
    share = (weights + 1) / max(1.0, float((weights * labels).sum()))
    return rows, labels, np.minimum(1.0, np.sqrt(share))


def by_resiliparse(page: str) -> str:
    """Main text by Resiliparse, without comments, dates and pictures."""
    return str(
        extract_plain_text(
            page, preserve_formatting=True, main_content=True, alt_texts=False, comments=False, post_meta=False
        )
    )


def kept_by(text: str, blocks: list[str]) -> Any:
    """Which blocks are in a program's text, white space, bullets and the marks of tables aside."""
    bare = _UNSEEN.sub("", text)
    plain = [_UNSEEN.sub("", block) for block in blocks]
    kept = np.zeros(len(blocks), np.bool_)
    for i, block in enumerate(plain):
        if len(block) >= SHORT:
            kept[i] = block in bare
            continue
        before = plain[i - 1][-12:] if i else ""
        after = plain[i + 1][:12] if i + 1 < len(plain) else ""
        kept[i] = before + block in bare or block + after in bare
    return kept


def crawled(folders: list[Path]) -> Iterator[str]:
    """A few pages of each folder of a site, spread over its languages (the end of the file's name)."""
    sites: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for folder in folders:
        for url, kind, payload in responses(folder):
            if payload and kind_of(payload, kind) == "html":
                parent, _, name = url.rpartition("/")
                order = hashlib.sha256(url.encode()).hexdigest()
                sites[folder.name, parent, name.partition(".")[2]].append((order, decode_payload(payload, kind)[0]))
    for site in sorted(sites):
        yield from (page for _, page in sorted(sites[site])[:PER_SITE])


def joined(parts: list[Rows]) -> Rows:
    """All rows under one another."""
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]


def main() -> None:
    """Fit and write the trees."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gold", type=Path)
    parser.add_argument("crawls", type=Path, nargs="*")
    parser.add_argument("--pages", type=Path, nargs="*", default=[], help="folders of HTML files")
    parser.add_argument("--out", type=Path, default=Path("spark_jobs/text/main_text.json"))
    options = parser.parse_args()
    rows, labels, weights = joined([gold_rows(page) for page in gold_pages(options.gold) if page.develop])
    print(f"{len(rows)} blocks of gold pages")
    gold_weight = weights.sum()
    files = sorted(path for folder in options.pages for path in folder.rglob("*.htm*"))
    for others, weight in (
        ([crawl_rows(page) for page in crawled(options.crawls)], CRAWL_WEIGHT),
        ([page_rows(decode_payload(path.read_bytes(), None)[0]) for path in files], PAGES_WEIGHT),
    ):
        if others:
            more = joined(others)
            print(f"{len(more[0])} blocks of {len(others)} pages without gold", flush=True)
            scaled = (more[0], more[1], more[2] * weight * gold_weight / more[2].sum())
            rows, labels, weights = joined([(rows, labels, weights), scaled])
    trees = fit(rows, labels, weights, **SETTINGS)
    stored = {
        "start": round(trees.start, 6),
        "feature": trees.feature.tolist(),
        "bound": [[float(f"{value:.6g}") if np.isfinite(value) else 1e30 for value in row] for row in trees.bound],
        "leaf": [[round(float(value), 5) for value in row] for row in trees.leaf],
    }
    options.out.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
