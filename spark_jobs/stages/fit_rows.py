"""The rows a scorer is fitted and judged on: reference texts that the recipe names, and a bounded sample of the pool.

A fit is no pure stage: it ends in a file that one process writes. So this is the one place where texts come to the
driver; how many and how long is set by the recipe, and which ones by a hash of their keys.
"""

import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

import fsspec
import pyarrow as pa
import zstandard
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import InputError
from spark_jobs.operators.base import Scorer
from spark_jobs.recipe.sections.scored import FileTexts, FitSection, InstalledTexts, PoolTexts
from spark_jobs.text.reference_texts import SourceText, docstrings, package_pages, python_topics
from spark_jobs.text.snippets import (
    Snippet,
    by_hash,
    cut_document,
    hash64,
    held_out_sources,
    match_lengths,
    without_passages_of,
)

_MIN_ROWS = 20  # matched snippets of each class, for fitting and for judging: below that no figure means anything


@dataclass(frozen=True)
class Rows:
    """What a model is fitted on and judged on. Snippets are normalised and of like length; documents are whole."""

    fitted: tuple[list[Snippet], list[Snippet]]
    held_out: tuple[list[Snippet], list[Snippet]]
    held_out_references: list[SourceText]
    held_out_pool: list[SourceText]
    unfitted_pool: list[SourceText]
    held_out_by: tuple[str, str]
    length_auc_inputs: tuple[list[int], list[int]]


def read_references(fit: FitSection, pool: DataFrame) -> list[SourceText]:
    """The reference texts of the recipe, at most `fit.references`, chosen by hash; sorted by key."""
    found = nsmallest(
        fit.references, _all_references(fit, pool), key=lambda text: (hash64(text.key, fit.seed), text.key)
    )
    unique = {text.key: text for text in found}
    return [unique[key] for key in sorted(unique)]


def _all_references(fit: FitSection, pool: DataFrame) -> Iterator[SourceText]:
    for source in fit.positives:
        if source.installed is not None:
            yield from _installed(source.installed)
        if source.files is not None:
            yield from _in_files(source.files)
        if source.pool is not None:
            yield from sampled(pool.where(_named(source.pool)), fit, documents=fit.references)


def _installed(source: InstalledTexts) -> Iterator[SourceText]:
    if source.topics:
        yield from python_topics()
    for package in source.packages:
        yield from docstrings(package)


def _in_files(source: FileTexts) -> Iterator[SourceText]:
    for location in located(source):
        lines = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz")
        with _opened(location) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="replace")
            name = location.rstrip("/").rpartition("/")[2]
            if location.endswith(lines):
                yield from _json_lines(text, source, location, name)
            else:
                yield SourceText(name, name, text.read())


def _json_lines(lines: Iterable[str], source: FileTexts, location: str, name: str) -> Iterator[SourceText]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row[source.text_field]
            group = name if source.source_field is None else str(row[source.source_field])
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{location}, line {number}: not a JSON object with the keys of the recipe "
                f"({type(error).__name__}); correct the file or text_field and source_field"
            ) from None
        if not isinstance(text, str):
            raise InputError(f"{location}, line {number}: {source.text_field} is no text; correct the file or text_field")
        yield SourceText(f"{name}#{number}", group, text)


def located(source: FileTexts) -> list[str]:
    """The files of a source of reference texts, sorted. Raises InputError for a path that names none."""
    found: set[str] = set()
    for pattern in source.resolved():
        matches = [file.full_name for file in fsspec.open_files(pattern, "rb")]
        existing = [m for m in matches if fsspec.core.url_to_fs(m)[0].isfile(fsspec.core.url_to_fs(m)[1])]
        if not existing:
            raise InputError(f"{pattern}: no reference texts there; correct scored.fit.positives.files.paths")
        found.update(existing)
    return sorted(found)


