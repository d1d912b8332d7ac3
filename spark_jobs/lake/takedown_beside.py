"""What lies beside the tables and holds text: candidates that were never published, exports and reports below HOME.

Each is judged by the keys that its files hold. A file that cannot be read may hold anything, so it goes as well.
"""

import gzip
import io
import json
from collections.abc import Iterator, Mapping
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

_IDS = ("doc_id", "id", "parent_id")
_BY_RULE: Mapping[str, str] = {"canonical_url": "url", "licence": "licence"}
_JSON = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz")
_MANIFEST = "_manifest.json"
_BATCH_ROWS = 65536


@dataclass(frozen=True)
class Wanted:
    """What is looked for: ids of documents, and the values of the other kinds of rules."""

    documents: frozenset[str]
    rules: Mapping[str, frozenset[str]]

    def in_batch(self, batch: pa.RecordBatch) -> bool:
        """Whether a batch of key columns has a row of it."""
        for name in batch.schema.names:
            column = batch.column(name)
            if name in _IDS and _any(column, self.documents):
                return True
            if name in _BY_RULE and _any(column, self.rules.get(_BY_RULE[name], frozenset())):
                return True
            if name == "host" and any(map(self._below, pc.unique(column).to_pylist())):
                return True
        return False

    def _below(self, host: str | None) -> bool:
        labels = (host or "").split(".")
        return any(".".join(labels[at:]) in self.rules.get("domain", frozenset()) for at in range(len(labels)))


def _any(column: pa.Array, values: frozenset[str]) -> bool:
    if not values:
        return False
    return bool(pc.any(pc.is_in(column, value_set=pa.array(sorted(values), column.type))).as_py())


def candidates_with(lake: Lake, wanted: Wanted) -> list[str]:
    """Folders of candidates (below `candidates/`) that hold such rows."""
    root = storage.join(lake.home, "candidates")
    held: set[str] = set()
    for name in storage.below(root):
        attempt = "/".join(name.split("/")[:3])
        if attempt not in held and name.endswith(".parquet") and _parquet_holds(storage.join(root, name), wanted):
            held.add(attempt)
    return sorted(held)


def exports_with(lake: Lake, wanted: Wanted) -> list[str]:
    """Folders of exports, or lone files, below `releases/` that hold such rows."""
    root = storage.join(lake.home, "releases")
    names = storage.below(root)
    folders = {name.rpartition("/")[0] for name in names if name.endswith(f"/{_MANIFEST}") or name == _MANIFEST}
    held: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        if folder in held:
            continue
        place = storage.join(root, name)
        holds = (name.endswith(".parquet") and _parquet_holds(place, wanted)) or (
            name.endswith(_JSON) and _json_holds(place, wanted)
        )
        if holds:
            # A part of an export is no export: its manifest would speak of files that are gone.
            held.add(folder if folder in folders else name)
    return sorted(held)


def reports_of(lake: Lake, snapshots: frozenset[str]) -> list[str]:
    """Pages below `reports/` on some snapshots: they show figures, hosts and on request texts of what was there."""
    names = storage.below(storage.join(lake.home, "reports"))
    return [name for name in names if snapshots & {part.removesuffix(".html") for part in name.split("/")}]


def remove(lake: Lake, room: str, names: list[str]) -> None:
    """Delete files or folders below a room of HOME."""
    for name in names:
        storage.remove(storage.join(lake.home, room, name))


def _parquet_holds(place: str, wanted: Wanted) -> bool:
    try:
        with fsspec.open(place, "rb") as file:
            read = pq.ParquetFile(file)
            asked = [name for name in (*_IDS, *_BY_RULE, "host") if name in read.schema_arrow.names]
            return bool(asked) and any(map(wanted.in_batch, read.iter_batches(_BATCH_ROWS, columns=asked)))
    except (pa.ArrowInvalid, OSError):  # what a killed run left has no footer
        return True


def _json_holds(place: str, wanted: Wanted) -> bool:
    try:
        return any(wanted.in_batch(batch) for batch in _json_batches(place))
    except (ValueError, EOFError, OSError, zstandard.ZstdError):
        return True


def _json_batches(place: str) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    for line in _lines(place):
        found = json.loads(line)
        rows.append({name: found.get(name) for name in (*_IDS, *_BY_RULE, "host")})
        if len(rows) == _BATCH_ROWS:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in rows[0]]))


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
