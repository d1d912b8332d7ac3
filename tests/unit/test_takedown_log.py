"""What the logs say of files, which publications cannot be read without them, and that reading those is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.errors import LakeError, TakenDownError, VerificationError
from spark_jobs.lake import commits, receipts
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.takedown_files import HOLDING, DiskSearch, Held, key_columns

TABLE = "cleaned"
# Versions of the table: which publications there were, and which files each commit added and took out.
COMMITS: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
    ("s1", "p1", ("snapshot=s1/a.parquet", "snapshot=s1/b.parquet"), ()),
    ("s2", "p2", ("snapshot=s2/a.parquet",), ()),
    ("s1", "p3", ("snapshot=s1/c%20d.parquet",), ("snapshot=s1/a.parquet",)),
    ("s1", "p4", ("snapshot=s1/e.parquet",), ("snapshot=s1/b.parquet", "snapshot=s1/c%20d.parquet")),
]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    log = tmp_path / "tables" / TABLE / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text('{"commitInfo":{"timestamp":0}}\n', "utf-8")
    for version, (partition, name, added, removed) in enumerate(COMMITS, 1):
        record = {"kind": "main", "table": TABLE, "partition": partition, "publication": name, "sequence": version,
                  "fingerprint": "f", "digest": "0:0"}  # fmt: skip
        lines: list[dict[str, Any]] = [{"commitInfo": {"timestamp": 0, "userMetadata": json.dumps(record)}}]
        lines += [{"remove": {"path": path}} for path in removed]
        lines += [{"add": {"path": path, "partitionValues": {}, "size": 1, "stats": "{}"}} for path in added]
        text = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
        (log / f"{version:020d}.json").write_text(text + "\n", "utf-8")
    return Lake(None, str(tmp_path))  # type: ignore[arg-type]


def held(path: str, since: int | None, until: int | None, table: str = TABLE) -> Held:
    return Held(table, path, 1, since, until)


def test_files_are_known_with_the_versions_that_list_them(lake: Lake) -> None:
    log = lake.file_log(TABLE)
    assert {file.path: log.span(file.path) for file in log.files()} == {
        "snapshot=s1/a.parquet": (1, 3), "snapshot=s1/b.parquet": (1, 4), "snapshot=s2/a.parquet": (2, None),
        "snapshot=s1/c d.parquet": (3, 4), "snapshot=s1/e.parquet": (4, None),
    }  # fmt: skip
    assert log.span("snapshot=s1/never.parquet") == (None, None)
    assert commits.files(lake.location(TABLE), 0) == commits.Files((), ())


def test_a_file_outside_of_the_table_is_refused(lake: Lake) -> None:
    place = Path(lake.location(TABLE), "_delta_log", f"{5:020d}.json")
    place.write_text('{"commitInfo":{"timestamp":0}}\n{"add":{"path":"s3://elsewhere/x.parquet"}}\n', "utf-8")
    with pytest.raises(LakeError, match="not the table's own"):
        lake.file_log(TABLE).files()


@pytest.mark.parametrize(
    ("files", "publications"),
    [
        ([("snapshot=s1/a.parquet", 1, 3)], {"p1"}),
        ([("snapshot=s1/b.parquet", 1, 4)], {"p1", "p3"}),
        ([("snapshot=s1/c d.parquet", 3, 4)], {"p3"}),
        ([("snapshot=s1/never.parquet", None, None)], set()),
        ([("snapshot=s2/a.parquet", 2, 4)], {"p2"}),
    ],
)
def test_what_a_deleted_file_was_part_of_cannot_be_read(
    lake: Lake, files: list[tuple[str, int | None, int | None]], publications: set[str]
) -> None:
    found = DiskSearch(lake).destroyed([held(*one) for one in files])
    assert {one["publication"] for one in found} == publications


def test_a_file_that_the_current_version_lists_is_never_deleted(lake: Lake) -> None:
    place = Path(lake.location(TABLE), "snapshot=s1")
    place.mkdir()
    (place / "e.parquet").write_bytes(b"x")
    (place / "a.parquet").write_bytes(b"x")
    search = DiskSearch(lake)
    with pytest.raises(VerificationError, match="still listed"):
        search.delete([held("snapshot=s1/a.parquet", 1, 3), held("snapshot=s1/e.parquet", 4, None)])
    assert (place / "a.parquet").exists(), "nothing goes when something is wrong"
    search.delete([held("snapshot=s1/a.parquet", 1, 3)])
    assert [path.name for path in place.iterdir()] == ["e.parquet"]


def test_reading_a_destroyed_publication_names_the_receipt(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    history = {p.id: p for p in lake.history(TABLE)}
    receipts.write(lake.home, {"receipt": "takedown-1", "destroyed": [{"publication": "p1"}]})
    lake.refresh()
    monkeypatch.setattr(Lake, "_frame", lambda *_: "rows")
    with pytest.raises(TakenDownError, match=r"cleaned/s1 version 1 held .*\(takedown-1\)"):
        lake.read([history["p1"]])
    assert lake.read([history["p4"], history["p2"]]) == "rows", "what is current is not looked up"


def test_side_rows_stay_under_the_id_they_were_written_for() -> None:
    def published(**more: Any) -> Publication:
        return Publication("deduped", "s1", 1, datetime(2024, 1, 1, tzinfo=UTC), {"publication": "new", **more})

    assert published().side_id == "new"
    assert published(side_publication="old").side_id == "old"


def test_every_table_with_a_key_is_searched() -> None:
    assert set(HOLDING) == {
        "raw", "cleaned", "scored", "deduped", "rewritten", "mixed", "selection", "locator", "signatures",
        "band_index", "units", "rewrite_cache",
    }  # fmt: skip
    assert key_columns("mixed") == ("doc_id", "parent_id")
    assert key_columns("rewrite_cache") == ("parent_id",)
    assert key_columns("read_errors") == ()


def test_a_receipt_is_whole_or_the_one_before(tmp_path: Path) -> None:
    home = str(tmp_path)
    assert receipts.read(home, "t") is None
    assert receipts.destroyed(home) == {}
    place = receipts.write(home, {"receipt": "t", "destroyed": []})
    assert receipts.write(home, {"receipt": "t", "destroyed": [{"publication": "p"}]}) == place
    assert receipts.destroyed(home) == {"p": "t"}
    assert [path.name for path in (tmp_path / "takedowns").iterdir()] == ["t.json"]
