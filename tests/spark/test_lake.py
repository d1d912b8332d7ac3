"""The laws of the lake: what a publication may do, and that each protection protects."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.errors import LakeError, LostRaceError, NotFoundError, ProvenderError, VerificationError
from spark_jobs.lake import commits, ledger, records
from spark_jobs.lake.candidate import Candidate, write_candidate
from spark_jobs.lake.digest import MODULUS, ContentDigest, digest_of
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import LAKE_VERSION, Lake
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import Scope, append, publish, replace
from spark_jobs.lake.registry import register, registered
from spark_jobs.lake.tables import TABLES

RECORD = {"kind": "main", "stage": "score", "fingerprint": "f" * 64, "run_id": "r1", "inputs": []}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One lake for the module; each test has partitions of its own."""
    return Lake(spark, str(tmp_path_factory.mktemp("a [lake] {x}") / "home")).make("test")


def scored(spark: SparkSession, snapshot: str, rows: dict[str, float]) -> DataFrame:
    data = [(snapshot, doc, score) for doc, score in rows.items()]
    return spark.createDataFrame(data, "snapshot STRING, doc_id STRING, fasttext__quality DOUBLE")


def candidate_of(lake: Lake, frame: DataFrame, snapshot: str, attempt: str = "a1", **side: DataFrame) -> Candidate:
    return write_candidate(lake, table="scored", partition=snapshot, attempt=attempt, main=frame, side=side)


def documents(frame: DataFrame) -> set[str]:
    return {row["doc_id"] for row in frame.select("doc_id").collect()}


def test_publication_is_visible_with_its_record_and_replaces_only_its_partition(lake: Lake) -> None:
    for snapshot in ("p1", "p2"):
        candidate = candidate_of(lake, scored(lake.spark, snapshot, {"a": 0.5, "b": 0.25}), snapshot)
        publish(lake, candidate, RECORD, sequence=1)
    second = candidate_of(lake, scored(lake.spark, "p1", {"c": 0.125}), "p1", "a2")
    published = publish(lake, second, RECORD, sequence=2)
    assert documents(lake.published("scored", ["p1"])) == {"c"}
    assert documents(lake.published("scored", ["p2"])) == {"a", "b"}
    assert published.digest == str(digest_of(second.frame(lake)))
    assert lake.current("scored", "p1") == published
    assert documents(lake.read([lake.history("scored")[0]])) == {"a", "b"}, "an old publication stays readable"


def test_the_second_of_two_publishers_loses_and_the_first_one_stands(lake: Lake) -> None:
    first = candidate_of(lake, scored(lake.spark, "race", {"a": 0.5}), "race", "x")
    second = candidate_of(lake, scored(lake.spark, "race", {"b": 0.5}), "race", "y")
    # Another partition is published in between: a transaction number taken from the table's head would let both pass.
    publish(lake, first, RECORD, sequence=1)
    other = candidate_of(lake, scored(lake.spark, "elsewhere", {"z": 0.5}), "elsewhere")
    publish(lake, other, RECORD, sequence=1)
    with pytest.raises(LostRaceError, match="race"):
        publish(lake, second, {**RECORD, "run_id": "r2"}, sequence=1)
    assert documents(lake.published("scored", ["race"])) == {"a"}


def test_a_publisher_that_is_overtaken_while_it_writes_loses_too(lake: Lake, tmp_path: Path) -> None:
    one_task = scored(lake.spark, "overtaken", {"a": 0.5}).coalesce(1)
    slow = one_task.mapInArrow(waits_when_run_again(tmp_path), PUBLISHED)
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(replace, lake, Scope("scored", "overtaken"), slow, RECORD, sequence=1)
        while not (tmp_path / "writing").exists():
            assert not publishing.done(), publishing.result()
            time.sleep(0.01)
        # Delta has looked at the table for the slow one; now another program publishes, with a session of its own.
        other = Lake(lake.spark, lake.home)
        quick = scored(lake.spark, "overtaken", {"b": 0.5})
        replace(other, Scope("scored", "overtaken"), quick, {**RECORD, "run_id": "r2"}, sequence=1)
        (tmp_path / "go").touch()
        with pytest.raises(LostRaceError, match="run again"):
            publishing.result()
    assert documents(lake.published("scored", ["overtaken"])) == {"b"}


PUBLISHED = "snapshot STRING, doc_id STRING, fasttext__quality DOUBLE"


