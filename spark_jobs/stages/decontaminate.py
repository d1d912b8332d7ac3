"""Benchmarks of a recipe: reading their items, and finding them in frames of documents. What counts is in text/."""

import gzip
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fsspec
import zstandard
from pyspark.sql import DataFrame

from spark_jobs.errors import RecipeError
from spark_jobs.recipe.sections.mixed import Benchmark, MixedSection
from spark_jobs.stages.mix_workers import MATCHES, FindItems
from spark_jobs.text.contamination import BenchmarkIndex, Item, is_checkable, items_of

_LISTED = 200  # ids of items that cannot be checked, as far as a record lists them


@dataclass(frozen=True)
class BenchmarkFile:
    """A benchmark as read: its items, and the digest of its file."""

    name: str
    path: str
    digest: str
    items: tuple[Item, ...]


def read_benchmark(benchmark: Benchmark) -> BenchmarkFile:
    """Read a benchmark's file. Raises RecipeError when it is missing, is no JSONL, or lacks a field."""
    data = _content(benchmark)
    rows = [(number, line) for number, line in enumerate(_plain(benchmark, data).splitlines(), 1) if line.strip()]
    if not rows:
        raise RecipeError(f"mixed.benchmarks: {benchmark.name}: {benchmark.location} holds no items")
    parsed = [(number, _fields(benchmark, number, line)) for number, line in rows]
    ids = [str(fields[benchmark.id_field]) if benchmark.id_field else str(number) for number, fields in parsed]
    texts = ["\n".join(str(fields[name]) for name in benchmark.fields) for _number, fields in parsed]
    return BenchmarkFile(
        benchmark.name, benchmark.path, hashlib.sha256(data).hexdigest(), items_of(benchmark.name, ids, texts)
    )


def benchmark_digest(benchmark: Benchmark) -> str:
    """Hex SHA-256 of the benchmark's file, without parsing it."""
    return hashlib.sha256(_content(benchmark)).hexdigest()


def _content(benchmark: Benchmark) -> bytes:
    try:
        with fsspec.open(benchmark.location, "rb") as file:
            return bytes(file.read())
    except (OSError, ValueError, ImportError) as error:
        raise RecipeError(
            f"mixed.benchmarks: {benchmark.name}: {benchmark.location} cannot be read "
            f"({type(error).__name__}); correct its path in the recipe, or take it out"
        ) from error


def _plain(benchmark: Benchmark, data: bytes) -> str:
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        elif data[:4] == b"\x28\xb5\x2f\xfd":
            data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        return data.decode("utf-8")
    except (OSError, EOFError, zstandard.ZstdError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"mixed.benchmarks: {benchmark.name}: {benchmark.location} is not UTF-8 JSON lines "
            f"({type(error).__name__}); give a .jsonl file, plain, gzip or zstd"
        ) from error


def _fields(benchmark: Benchmark, number: int, line: str) -> Mapping[str, Any]:
    where = f"mixed.benchmarks: {benchmark.name}: line {number} of {benchmark.location}"
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise RecipeError(f"{where} is not JSON; give a file with one JSON object a line") from error
    wanted = [*benchmark.fields, *([benchmark.id_field] if benchmark.id_field else [])]
    missing = [name for name in wanted if not isinstance(fields, dict) or fields.get(name) is None]
    if missing:
        raise RecipeError(f"{where} has no field {', '.join(missing)}; correct `fields` or `id_field` in the recipe")
    return dict(fields)


@dataclass(frozen=True)
class Benchmarks:
    """All benchmarks of a recipe, indexed."""

    files: tuple[BenchmarkFile, ...]
    index: BenchmarkIndex

    @classmethod
    def of(cls, section: MixedSection) -> "Benchmarks | None":
        """The recipe's benchmarks; None when it names none."""
        if not section.benchmarks:
            return None
        files = tuple(read_benchmark(benchmark) for benchmark in section.benchmarks)
        items = [item for file in files for item in file.items]
        return cls(files, BenchmarkIndex.build(items, section.decontamination.as_rule()))

    def found_in(self, texts: DataFrame) -> DataFrame:
        """Of rows (snapshot, doc_id, text) those that hold an item: snapshot, doc_id, matches."""
        schema = f"snapshot STRING, doc_id STRING, matches {MATCHES}"
        return texts.select("snapshot", "doc_id", "text").mapInArrow(FindItems(self.index), schema)

    def facts(self, dropped: Mapping[str, int]) -> list[dict[str, Any]]:
        """What the record says: file, digest, items, those too short to be checked, documents dropped."""
        return [
            {
                "name": file.name, "path": file.path, "digest": file.digest, "items": len(file.items),
                "not_checkable": len(short := [i.item for i in file.items if not is_checkable(i, self.index.rule)]),
                "not_checkable_items": short[:_LISTED], "documents_dropped": dropped.get(file.name, 0),
            }
            for file in self.files
        ]  # fmt: skip
