"""A release whose ancestors a takedown touched is verified on what the takedown left, where digests prove that."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.receipts import destroyed, destructions, successors
from spark_jobs.lake.records import Publication
from spark_jobs.lake.verify import Verification, _standing

ROW = ContentDigest(1, 7)
WHOLE = ContentDigest(9, 1_000)


def publication(name: str, digest: ContentDigest, version: int) -> Publication:
    record = {"publication": name, "digest": str(digest)}
    return Publication("raw", "s", version, datetime(2026, 1, 1, tzinfo=UTC), record)


def note(
    home: Path, name: str, before: str, after: str, digests: tuple[ContentDigest, ContentDigest], **more: Any
) -> None:
    nothing = str(ContentDigest(0, 0))
    row = {
        "table": "raw", "partition": "s", "publication": after, "before_publication": before,
        "digest": {"before": str(digests[0]), "removed": str(ROW), "replaced": nothing, "elected": nothing,
                   "after": str(digests[1]), "holds": True},
    }  # fmt: skip
    side = {"table": "locator", "partition": "s", "publication": after, "before_publication": None, "digest": {}}
    destroyed = [{"table": "raw", "partition": "s", "version": 1, "publication": before}]
    (home / "takedowns").mkdir(exist_ok=True)
    receipt = {"receipt": name, "tables": [row, side], "destroyed": destroyed} | more
    (home / "takedowns" / f"{name}.json").write_text(json.dumps(receipt), "utf-8")


@pytest.fixture
def lake() -> Any:
    """A partition that two takedowns went through."""
    listed = [publication(f"p{n}", ContentDigest(9 - n, 1_000 - 7 * n), n + 1) for n in range(3)]
    return SimpleNamespace(history=lambda _table: listed, listed=listed, vacuumed=lambda _table: {})


def standing(lake: Any, home: Path) -> tuple[str, Verification]:
    found = Verification("r")
    return _standing(lake, lake.listed[0], successors(str(home)), found).id, found


def test_what_takedowns_left_stands_for_what_they_destroyed(lake: Any, tmp_path: Path) -> None:
    note(tmp_path, "one", "p0", "p1", (WHOLE, WHOLE - ROW))
    note(tmp_path, "two", "p1", "p2", (WHOLE - ROW, WHOLE - ROW - ROW))
    name, found = standing(lake, tmp_path)
    assert (name, found.mismatches) == ("p2", [])
    assert [line.split(":")[0] for line in found.notes] == ["raw/s version 1", "raw/s version 2"]
    assert "two took documents out; version 3" in found.notes[1]


def test_a_publication_that_nothing_was_taken_out_of_stands_for_itself(lake: Any, tmp_path: Path) -> None:
    note(tmp_path, "one", "p0", "p1", (WHOLE, WHOLE - ROW), destroyed=[])
    name, found = standing(lake, tmp_path)
    assert (name, found.mismatches, found.notes) == ("p0", [], [])


@pytest.mark.parametrize(
    ("after", "digests"),
    [
        ("p1", (WHOLE, WHOLE)),  # a row is said to have gone, and did not
        ("p1", (WHOLE - ROW, WHOLE - ROW - ROW)),  # of another publication
        ("p2", (WHOLE, WHOLE - ROW)),  # left something else
        ("p9", (WHOLE, WHOLE - ROW)),  # left what is not among the commits
    ],
)
def test_a_receipt_that_digests_contradict_proves_nothing(
    lake: Any, tmp_path: Path, after: str, digests: tuple[ContentDigest, ContentDigest]
) -> None:
    note(tmp_path, "one", "p0", after, digests)
    name, found = standing(lake, tmp_path)
    assert name == "p0"
    assert [m.check for m in found.mismatches] == ["digests in one"]


def test_files_may_go_with_a_later_takedown_than_the_one_that_named_inputs_anew(lake: Any, tmp_path: Path) -> None:
    lake.listed[1] = publication("p1", WHOLE, 2)
    lake.listed[2] = publication("p2", WHOLE - ROW, 3)
    nothing = str(ContentDigest(0, 0))
    same = {"before": str(WHOLE), "removed": nothing, "replaced": nothing, "elected": nothing, "after": str(WHOLE)}
    row = {"table": "raw", "partition": "s", "publication": "p1", "before_publication": "p0", "digest": same}
    note(tmp_path, "one", "p0", "p1", (WHOLE, WHOLE), tables=[row], destroyed=[])
    gone = [{"table": "raw", "partition": "s", "version": n + 1, "publication": f"p{n}"} for n in range(2)]
    note(tmp_path, "two", "p1", "p2", (WHOLE, WHOLE - ROW), destroyed=gone)
    name, found = standing(lake, tmp_path)
    assert (name, found.mismatches) == ("p2", [])


def test_a_takedown_that_was_asked_for_again_and_one_that_was_killed_take_no_proof_away(
    lake: Any, tmp_path: Path
) -> None:
    note(tmp_path, "one", "p0", "p1", (WHOLE, WHOLE - ROW))
    place = tmp_path / "takedowns" / "one.json"
    earlier = json.loads(place.read_text("utf-8"))
    place.write_text(json.dumps({"receipt": "one", "tables": None, "destroyed": [], "before": [earlier]}), "utf-8")
    name, found = standing(lake, tmp_path)
    assert (name, found.mismatches) == ("p1", [])
    assert destroyed(str(tmp_path)) == {"p0": "one"}


def test_what_a_vacuum_let_go_stands_for_nothing(lake: Any, tmp_path: Path) -> None:
    note(tmp_path, "one", "p0", "p1", (WHOLE, WHOLE - ROW))
    lake.vacuumed = lambda _table: {"p1": datetime(2026, 1, 2, tzinfo=UTC)}
    name, found = standing(lake, tmp_path)
    assert (name, found.mismatches) == ("p0", [])


def test_a_receipt_explains_the_files_that_it_lists_and_an_early_one_all(tmp_path: Path) -> None:
    note(tmp_path, "one", "p0", "p1", (WHOLE, WHOLE - ROW), files={"deleted": 1, "paths": ["raw/a"]})
    note(tmp_path, "two", "p0", "p2", (WHOLE, WHOLE - ROW), files={"deleted": 1, "paths": ["raw/b"]})
    (found,) = destructions(str(tmp_path)).values()
    assert found.receipts == ("one", "two")
    assert [name for name in ("raw/a", "raw/b", "raw/c") if found.explains(name)] == ["raw/a", "raw/b"]
    # One that was begun by an early version and ended by this one lists a part of what it counts.
    for early in ({"deleted": 1}, {"deleted": 2, "paths": ["raw/b"]}):
        note(tmp_path, "two", "p0", "p2", (WHOLE, WHOLE - ROW), files=early)
        assert destructions(str(tmp_path))["p0"].explains("raw/c")
