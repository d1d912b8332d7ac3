"""Exports below HOME go wherever they lie, those elsewhere are told, and nothing else of a person is touched."""

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from spark_jobs.lake.exports import exports_of, note_export
from spark_jobs.lake.takedown_beside import Judged, Wanted
from spark_jobs.lake.takedown_exports import exports_with, like_exports, noted_elsewhere, withdraw

GONE = Wanted(frozenset({"gone"}), {})
MANIFEST = {"files": [], "format": "jsonl", "release": {}}


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    home = tmp_path / "home"
    home.mkdir()
    return SimpleNamespace(home=str(home))


def export(folder: Path, doc_id: str, packed: str = ".jsonl.gz", manifest: Any = MANIFEST) -> Path:
    pack = {".jsonl": bytes, ".jsonl.gz": gzip.compress, ".jsonl.zst": zstandard.ZstdCompressor().compress}[packed]
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"id": doc_id, "parent_id": None, "text": "a text that says gone"}).encode() + b"\n"
    (folder / f"main-00000-of-00001{packed}").write_bytes(pack(line * 3))
    if manifest is not None:
        (folder / "_manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


@pytest.mark.parametrize("packed", [".jsonl", ".jsonl.gz", ".jsonl.zst"])
def test_an_export_goes_as_a_whole(lake: Any, packed: str) -> None:
    home = Path(lake.home)
    for name, doc_id in (("with", "gone"), ("without", "stays")):
        export(home / "releases" / "r" / name, doc_id, packed)
    pq.write_table(pa.Table.from_pylist([{"id": "gone"}]), home / "releases" / "lone.parquet")
    assert exports_with(lake, GONE) == Judged(holding=("releases/lone.parquet", "releases/r/with"))


def test_an_export_anywhere_below_home_goes(lake: Any) -> None:
    home = Path(lake.home)
    export(home / "exports" / "x", "gone")
    export(home / "exports" / "y", "stays")
    note_export(lake.home, "r", str(export(home / "models" / "odd", "gone")), "jsonl")
    assert exports_with(lake, GONE).holding == ("exports/x", "models/odd")


def test_a_killed_export_goes_and_what_only_looks_like_one_is_told(lake: Any) -> None:
    home = Path(lake.home)
    export(home / "killed" / "_writing", "gone", manifest=None)
    export(home / "begun", "gone", manifest=None)
    cut = home / "cut" / "_writing" / "part-00000.parquet"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"PAR1")
    assert exports_with(lake, GONE) == Judged(holding=("killed",), unreadable=("cut",))
    assert like_exports(lake, GONE) == ["begun/main-00000-of-00001.jsonl.gz"]


def test_files_of_a_person_stay(lake: Any) -> None:
    home = Path(lake.home)
    export(home / "crawl", "gone", ".jsonl", manifest={"mine": 1})
    pq.write_table(pa.Table.from_pylist([{"id": "gone"}]), home / "crawl" / "pages.parquet")
    assert exports_with(lake, GONE).names == []


def test_notes_of_exports_elsewhere_are_kept_under_the_name_of_what_was_withdrawn(lake: Any, tmp_path: Path) -> None:
    home, release = Path(lake.home), Path(lake.home) / "releases" / "r"
    outside = export(tmp_path / "outside", "gone")
    for out in (outside, export(tmp_path / "lost", "gone"), export(release / "jsonl", "gone")):
        note_export(lake.home, "r", str(out), "jsonl")
    note_export(lake.home, "other", str(export(tmp_path / "of another", "stays")), "jsonl")
    (release / "manifest.json").write_text("{}", "utf-8")
    (release / "README.md").write_text("as it was", "utf-8")
    (tmp_path / "lost" / "_manifest.json").unlink()
    before = [e for e in exports_of(lake.home, "r") if e.out == str(outside)]
    withdraw(lake, "r", "r-r1")
    assert exports_of(lake.home, "r") == ()
    kept = exports_of(lake.home, "r-r1")
    assert [(e.release, e.out) for e in kept] == [("r-r1", str(tmp_path / "lost")), ("r-r1", str(outside))]
    assert kept[1].manifest_sha256 == before[0].manifest_sha256
    assert {path.name for path in release.rglob("*") if path.is_file()} == {
        "main-00000-of-00001.jsonl.gz", "_manifest.json"
    }, "what speaks of the revision before is gone; files are judged by what they hold"  # fmt: skip
    withdraw(lake, "r", "r-r1")
    assert exports_of(lake.home, "r-r1") == kept, "a second attempt finds nothing more to do"
    assert noted_elsewhere(lake, ["r", "r-r1"]) == [
        {"release": "r-r1", "out": str(tmp_path / "lost"), "format": "jsonl", "found": False},
        {"release": "r-r1", "out": str(outside), "format": "jsonl", "found": True},
    ]
    assert (home / "releases" / "other").exists()


def test_home_is_known_through_a_link(lake: Any, tmp_path: Path) -> None:
    note_export(lake.home, "r", str(export(Path(lake.home) / "x", "gone")), "jsonl")
    (tmp_path / "link").symlink_to(lake.home)
    lake.home = str(tmp_path / "link")
    assert exports_with(lake, GONE).holding == ("x",)
    assert noted_elsewhere(lake, ["r"]) == []
