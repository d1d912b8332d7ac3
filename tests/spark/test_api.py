"""The Python API: a release is what was published then, a table what is published now; its page in the docs runs."""

import doctest
import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from orchestration.api import Lake, Release
from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.errors import LakeError, NotFoundError, TakenDownError, UsageError
from spark_jobs.lake import lake as stored
from spark_jobs.lake import releases
from spark_jobs.lake.candidate import write_candidate
from spark_jobs.lake.contents import by_licence, summarise
from spark_jobs.lake.publish import publish
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import register
from spark_jobs.stages.manifest import build_manifest
from tests.spark import published
from tests.spark.published import frame

DOCS = Path(__file__).resolve().parents[2] / "docs" / "python.md"
NAME = "default-2026-09-1f2e3d4c"
SNAPSHOT = "2026-09"
TABLES = {
    "raw": published.raw_rows, "cleaned": published.cleaned_rows, "scored": published.scored_rows,
    "deduped": published.deduped_rows, "rewritten": published.rewritten_rows, "mixed": published.mixed_rows,
}  # fmt: skip
EXTRA = {"cleaned": "gopher_quality__words DOUBLE"}


def rows_of(table: str) -> list[dict[str, Any]]:
    """The rows of the suites' tests, of this snapshot and release."""
    named = {published.SNAPSHOT: SNAPSHOT, published.RELEASE: NAME, published.EARLIER: "2026-05"}
    rows = []
    for number, row in enumerate(TABLES[table]()):
        renamed = {key: named.get(value, value) if isinstance(value, str) else value for key, value in row.items()}
        if table == "raw":
            renamed["canonical_url"] = canonical_url(row["url"])
        if table == "mixed":
            renamed["order_key"] = f"{number * 28:02x}"
        rows.append(renamed)
    return rows


def put(lake: stored.Lake, table: str, partition: str, rows: list[dict[str, Any]], sequence: int = 1) -> Publication:
    main = frame(lake.spark, table, rows, EXTRA.get(table, ""))
    side = {}
    if table == "raw":
        side["locator"] = lake.spark.createDataFrame(
            [(partition, url_hash(row["canonical_url"]), row["doc_id"], row["url"]) for row in rows],
            "snapshot STRING, url_hash BIGINT, doc_id STRING, url STRING",
        )
    candidate = write_candidate(
        lake, table=table, partition=partition, attempt=f"a{sequence}", main=main, side=side
    )  # fmt: skip
    pins = [
        {"table": name, "partition": p.partition, "version": p.version, "publication": p.id, "digest": p.digest}
        for name in TABLES if name != table and (p := lake.current(name, SNAPSHOT))
    ]  # fmt: skip
    counts: dict[str, Any] = {"rows": len(rows)}
    if rows and "kept" in rows[0]:
        counts |= {"kept": sum(row["kept"] for row in rows), "dropped": sum(not row["kept"] for row in rows)}
    record = {
        "kind": "main", "stage": table, "fingerprint": "f" * 64, "run_id": f"run {sequence}", "inputs": pins,
        "counts": counts, "operators": [], "audit": [], "recipe": {"name": "default", "fingerprint": "e"},
        "provenance": {"code": {"commit": None, "dirty": None}, "packages": {}},
    }  # fmt: skip
    return publish(lake, candidate, record, sequence=sequence)


def release_of(lake: stored.Lake, mixed: Publication, name: str = NAME) -> releases.Release:
    summary, licences = ([r.asDict() for r in f(lake.read([mixed])).collect()] for f in (summarise, by_licence))
    manifest = build_manifest(
        release=name, recipe_name="default", pins=list(mixed.inputs), summary=summary, publication=mixed.id,
        digest=mixed.digest, fingerprint="f", licences=licences,
    )  # fmt: skip
    made = releases.Release(name, "default", "published", mixed.id, manifest)
    releases.register_release(lake, made)
    return made


