"""The texts a scorer is fitted and judged on: references that the recipe names, and a bounded sample of the pool.

A fit is no pure stage: it ends in a file that one process writes. So this is the one place where texts come to the
driver; how many and how long is set by the recipe, and which ones by a hash of their keys.
"""

import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from typing import Any

import fsspec
import zstandard
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import InputError
from spark_jobs.recipe.sections.scored import FileTexts, FitSection, InstalledTexts, PoolTexts
from spark_jobs.text.reference_texts import SourceText, docstrings, package_pages, python_topics
from spark_jobs.text.snippets import hash64

_JSON_LINES = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz")


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
        with _opened(location) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="replace")
            name = location.rstrip("/").rpartition("/")[2]
            if location.endswith(_JSON_LINES):
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
            raise InputError(
                f"{location}, line {number}: {source.text_field} is no text; correct the file or text_field"
            )
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


def pool_rows(table: DataFrame, fit: FitSection) -> DataFrame:
    """Kept rows of `cleaned`, or accepted ones of `rewritten`, in the languages of the fit."""
    rows = table.where("kept")
    return rows.where(F.col("language").isin(list(fit.languages))) if fit.languages else rows


def with_parents(rewrites: DataFrame, cleaned: DataFrame) -> DataFrame:
    """Rewrites as rows of a pool: with page, host and source of their parents, by which they are held out."""
    parents = cleaned.select(
        F.col("snapshot").alias("parent_snapshot"), F.col("doc_id").alias("parent_id"),
        F.coalesce("canonical_url", "doc_id").alias("canonical_url"), "host", "source",
    )  # fmt: skip
    rows = rewrites.select("snapshot", "doc_id", "parent_snapshot", "parent_id", "text")
    return rows.join(parents, ["parent_snapshot", "parent_id"])


def not_named(pool: DataFrame, fit: FitSection) -> DataFrame:
    """The pool without the documents that the recipe takes as references."""
    for source in fit.positives:
        if source.pool is not None:
            pool = pool.where(~_named(source.pool))
    return pool


def sampled(pool: DataFrame, fit: FitSection, *, documents: int) -> list[SourceText]:
    """At most `documents` documents by hash of their key, at most `document_chars` of each; one a URL and a text."""
    order = F.xxhash64("snapshot", "doc_id", F.lit(fit.seed))
    start = F.substring("text", 1, fit.document_chars).alias("text")
    rows = (
        pool.select("snapshot", "doc_id", "canonical_url", "host", start)
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


def read_pool(fit: FitSection, pool: DataFrame) -> list[SourceText]:
    """The sample of the pool, without the documents that the recipe takes as references."""
    return sampled(not_named(pool, fit), fit, documents=fit.documents)


def stand_ins(fit: FitSection) -> list[SourceText]:
    """What stands in beside a pool that is too small: the README texts of the installed packages."""
    return [SourceText(page.key, page.source, page.text[: fit.document_chars]) for page in package_pages()]
