"""Candidates are judged by their keys, reports by their snapshots; what cannot be read goes too."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spark_jobs.lake.tables import TABLES
from spark_jobs.lake.takedown_beside import Judged, Wanted, candidates_with, remove, reports_with

GONE = Wanted(
    frozenset({"gone"}),
    {"domain": frozenset({"bad.example"}), "url": frozenset({"a.example/x"}), "licence": frozenset({"L1"})},
)


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    return SimpleNamespace(home=str(tmp_path))


def parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in rows[0]])), path)


def columns_of(table: str) -> set[str]:
    return {column.split()[0] for column in TABLES[table].columns.replace("\n", " ").split(",")}


@pytest.mark.parametrize(
    ("table", "row", "held"),
    [
        ("raw", {"doc_id": "gone"}, True),
        ("raw", {"doc_id": "stays"}, False),
        ("raw", {"doc_id": "stays", "canonical_url": "a.example/x"}, True),
        ("raw", {"doc_id": "stays", "canonical_url": "a.example/y"}, False),
        ("raw", {"doc_id": "stays", "canonical_url": "bad.example/y"}, True),
        ("raw", {"doc_id": "stays", "canonical_url": "me@sub.bad.example:8080/y?bad"}, True),
        ("raw", {"doc_id": "stays", "canonical_url": "bad.example./y"}, True),
        ("raw", {"doc_id": "stays", "canonical_url": "notbad.example/bad.example"}, False),
        ("raw", {"doc_id": "stays", "canonical_url": None, "licence": "L1"}, True),
        ("raw", {"doc_id": "stays", "canonical_url": None, "licence": "L2"}, False),
        ("rewritten", {"doc_id": "r", "parent_id": "gone"}, True),
        ("cleaned", {"doc_id": "stays", "host": "bad.example"}, True),
        ("cleaned", {"doc_id": "stays", "host": "sub.bad.example", "canonical_url": None}, True),
        ("cleaned", {"doc_id": "stays", "host": "notbad.example"}, False),
        ("read_errors", {"detail": "gone"}, False),
    ],
)
def test_a_candidate_is_found_by_its_keys(
    lake: Any, tmp_path: Path, table: str, row: dict[str, Any], *, held: bool
) -> None:
    assert row.keys() <= columns_of(table), "a test of columns that a table does not have proves nothing"
    attempt = tmp_path / "candidates" / table / "s1" / "attempt"
    parquet(attempt / "main" / "part.parquet", [row])
    found = candidates_with(lake, GONE)
    assert found == Judged(holding=(f"{table}/s1/attempt",) if held else ())
    remove(str(tmp_path / "candidates"), found.names)
    assert attempt.exists() is not held


def test_what_a_killed_run_left_is_taken_for_the_worst_and_for_no_document(lake: Any, tmp_path: Path) -> None:
    place = tmp_path / "candidates" / "cleaned" / "s1"
    parquet(place / "one" / "main" / "whole.parquet", [{"doc_id": "stays"}])
    (place / "one" / "main" / "cut.parquet").write_bytes(b"PAR1 and no footer")
    assert candidates_with(lake, GONE) == Judged(unreadable=("cleaned/s1/one",))
    parquet(place / "one" / "side" / "whole.parquet", [{"doc_id": "gone"}])
    assert candidates_with(lake, GONE) == Judged(holding=("cleaned/s1/one",))


def test_reports_are_those_of_the_snapshots_and_all_that_may_show_texts(lake: Any, tmp_path: Path) -> None:
    pages = ("cleaned/s1/p1.html", "cleaned/s1/p1-with-text.html", "cleaned/s10/p2.html",
             "cleaned/s10/p2-with-text.html", "mine.html", "s1/of mine.html")  # fmt: skip
    for name in pages:
        path = tmp_path / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<html>", "utf-8")
    assert set(reports_with(lake, frozenset({"s1"})).holding) == {*pages} - {"cleaned/s10/p2.html"}
    assert reports_with(lake, frozenset()).names == [], "where no snapshot had the documents no page shows them"