@pytest.fixture(scope="module")
def home(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one release, in a folder `corpus` as in the docs."""
    home = tmp_path_factory.mktemp("api") / "corpus"
    lake = stored.Lake(spark, str(home)).make("default")
    for snapshot in ("2026-05", SNAPSHOT):
        register(lake, snapshot, [], source="s", licence=None)
    for table in list(TABLES)[:-1]:
        put(lake, table, SNAPSHOT, rows_of(table))
    release_of(lake, put(lake, "mixed", NAME, rows_of("mixed")))
    return home


@pytest.fixture
def lake(home: Path, spark: SparkSession) -> Lake:
    return Lake(home, spark=spark)


def test_the_page_in_the_docs_runs(home: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.parent)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    parsed = doctest.DocTestParser().get_doctest(DOCS.read_text("utf-8"), {}, "python.md", str(DOCS), 0)
    assert len(parsed.examples) > 15
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=flags).run(parsed, out=told.append)
    assert result.failed == 0, "".join(told)


def test_a_release_stays_what_it_was_when_its_partition_is_published_again(home: Path, lake: Lake) -> None:
    inner = lake._lake
    first = put(inner, "mixed", "again", [{**row, "release": "again"} for row in rows_of("mixed")])
    release_of(inner, first, "again")
    made = lake.release("again")
    before = made.documents().to_polars()
    put(inner, "mixed", "again", [{**rows_of("mixed")[0], "release": "again", "text": "something else"}], sequence=2)
    inner.refresh()
    assert made.documents().to_polars().sort("doc_id").equals(before.sort("doc_id"))
    assert lake.documents("mixed", snapshots=["again"]).to_polars()["text"].to_list() == ["something else"]
    assert lake.release(NAME[:12]).name == NAME


def test_the_forms_hold_the_same_rows(lake: Lake) -> None:
    documents = lake.release(NAME).documents()
    assert "kept" not in documents.columns
    arrow, polars, pandas = documents.to_arrow(), documents.to_polars(), documents.to_pandas()
    assert isinstance(polars, pl.DataFrame)
    assert isinstance(pandas, pd.DataFrame)
    rows = sorted((row["doc_id"], row["text"], row["tokens"]) for row in documents.to_spark().collect())
    assert sorted(polars.select("doc_id", "text", "tokens").rows()) == rows
    assert sorted(pandas[["doc_id", "text", "tokens"]].itertuples(index=False, name=None)) == rows
    assert arrow.num_rows == documents.count() == len(rows)
    assert polars.columns == list(pandas.columns) == arrow.column_names == list(documents.columns)


def test_rows_are_chosen_before_columns(lake: Lake) -> None:
    chosen = lake.release(NAME).documents(["doc_id"], where=F.col("origin") != "original")
    assert chosen.columns == ("doc_id",)
    assert chosen.to_pandas()["doc_id"].tolist() == [published.doc(1001)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ["txt"]}, "did you mean text"),
        ({"columns": "text"}, "give a list of names"),
        ({"where": "nothing_such > 1"}, "where: .*nothing_such"),
        ({"where": "SELECT"}, "where: "),
    ],
)
def test_wrong_columns_and_conditions_are_told_in_a_line(lake: Lake, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as told:
        lake.release(NAME).documents(**options)
    assert "\n" not in str(told.value)


def test_what_is_not_there_is_told(lake: Lake, tmp_path: Path, spark: SparkSession) -> None:
    with pytest.raises(NotFoundError, match="no lake here"):
        Lake(tmp_path / "nowhere", spark=spark)
    with pytest.raises(NotFoundError, match="nothing is published for 1999"):
        lake.documents("cleaned", snapshots=["1999"])
    with pytest.raises(NotFoundError, match="no release"):
        lake.release("unheard-of")
    with pytest.raises(LakeError, match="serves the recipe 'default'"):
        Lake(lake.home, recipe="gopher", spark=spark).releases()


def test_a_withdrawn_release_is_told_to_be_so(lake: Lake) -> None:
    inner = lake._lake
    mixed = put(inner, "mixed", "gone-r1", [{**row, "release": "gone-r1"} for row in rows_of("mixed")])
    release = release_of(inner, mixed, "gone-r1")
    assert isinstance(lake.release("gone-r1"), Release)
    withdrawn = [(release.name, release.recipe, "withdrawn", release.publication, json.dumps(dict(release.manifest)))]
    from spark_jobs.lake.publish import Scope, replace

    columns = "release STRING, recipe STRING, state STRING, publication STRING, manifest STRING"
    replace(inner, Scope("releases", "gone-r1"), inner.spark.createDataFrame(withdrawn, columns),
            {"kind": "main", "stage": "register", "fingerprint": "withdrawn"}, sequence=2)  # fmt: skip
    with pytest.raises(TakenDownError, match=r"gone-r1: withdrawn.*taken down; gone is without them"):
        lake.release("gone-r1")
    assert "gone-r1" not in lake.releases()
    tree = lake.lineage("gone-r1")
    assert (tree["release"], tree["state"]) == ("gone-r1", "withdrawn"), "its records tell what it was made from"
    with pytest.raises(TakenDownError):
        lake.diff("gone-r1", NAME)


def test_an_export_carries_its_card_and_digests(lake: Lake, tmp_path: Path) -> None:
    import hashlib

    out = tmp_path / "out"
    report = lake.release(NAME).export(out, fmt="jsonl")
    manifest = json.loads((out / "_manifest.json").read_text("utf-8"))
    card = (out / "README.md").read_bytes()
    assert manifest["card"] == {"name": "README.md", "bytes": len(card), "sha256": hashlib.sha256(card).hexdigest()}
    for file in manifest["files"]:
        assert hashlib.sha256((out / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    assert [file["name"] for file in report["files"]] == [file["name"] for file in manifest["files"]]
    assert b'path: "*.jsonl.gz"' in card or b"path: '*.jsonl.gz'" in card
    assert lake.release(NAME).card().encode() != card, "the card of the lake names no files"
    with pytest.raises(UsageError, match="an export lies there already"):
        lake.release(NAME).export(out)
