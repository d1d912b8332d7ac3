"""Everything below a folder as readers of its formats see it: which places hold a piece of text, however it is packed.

Parquet is decoded to values, SQLite to cells, compressed files to what is in them, JSON (also inside of JSON, and of
cells) to its strings; all files are also looked at as bytes. A search through compressed pages would find nothing and
prove nothing; `tests/unit/test_decoded.py` plants a text in each and finds it.
"""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import zstandard


def places(home: Path, text: str, *, leave_out: tuple[str, ...] = ()) -> list[str]:
    """Files below `home`, relative to it, that hold the text."""
    found = []
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        name = path.relative_to(home).as_posix()
        if not name.startswith(leave_out) and any(_in(value, text) for value in _decoded(path)):
            found.append(name)
    return found


def _in(value: Any, text: str) -> bool:
    if isinstance(value, str):
        return text in value or any(_in(inner, text) for inner in _json(value))
    if isinstance(value, (bytes, bytearray, memoryview)):
        return text.encode() in bytes(value) or _in(bytes(value).decode("utf-8", "replace"), text)
    if isinstance(value, dict):
        return any(_in(inner, text) for pair in value.items() for inner in pair)
    if isinstance(value, (list, tuple)):
        return any(_in(inner, text) for inner in value)
    return False


def _json(value: str) -> Iterator[Any]:
    """What a text says that is JSON, or JSON lines: there a text may be written with escapes."""
    if "\\" not in value:  # nothing is escaped, so it was looked at already
        return
    for line in (value, *value.split("\n")):
        if line.lstrip()[:1] in ("{", "[", '"'):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if found != value:
                yield found


def _decoded(path: Path) -> Iterator[Any]:
    data = path.read_bytes()
    yield data
    if data[:4] == b"PAR1":
        yield from (row for batch in pq.ParquetFile(path).iter_batches() for row in batch.to_pylist())
    elif data[:16] == b"SQLite format 3\0":
        yield from _cells(path)
    elif data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:4] == b"\x28\xb5\x2f\xfd":
        yield zstandard.ZstdDecompressor().stream_reader(data).read()


def _cells(path: Path) -> Iterator[Any]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            yield from database.execute(f'SELECT * FROM "{table}"')
    finally:
        database.close()
