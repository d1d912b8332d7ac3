"""The stage `read`: rows, errors and locator of a snapshot, whatever the partitions, wherever the files lie."""

import gzip
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.crawl.inputs import expand_inputs
from spark_jobs.crawl.inventory import inventory_frame
from spark_jobs.crawl.tasks import deal
from spark_jobs.crawl.url import url_hash
from spark_jobs.errors import InputError
from spark_jobs.lake.tables import TABLES
from spark_jobs.recipe.sections.raw import RawSection
from spark_jobs.stages.read import Read, with_ids
from spark_jobs.stages.stage import StageContext, StageOutput


def record(body: bytes, *, url: str = "http://a.example/", kind: str = "resource", name: str = "1") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2021-08-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{name}>\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n\r\n"


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """Two files, with one page in both, one page twice in one of them, a cut record and garbage."""
    root = tmp_path / "crawl"
    root.mkdir()
    twice = record(b"again", name="twice")
    members = [record(b"one"), record(b"GET", kind="request"), twice, twice, record(b"x" * 99)]
    (root / "a.warc.gz").write_bytes(b"".join(map(gzip.compress, members))[:-40])
    (root / "b.warc").write_bytes(twice + b"garbage" + record(b"two", url="http://B.example/#x"))
    (root / "c.jsonl").write_bytes(b'{"text": "three", "source": "own", "license": "CC0"}\n{broken\n')
    return root


def run(spark: Any, folder: Path, scratch: Path, files: list[str] | None = None) -> StageOutput:
    rows = inventory_frame(spark, expand_inputs(files or [str(folder)]), None).collect()
    entries = [row.asDict() for row in rows]
    frame = spark.createDataFrame([("s1", 1, entries, "the-crawl", None)], TABLES["snapshots"].columns)
    reader = SimpleNamespace(partition=lambda _table, _partition: frame)
    recipe: Any = SimpleNamespace(raw=RawSection())
    context = StageContext(spark=spark, recipe=recipe, partition="s1", inputs=reader, scratch=str(scratch))  # type: ignore[arg-type]
    return Read().run(context)


def test_every_record_is_a_row_or_an_error(spark: Any, crawl: Path, tmp_path: Path) -> None:
    output = run(spark, crawl, tmp_path / "scratch")
    assert set(output.main.columns) == set(StructType.fromDDL(TABLES["raw"].columns).names)
    rows = {(Path(r["source_file"]).name, bytes(r["payload"])): r for r in output.main.collect()}
    assert sorted(rows) == [
        ("a.warc.gz", b"again"), ("a.warc.gz", b"one"), ("b.warc", b"again"), ("b.warc", b"two"), ("c.jsonl", b"three"),
    ]  # fmt: skip
    assert output.main.count() == 6, "the page that comes twice in one file is two rows"
    two, three = rows["b.warc", b"two"], rows["c.jsonl", b"three"]
    assert (two["url"], two["canonical_url"], two["source"]) == ("http://B.example/#x", "b.example/", "the-crawl")
    assert (three["source"], three["licence"], three["content_type"]) == ("own", "CC0", "text/plain; charset=utf-8")
    errors = output.side["read_errors"].collect()
    assert {(Path(e["source_file"]).name, e["cause"], e["is_document"]) for e in errors} == {
        ("a.warc.gz", "bad_compression", True), ("a.warc.gz", "bad_compression", False), ("b.warc", "garbage", False),
        ("c.jsonl", "bad_json", True),
    }  # fmt: skip
    assert {e["snapshot"] for e in errors} == {"s1"}


def test_ids_are_unique_and_found_by_url(spark: Any, crawl: Path, tmp_path: Path) -> None:
    output = run(spark, crawl, tmp_path / "scratch")
    ids = [row["doc_id"] for row in output.main.select("doc_id").collect()]
    assert len(set(ids)) == 6
    assert all(len(doc_id) == 32 and int(doc_id, 16) >= 0 for doc_id in ids)
    found = output.side["locator"].where(f"url_hash = {url_hash('b.example/')}").collect()
    assert [row["url"] for row in found] == ["http://B.example/#x"]
    assert {row["doc_id"] for row in output.side["locator"].collect()} == set(ids)


def test_ids_do_not_depend_on_place_or_partitions(spark: Any, crawl: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "crawl"
    shutil.copytree(crawl, moved)
    here, there = run(spark, crawl, tmp_path / "s1").main, run(spark, moved, tmp_path / "s2").main

    def ids(frame: Any) -> list[tuple[str, int, str]]:
        wanted = frame.select("source_file", "source_offset", "doc_id").collect()
        return sorted((Path(row[0]).name, row[1], row[2]) for row in wanted)

    assert ids(here) == ids(there)
    keys = [("k", name, f"/{name}", offset, number) for name in "ab" for offset, number in ((0, 0), (0, 1), (9, 2))]
    schema = "identity STRING, source_name STRING, source_file STRING, source_offset BIGINT, number BIGINT"
    one = spark.createDataFrame(keys, schema).coalesce(1)
    many = spark.createDataFrame(keys[::-1], schema).repartition(5)
    assert sorted(map(tuple, with_ids(one).collect())) == sorted(map(tuple, with_ids(many).collect()))


def test_the_inventory_has_the_columns_of_the_registry(spark: Any, crawl: Path) -> None:
    files = expand_inputs([str(crawl)])
    frame = inventory_frame(spark, files)
    inputs: Any = StructType.fromDDL(TABLES["snapshots"].columns)["inputs"].dataType
    assert set(frame.columns) == set(inputs.elementType.names)
    rows = {row["name"]: row for row in frame.collect()}
    assert {name: row["documents"] for name, row in rows.items()} == {"a.warc.gz": 4, "b.warc": 2, "c.jsonl": 2}
    assert {file.uri: asdict(file)["bytes"] for file in files} == {row["uri"]: row["bytes"] for row in rows.values()}
    assert rows["a.warc.gz"]["ignored_kinds"] == '{"request": 1}'


def test_large_files_have_a_task_of_their_own_and_small_ones_share(spark: Any) -> None:
    sizes = [5 << 20, 9 << 20, *[1000] * 40]
    inputs = [(f"/{number}", "warc", size) for number, size in enumerate(sizes)]
    schema = "inputs ARRAY<STRUCT<uri STRING, format STRING, bytes LONG>>, source STRING"
    frame = spark.createDataFrame([(inputs, "s")], schema)
    dealt = deal(frame).withColumn("task", F.spark_partition_id()).collect()
    tasks = {row["uri"]: row["task"] for row in dealt}
    assert len(tasks) == len(dealt) == len(sizes)
    assert len(set(tasks.values())) == 5
    assert tasks["/0"] != tasks["/1"]
    assert {row["source"] for row in dealt} == {"s"}


def test_all_odd_files_are_one_snapshot(spark: Any, shared_data: Path, tmp_path: Path) -> None:
    files = sorted(str(path) for path in (shared_data / "crawl-files").glob("*/*"))
    output = run(spark, tmp_path, tmp_path / "scratch", files)
    assert output.main.count() == 61
    assert output.main.select("doc_id").distinct().count() == 61
    causes = {row["cause"]: row["count"] for row in output.side["read_errors"].groupBy("cause").count().collect()}
    assert causes == {"missing_file": 300, "garbage": 1}


def test_a_file_that_went_away_stops_the_stage(spark: Any, crawl: Path, tmp_path: Path) -> None:
    files = expand_inputs([str(crawl)])
    (crawl / "b.warc").unlink()
    with pytest.raises(Exception, match=InputError.__name__):
        inventory_frame(spark, files).collect()
