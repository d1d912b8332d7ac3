"""A release whose ancestors a takedown touched is verified on what the takedown left, where digests prove that."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.receipts import successors
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
    return SimpleNamespace(history=lambda _table: listed, listed=listed)


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
