"""The search that proves a takedown finds a planted text in everything that it looks at afterwards."""

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.decoded import places

PLAIN = "the ferry leaves at nine and comes back at noon"
# Written with escapes in JSON: quotes, an end of a line, letters that are not ASCII.
NEEDLES = (PLAIN, f'he said "{PLAIN}"', f"{PLAIN}\nand 日本", "Fährzeiten des Hafens von Kristiansand im Winter")


def sqlite(path: Path, text: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE events (id INTEGER, event TEXT)")
        database.execute("INSERT INTO events VALUES (1, ?)", (json.dumps({"message": text, "more": [1]}),))
    database.close()


def sqlite_blob(path: Path, text: str) -> None:
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE "a table" (data BLOB)')
        database.execute('INSERT INTO "a table" VALUES (?)', (text.encode(),))
    database.close()


def delta_log(path: Path, text: str) -> None:
    record = json.dumps({"kind": "main", "facts": {"example": text}})
    lines = [{"commitInfo": {"timestamp": 0, "userMetadata": record}}, {"add": {"path": "a", "stats": "{}"}}]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")


def statistics(path: Path, text: str) -> None:
    add = {"add": {"path": "a", "stats": json.dumps({"minValues": {"text": text}})}}
    path.write_text(json.dumps(add) + "\n", "utf-8")


def checkpoint(path: Path, text: str) -> None:
    add = {"path": "a", "partitionValues": [("snapshot", "s")], "stats": json.dumps({"minValues": {"text": text}})}
    maps = pa.map_(pa.string(), pa.string())
    schema = pa.schema([
        ("add", pa.struct([("path", pa.string()), ("partitionValues", maps), ("stats", pa.string())])),
        ("commitInfo", pa.struct([("tags", maps)])),
    ])  # fmt: skip
    rows = [{"add": None, "commitInfo": None}] * 300 + [{"add": add, "commitInfo": None}]
    pq.write_table(pa.Table.from_pylist(rows, schema), path, compression="zstd")


def checkpoint_map(path: Path, text: str) -> None:
    tags = pa.schema([("commitInfo", pa.struct([("tags", pa.map_(pa.string(), pa.string()))]))])
    pq.write_table(pa.Table.from_pylist([{"commitInfo": {"tags": [("record", text)]}}], tags), path)


def json_log(path: Path, text: str) -> None:
    path.write_text(
        "a line that is no JSON\n" + json.dumps({"level": "INFO", "told": [{"text": text}]}) + "\n", "utf-8"
    )


def page(path: Path, text: str) -> None:
    table = pa.table({"doc_id": ["x"] * 1000, "text": [f"words before it, {text}, and after"] * 1000})
    pq.write_table(table, path, compression="snappy")


def gzipped(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(json.dumps({"id": "x", "text": text}).encode() + b"\n"))


def zstandarded(path: Path, text: str) -> None:
    path.write_bytes(zstandard.ZstdCompressor().compress(json.dumps({"id": "x", "text": text}).encode() + b"\n"))


PLANT = (sqlite, sqlite_blob, delta_log, statistics, checkpoint, checkpoint_map, json_log, page, gzipped, zstandarded)


@pytest.mark.parametrize("text", NEEDLES, ids=("plain", "quoted", "lines", "letters"))
@pytest.mark.parametrize("plant", PLANT, ids=lambda plant: plant.__name__)
def test_a_planted_text_is_found(tmp_path: Path, plant: Callable[[Path, str], None], text: str) -> None:
    for name, planted in (("with", text), ("without", "nothing of it")):
        (tmp_path / name).mkdir()
        plant(tmp_path / name / "file", planted)
    assert places(tmp_path, text) == ["with/file"]


def test_what_a_database_has_not_yet_taken_in_is_found(tmp_path: Path) -> None:
    """A server that was killed leaves its last rows beside the database."""
    writer = sqlite3.connect(tmp_path / "events.db")
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE events (event TEXT)")
    writer.execute("INSERT INTO events VALUES (?)", (json.dumps({"said": NEEDLES[1]}),))
    writer.commit()
    found = places(tmp_path, NEEDLES[1])
    writer.close()
    assert "events.db" in found
