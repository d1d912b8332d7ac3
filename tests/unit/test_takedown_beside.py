"""Candidates and exports are judged by their keys; what cannot be read goes too."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from spark_jobs.lake.takedown_beside import Wanted, candidates_with, exports_with, remove, reports_of

GONE = Wanted(frozenset({"gone"}), {"domain": frozenset({"bad.example"}), "url": frozenset({"a.example/x"})})


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    return SimpleNamespace(home=str(tmp_path))


def parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.mark.parametrize(
    ("row", "held"),
    [
        ({"doc_id": "gone"}, True),
        ({"doc_id": "stays"}, False),
        ({"doc_id": "r", "parent_id": "gone"}, True),
        ({"doc_id": "stays", "host": "bad.example"}, True),
        ({"doc_id": "stays", "host": "sub.bad.example"}, True),
        ({"doc_id": "stays", "host": "notbad.example"}, False),
        ({"doc_id": "stays", "canonical_url": "a.example/x"}, True),
        ({"other": "gone"}, False),
    ],
)
def test_a_candidate_is_found_by_its_keys(lake: Any, tmp_path: Path, row: dict[str, Any], *, held: bool) -> None:
    parquet(tmp_path / "candidates" / "raw" / "s1" / "attempt" / "main" / "part.parquet", [row])
    found = candidates_with(lake, GONE)
    assert found == (["raw/s1/attempt"] if held else [])
    remove(lake, "candidates", found)
    assert (tmp_path / "candidates" / "raw" / "s1" / "attempt").exists() is not held


def test_what_a_killed_run_left_is_taken_for_the_worst(lake: Any, tmp_path: Path) -> None:
    place = tmp_path / "candidates" / "cleaned" / "s1" / "attempt" / "main"
    parquet(place / "whole.parquet", [{"doc_id": "stays"}])
    (place / "cut.parquet").write_bytes(b"PAR1 and no footer")
    assert candidates_with(lake, GONE) == ["cleaned/s1/attempt"]


@pytest.mark.parametrize("packed", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_an_export_goes_as_a_whole(lake: Any, tmp_path: Path, packed: str) -> None:
    pack = {".jsonl": bytes, ".jsonl.gz": gzip.compress, ".jsonl.zst": zstandard.ZstdCompressor().compress}[packed]
    for name, doc_id in (("with", "gone"), ("without", "stays")):
        folder = tmp_path / "releases" / "r" / name
        folder.mkdir(parents=True)
        line = json.dumps({"id": doc_id, "parent_id": None, "text": "a text that says gone"}).encode() + b"\n"
        (folder / f"main-00000-of-00001{packed}").write_bytes(pack(line * 3))
        (folder / "_manifest.json").write_text("{}", "utf-8")
    parquet(tmp_path / "releases" / "lone.parquet", [{"id": "gone"}])
    assert exports_with(lake, GONE) == ["lone.parquet", "r/with"]


def test_reports_are_those_of_the_snapshots(lake: Any, tmp_path: Path) -> None:
    for name in ("cleaned/s1/p1.html", "cleaned/s1/p1-with-text.html", "cleaned/s10/p2.html"):
        path = tmp_path / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<html>", "utf-8")
    assert reports_of(lake, frozenset({"s1"})) == ["cleaned/s1/p1-with-text.html", "cleaned/s1/p1.html"]
    assert reports_of(lake, frozenset()) == []