def digest_of(source: FileTexts) -> list[str]:
    """Hex SHA-256 of each file's bytes, sorted by location: what the files hold, not where they lie."""
    digests = []
    for location in located(source):
        with fsspec.open(location, "rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests


def _opened(location: str) -> Any:
    raw = fsspec.open(location, "rb").open()
    if location.endswith(".gz"):
        return gzip.open(raw, "rb")
    return zstandard.ZstdDecompressor().stream_reader(raw) if location.endswith(".zst") else raw


def _named(source: PoolTexts) -> Column:
    named = F.col("source").isin(list(source.sources)) if source.sources else F.lit(False)
    for host in source.hosts:
        named = named | (F.col("host") == host) | F.col("host").endswith(f".{host}")
    return F.coalesce(named, F.lit(False))


def pool_rows(cleaned: DataFrame, fit: FitSection) -> DataFrame:
    """Kept documents of the pool in the languages of the fit."""
    rows = cleaned.where("kept")
    return rows.where(F.col("language").isin(list(fit.languages))) if fit.languages else rows


def not_named(pool: DataFrame, fit: FitSection) -> DataFrame:
    """The pool without the documents that the recipe takes as references."""
    for source in fit.positives:
        if source.pool is not None:
            pool = pool.where(~_named(source.pool))
    return pool


def sampled(pool: DataFrame, fit: FitSection, *, documents: int) -> list[SourceText]:
    """At most `documents` documents by hash of their key, at most `document_chars` of each; one a URL and a text."""
    order = F.xxhash64("snapshot", "doc_id", F.lit(fit.seed))
    rows = (
        pool.select("snapshot", "doc_id", "canonical_url", "host", F.substring("text", 1, fit.document_chars).alias("text"))
        .orderBy(order, "snapshot", "doc_id")
        .limit(documents)
    )
    seen: set[str] = set()
    texts = []
    for row in rows.toLocalIterator():
        text = row["text"] or ""
        names = {f"url {row['canonical_url'] or row['doc_id']}", f"text {hash64(text, 0)}"}
        if text and seen.isdisjoint(names):
            texts.append(SourceText(f"{row['snapshot']}/{row['doc_id']}", row["host"] or "no host", text))
        seen |= names
    return texts


def read_pool(fit: FitSection, pool: DataFrame) -> tuple[list[SourceText], int]:
    """The sample of the pool, and how many of its documents are stand-ins because the pool is too small."""
    texts = sampled(not_named(pool, fit), fit, documents=fit.documents)
    if len(texts) >= fit.min_pool_documents:
        return texts, 0
    pages = [SourceText(page.key, page.source, page.text[: fit.document_chars]) for page in package_pages()]
    return texts + pages, len(pages)


def arrange(scorer: Scorer, fit: FitSection, references: Sequence[SourceText], pool: Sequence[SourceText]) -> Rows:
    """Normalise, split by source, cut to snippets, take shared passages out of the pool's, match lengths.

    Raises InputError when there is too little text to fit or to judge a model.
    """
    sides = [_split(texts, fit) for texts in (references, pool)]
    references_cut = [_snippets(scorer, fit, part, (fit.snippet_chars,)) for part in sides[0][:2]]
    every = [snippet for part in references_cut for snippet in part]
    lengths = sorted(len(snippet.text) for snippet in every) or [fit.snippet_chars]
    pool_cut = [without_passages_of(_snippets(scorer, fit, part, lengths), every) for part in sides[1][:2]]
    fitted = match_lengths(references_cut[0], pool_cut[0], seed=fit.seed)
    held = match_lengths(references_cut[1], pool_cut[1], seed=fit.seed)
    if min(len(fitted[0]), len(held[0])) < _MIN_ROWS:
        raise InputError(
            f"too little text to fit {scorer.name}: {len(fitted[0])} snippets to fit on and {len(held[0])} to hold out, of "
            f"{len(references)} references and {len(pool)} pool documents in {', '.join(fit.languages) or 'all languages'}; "
            f"{_MIN_ROWS} are needed. Read more of the crawl, or name more references in scored.fit.positives"
        )
    used = {snippet.document for snippet in fitted[1]}
    return Rows(
        fitted=fitted,
        held_out=held,
        held_out_references=list(sides[0][1]),
        held_out_pool=list(sides[1][1]),
        unfitted_pool=[text for text in pool if text.key not in used],
        held_out_by=(sides[0][2], sides[1][2]),
        length_auc_inputs=([len(t.text) for t in references], [len(t.text) for t in pool]),
    )


def resampled(scorer: Scorer, fit: FitSection, rows: Rows, pool: Sequence[SourceText], *, seed: int) -> tuple[
    list[Snippet], list[Snippet]
]:  # fmt: skip
    """Another sample to fit on: the same references, other snippets of the pool's fitted side."""
    held = {text.key for text in rows.held_out_pool}
    texts = [text for text in pool if text.key not in held]
    changed = fit.model_copy(update={"seed": seed})
    lengths = sorted(len(snippet.text) for snippet in rows.fitted[0])
    snippets = by_hash(without_passages_of(_snippets(scorer, changed, texts, lengths), rows.fitted[0]), seed)
    return match_lengths(rows.fitted[0], snippets[: max(1, (len(snippets) * 2) // 3)], seed=seed)


def _split(texts: Sequence[SourceText], fit: FitSection) -> tuple[list[SourceText], list[SourceText], str]:
    sources = held_out_sources([(t.key, t.source) for t in texts], share=fit.held_out, seed=fit.seed)
    if sources:
        return [t for t in texts if t.source not in sources], [t for t in texts if t.source in sources], "source"
    line = int(fit.held_out * 2**64)
    held = {t.key for t in texts if hash64(t.key, fit.seed) < line}
    return [t for t in texts if t.key not in held], [t for t in texts if t.key in held], "document"


def _snippets(scorer: Scorer, fit: FitSection, texts: Sequence[SourceText], lengths: Sequence[int]) -> list[Snippet]:
    seen = scorer.normalised(pa.array([t.text[: fit.document_chars] for t in texts], pa.large_string())).to_pylist()
    return [
        snippet
        for text, plain in zip(texts, seen, strict=True)
        for snippet in cut_document(
            text.key, text.source, plain, lengths=lengths, minimum=fit.min_snippet_chars,
            most=fit.snippets_per_document, seed=fit.seed,
        )
    ]  # fmt: skip
