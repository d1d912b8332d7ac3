"""What lies beside the tables and holds text: how its files are judged, candidates that were not published, reports.

Each file is judged by the keys that it holds. One that cannot be read may hold anything, so it goes as well.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import zstandard
from fsspec.core import url_to_fs

from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.suppressions import host_in, names_above

CANDIDATES, REPORTS = "candidates", "reports"
HOLDING, UNREADABLE = "holding", "unreadable"
DATA = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz")
_IDS = ("doc_id", "id", "parent_id")
_BY_RULE: Mapping[str, str] = {"canonical_url": "url", "licence": "licence"}
_KEYS = (*_IDS, *_BY_RULE, "host")
_WITH_TEXT = "-with-text.html"  # how a page is named for which texts were asked
_PAGE_DEPTH = 3  # TABLE/SNAPSHOT/PAGE, where the program writes one
_BATCH_ROWS = 65536


@dataclass(frozen=True)
class Judged:
    """Places below a folder: those with rows of the documents, and those that hold what nobody can read."""

    holding: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All of them."""
        return sorted({*self.holding, *self.unreadable})


@dataclass(frozen=True)
class Wanted:
    """What is looked for: ids of documents, and the values of the other kinds of rules."""

    documents: frozenset[str]
    rules: Mapping[str, frozenset[str]]

    def in_batch(self, batch: pa.RecordBatch) -> bool:
        """Whether a batch of key columns has a row of it."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        return (
            any(_any(columns[name], self.documents) for name in _IDS if name in columns)
            or any(_any(columns[name], self._values(kind)) for name, kind in _BY_RULE.items() if name in columns)
            or (bool(self._values("domain")) and any(map(self._below, _hosts(columns))))
        )

    def _values(self, kind: str) -> frozenset[str]:
        return self.rules.get(kind, frozenset())

    def _below(self, host: str) -> bool:
        return not self._values("domain").isdisjoint(names_above(host))


def _hosts(columns: Mapping[str, pa.Array]) -> Iterator[str]:
    """The hosts of rows, also by their URLs: raw has no others."""
    if "host" in columns:
        yield from filter(None, pc.unique(columns["host"]).to_pylist())
    if "canonical_url" in columns:
        yield from map(host_in, filter(None, pc.unique(columns["canonical_url"]).to_pylist()))


def _any(column: pa.Array, values: frozenset[str]) -> bool:
    if not values:
        return False
    return bool(pc.any(pc.is_in(column, value_set=pa.array(sorted(values), column.type))).as_py())


def judge(place: str, wanted: Wanted) -> str | None:
    """HOLDING or UNREADABLE for a file of one of the endings DATA; None where nothing of it must go."""
    batches = _parquet_batches if place.endswith(".parquet") else _json_batches
    try:
        return HOLDING if any(map(wanted.in_batch, batches(place))) else None
    # What a killed run left has no footer, or ends in the middle.
    except (pa.ArrowException, ValueError, EOFError, OSError, zlib.error, zstandard.ZstdError):
        return UNREADABLE


def judged(places: Iterable[tuple[str, str]], wanted: Wanted) -> Judged:
    """`places` are files, each with the name of what goes if it must; a name is looked at until it is known to hold."""
    found: dict[str, set[str]] = {HOLDING: set(), UNREADABLE: set()}
    for name, file in places:
        if name not in found[HOLDING] and (verdict := judge(file, wanted)) is not None:
            found[verdict].add(name)
    return Judged(tuple(sorted(found[HOLDING])), tuple(sorted(found[UNREADABLE] - found[HOLDING])))


def candidates_with(lake: Lake, wanted: Wanted) -> Judged:
    """Folders of candidates (TABLE/PARTITION/ATTEMPT below `candidates/`) that hold such rows."""
    root = storage.join(lake.home, CANDIDATES)
    files = (name for name in storage.below(root) if name.endswith(".parquet"))
    return judged((("/".join(name.split("/")[:3]), storage.join(root, name)) for name in files), wanted)


def reports_with(lake: Lake, snapshots: frozenset[str]) -> Judged:
    """Pages below `reports/` that can show a document of some snapshots: theirs, and all for which texts were asked.

    A page with texts shows survivors of other snapshots. What lies where the program writes no page may be one.
    """
    names = storage.below(storage.join(lake.home, REPORTS)) if snapshots else ()
    return Judged(holding=tuple(
        name for name in names
        if name.endswith(_WITH_TEXT) or name.count("/") + 1 != _PAGE_DEPTH or name.split("/")[1] in snapshots
    ))  # fmt: skip


def remove(root: str, names: Sequence[str]) -> None:
    """Delete files or folders below a folder."""
    for name in names:
        storage.remove(storage.join(root, name))


def _parquet_batches(place: str) -> Iterator[pa.RecordBatch]:
    with fsspec.open(place, "rb") as file:
        read = pq.ParquetFile(file)
        asked = [name for name in _KEYS if name in read.schema_arrow.names]
        if asked:
            yield from read.iter_batches(_BATCH_ROWS, columns=asked)


def _json_batches(place: str) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    for line in _lines(place):
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError(f"{place}: a line is no document")  # noqa: TRY004 - of the file, and caught with the others
        rows.append({name: None if found.get(name) is None else str(found[name]) for name in _KEYS})
        if len(rows) == _BATCH_ROWS:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in _KEYS]))


def _lines(place: str) -> Iterator[bytes]:
    system, path = url_to_fs(place)
    with system.open(path, "rb") as raw:
        if place.endswith(".gz"):
            with gzip.open(raw) as file:
                yield from file
        elif place.endswith(".zst"):
            yield from io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw))
        else:
            yield from raw