def waits_when_run_again(folder: Path) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """The first run takes the digest; the second is the write, which waits until it may go on."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        if (folder / "digested").exists() and not (folder / "writing").exists():
            (folder / "writing").touch()
            patience = time.monotonic() + 120
            while not (folder / "go").exists():
                assert time.monotonic() < patience
                time.sleep(0.01)
        (folder / "digested").touch()
        yield from batches

    return run


def test_the_retry_of_a_finished_publication_is_that_publication(lake: Lake) -> None:
    candidate = candidate_of(lake, scored(lake.spark, "again", {"a": 0.5}), "again")
    first = publish(lake, candidate, RECORD, sequence=1)
    assert publish(lake, candidate, {**RECORD, "run_id": "another"}, sequence=1).version == first.version


def test_a_published_file_that_is_gone_is_named(lake: Lake) -> None:
    candidate = candidate_of(lake, scored(lake.spark, "gone", {"a": 0.5}), "gone")
    published = publish(lake, candidate, RECORD, sequence=1)
    (file,) = files_of(lake, published)
    Path(location_of(lake, file)).unlink()
    with pytest.raises(VerificationError, match=rf"{re.escape(file.path)}: gone, though published"):
        lake.read([published])


def test_columns_may_be_added_and_old_rows_have_null(lake: Lake) -> None:
    publish(lake, candidate_of(lake, scored(lake.spark, "narrow", {"a": 0.5}), "narrow"), RECORD, sequence=1)
    wide = scored(lake.spark, "wide", {"b": 0.5}).withColumn("other__score", F.lit(1))
    published = publish(lake, candidate_of(lake, wide, "wide"), RECORD, sequence=1)
    assert dict(lake.at("scored").dtypes)["other__score"] == "double", "signals are doubles, an int would not merge"
    assert lake.at("scored").where("snapshot = 'narrow' AND other__score IS NOT NULL").isEmpty()
    narrow = lake.current("scored", "narrow")
    assert narrow is not None
    again = digest_of(lake.read([narrow]), narrow.record["columns"])
    assert str(again) == narrow.digest, "a later column does not change the digest of what was published before"
    assert published.record["columns"] == sorted(published.record["columns"], key=wide.columns.index)


def test_a_lake_is_made_by_two_at_once_and_after_one_that_was_killed(spark: SparkSession, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    # As a run that was killed leaves it: a log without a commit.
    leftover = tmp_path / "home" / "tables" / "scored" / "_delta_log"
    leftover.mkdir(parents=True)
    (leftover / ".00000000000000000000.json.tmp").write_text("{")
    with ThreadPoolExecutor(2) as pool:
        made = [pool.submit(Lake(spark, home).make, "test") for _ in range(2)]
        assert [lake.result().properties()["provender.recipe"] for lake in made] == ["test"] * 2
    assert [commits.versions(made[0].result().location(table)) for table in TABLES] == [(0,)] * len(TABLES)
    with pytest.raises(LakeError, match="serves the recipe 'test'"):
        Lake(spark, home).make("another")


def test_unknown_and_missing_columns_are_refused(lake: Lake) -> None:
    frame = scored(lake.spark, "bad", {"a": 0.5})
    with pytest.raises(ProvenderError, match="missing"):
        candidate_of(lake, frame.drop("doc_id"), "bad")
    deduped = lake.published("deduped").withColumn("surprise", F.lit(1.0))
    with pytest.raises(ProvenderError, match="surprise"):
        write_candidate(lake, table="deduped", partition="bad", attempt="a", main=deduped, side={})


def test_side_rows_count_only_when_the_main_commit_pins_them(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    spark = lake.spark
    raw_columns = lake.at("raw")
    errors = spark.createDataFrame(
        [("side", "f.warc", 12, 3, False, "bad_gzip", "")],
        "snapshot STRING, source_file STRING, source_offset BIGINT, bytes BIGINT, is_document BOOLEAN, cause STRING, "
        "detail STRING",
    )
    main = raw_columns.limit(0)
    candidate = write_candidate(
        lake, table="raw", partition="side", attempt="a", main=main, side={"read_errors": errors}
    )

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spark_jobs.lake.publish._commit", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(lake, candidate, {**RECORD, "stage": "read"}, sequence=1)
    assert lake.at("read_errors").where("snapshot = 'side'").count() == 1, "the side table was written"
    assert lake.side("read_errors", lake.publications("raw").values()).where("snapshot = 'side'").isEmpty()
    publish(lake, candidate, {**RECORD, "stage": "read"}, sequence=1)
    assert Pins(lake).partition("read_errors", "side").count() == 1


def test_what_is_suppressed_is_never_published(lake: Lake) -> None:
    append(
        lake,
        "suppressions",
        lake.spark.createDataFrame(
            [("doc", "gone", "request", None)], "kind STRING, value STRING, reason STRING, receipt STRING"
        ),
    )
    rows = scored(lake.spark, "supp", {"gone": 0.5, "stays": 0.25})
    candidate = candidate_of(lake, rows, "supp")
    assert candidate.suppressed == 1
    published = publish(lake, candidate, RECORD, sequence=1)
    assert documents(lake.published("scored", ["supp"])) == {"stays"}
    assert published.record["suppressed"] == 1
    assert published.record["suppressions_version"] == lake.version("suppressions")
    asked = pc.field("value").isin(["gone", "stays"])
    assert [(row["kind"], row["value"]) for row in lake.rows("suppressions", asked)] == [("doc", "gone")]


def test_a_suppression_after_the_audit_still_holds_at_publication(lake: Lake) -> None:
    candidate = candidate_of(lake, scored(lake.spark, "late", {"late": 0.5, "kept": 0.25}), "late")
    append(
        lake,
        "suppressions",
        lake.spark.createDataFrame(
            [("doc", "late", "request", None)], "kind STRING, value STRING, reason STRING, receipt STRING"
        ),
    )
    published = publish(lake, candidate, RECORD, sequence=1)
    assert documents(lake.published("scored", ["late"])) == {"kept"}
    assert published.record["suppressed"] == 1
    assert ContentDigest.parse(published.digest).rows == 1


def test_domains_urls_and_licences_are_suppressed_where_the_columns_are(lake: Lake) -> None:
    from spark_jobs.lake.suppressions import Suppressions, suppress

    rows = lake.spark.createDataFrame(
        [
            ("1", "bad.org/x", "MIT"),
            ("2", "a.bad.org/", "MIT"),
            ("3", "notbad.org/", "MIT"),
            ("4", "ok.org/no", "MIT"),
            ("5", "ok.org/yes", "secret"),
        ],
        "doc_id STRING, canonical_url STRING, licence STRING",
    )
    frame = lake.spark.createDataFrame(
        [("domain", "bad.org"), ("url", "ok.org/no"), ("licence", "secret")], "kind STRING, value STRING"
    )
    assert documents(suppress(rows, Suppressions(1, frame))) == {"3"}


def test_tables_keep_their_history_and_no_text_goes_into_the_log(lake: Lake) -> None:
    for name in TABLES:
        listed = {r["key"]: r["value"] for r in lake.spark.sql(f"SHOW TBLPROPERTIES {lake.sql_name(name)}").collect()}
        assert listed["delta.logRetentionDuration"] == "interval 36500 days"
        assert listed["delta.deletedFileRetentionDuration"] == "interval 36500 days"
    marker = "a sentence that must not be in any log"
    empty = lake.at("cleaned")
    row = {field.name: None for field in empty.schema} | {
        "snapshot": "text",
        "doc_id": "t",
        "text": marker,
        "kept": True,
        "drop_reasons": [],
        "edits": [],
    }
    frame = lake.spark.createDataFrame([tuple(row[f.name] for f in empty.schema)], empty.schema)
    candidate = write_candidate(lake, table="cleaned", partition="text", attempt="a", main=frame, side={})
    publish(lake, candidate, RECORD, sequence=1)
    logs = list(Path(lake.location("cleaned"), "_delta_log").glob("*.json"))
    assert any('"doc_id":"t"' in path.read_text().replace("\\", "") for path in logs), "key columns have statistics"
    assert not any(marker in path.read_text() for path in logs)


def test_documents_of_deduped_read_without_their_cuts(lake: Lake, spark: SparkSession) -> None:
    texts = {"whole": "all stays", "cut": "né👍\nshared\nend", "emptied": "shared"}
    spans = {
        "cut": [(0, 1, 0, 1, "within_document", "d", "cut", 0, 1.0), (4, 7, 8, 7, "lines", "d", "whole", None, 1.0)],
        "emptied": [(0, 6, 0, 6, "lines", "d", "whole", None, 1.0)],
    }
    rows = {
        "cleaned": [{"doc_id": name, "text": text, "kept": True} for name, text in texts.items()],
        "deduped": [{"doc_id": name, "kept": name != "emptied", "cuts": spans.get(name)} for name in texts],
    }
    for table, listed in rows.items():
        schema = lake.at(table).schema
        data = [tuple({"snapshot": "d", **row}.get(field.name) for field in schema) for row in listed]
        candidate = write_candidate(
            lake, table=table, partition="d", attempt="a", main=spark.createDataFrame(data, schema), side={}
        )
        publish(lake, candidate, RECORD, sequence=1)
    read = {row["doc_id"]: (row["kept"], row["text"]) for row in lake.documents("deduped", ["d"]).collect()}
    assert read == {"whole": (True, "all stays"), "cut": (True, "é👍\nend"), "emptied": (False, "")}
    assert {row["text"] for row in lake.documents("cleaned", ["d"]).collect()} == set(texts.values())


def test_the_ledger_is_derived_and_can_be_rebuilt(lake: Lake) -> None:
    publish(lake, candidate_of(lake, scored(lake.spark, "ledger", {"a": 0.5}), "ledger"), RECORD, sequence=1)
    ledger.sync(lake)
    assert ledger.sync(lake) == 0, "nothing is written twice"
    columns = ["table", "partition", "version", "published_at", "stage", "fingerprint", "publication", "record"]
    before = {tuple(row) for row in lake.at("publications").select(columns).collect()}
    lake.spark.sql(f"DELETE FROM {lake.sql_name('publications')}")
    ledger.rebuild(lake)
    after = {tuple(row) for row in lake.at("publications").select(columns).collect()}
    assert before == after
    assert ("scored", "ledger") in {(row[0], row[1]) for row in after}


def test_a_long_record_goes_to_a_file_and_reads_the_same(lake: Lake) -> None:
    facts = {"list": ["x" * 100] * 20_000}
    candidate = candidate_of(lake, scored(lake.spark, "long", {"a": 0.5}), "long")
    published = publish(lake, candidate, {**RECORD, "facts": facts}, sequence=1)
    text = lake.spark.sql(f"DESCRIBE HISTORY {lake.sql_name('scored')} LIMIT 1").collect()[0]["userMetadata"]
    assert len(text.encode()) <= records.MAX_BYTES
    lake.refresh()
    again = lake.current("scored", "long")
    assert again is not None
    assert again.record["facts"] == facts
    assert again.id == published.id


def test_digest_is_what_the_page_says_and_additive(spark: SparkSession) -> None:
    rows = [(1, "é", None, [1, 2]), (2, None, 0.5, None)]
    frame = spark.createDataFrame(rows, "n INT, t STRING, d DOUBLE, a ARRAY<INT>")

    def framed(name: str, value: str | None) -> str:
        return f"{name}=N;" if value is None else f"{name}=V{len(value)}:{value}"

    def one(n: int, t: str | None, d: float | None, a: list[int] | None) -> int:
        array = None if a is None else json.dumps(a, separators=(",", ":"))
        double = None if d is None else str(d)
        text = framed("a", array) + framed("d", double) + framed("n", str(n)) + framed("t", t)
        return int(hashlib.sha256(text.encode()).hexdigest(), 16)

    expected = ContentDigest(2, sum(one(*row) for row in rows) % MODULUS)  # type: ignore[arg-type]
    assert digest_of(frame) == expected
    assert digest_of(frame.repartition(3).orderBy(F.desc("n"))) == expected
    parts = [digest_of(frame.where(F.col("n") == n)) for n in (1, 2)]
    assert parts[0] + parts[1] == expected
    assert expected - parts[0] == parts[1]
    assert ContentDigest.parse(str(expected)) == expected
    assert digest_of(frame.unionAll(frame)) != expected


def test_snapshots_get_numbers_in_order_and_keep_them(lake: Lake, spark: SparkSession) -> None:
    entry: dict[str, Any] = {
        "uri": "a.warc",
        "name": "a.warc",
        "format": "warc",
        "bytes": 1,
        "modified": "",
        "sha256": "0",
        "documents": 1,
        "ignored": 0,
        "ignored_kinds": "{}",
        "unreadable": 0,
        "error_bytes": 0,
    }
    register(lake, "2021-32", [entry], source="crawl", licence=None)
    register(lake, "2020-01", [entry], source="crawl", licence=None)
    register(lake, "2021-32", [{**entry, "bytes": 2}], source="crawl", licence=None)
    found = registered(lake)
    assert [(s.id, s.sequence) for s in found.values()] == [("2021-32", 1), ("2020-01", 2)]
    assert found["2021-32"].inputs[0]["bytes"] == 2


def test_two_new_snapshots_at_once_never_get_one_number(lake: Lake) -> None:
    stale = Lake(lake.spark, lake.home)
    stale.history("snapshots")
    entry = {f.name: None for f in lake.at("snapshots").schema["inputs"].dataType.elementType}  # type: ignore[attr-defined]
    register(lake, "left", [entry], source="s", licence=None)
    register(stale, "right", [entry], source="s", licence=None)
    numbers = [s.sequence for s in registered(lake).values()]
    assert len(numbers) == len(set(numbers))


def test_a_lake_of_another_version_or_recipe_is_refused(lake: Lake, spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="serves the recipe 'test'"):
        Lake(spark, lake.home).make("another")
    with pytest.raises(NotFoundError, match="no lake here"):
        Lake(spark, str(tmp_path / "nowhere")).open("test")
    name = lake.sql_name("publications")
    spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('provender.lakeVersion' = '99')")
    try:
        with pytest.raises(LakeError, match="lake version 99"):
            Lake(spark, lake.home).open("test")
    finally:
        spark.sql(f"ALTER TABLE {name} SET TBLPROPERTIES ('provender.lakeVersion' = '{LAKE_VERSION}')")


def test_reading_what_nobody_published_says_so(lake: Lake) -> None:
    with pytest.raises(NotFoundError, match="nothing is published for 'never'"):
        Pins(lake).partition("scored", "never")
