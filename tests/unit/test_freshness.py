"""What the next run builds again: what is stale itself, and everything that is made from it, in later snapshots too."""

from pathlib import Path

import pytest

from assets.catalog import stale_parts
from orchestration.plan import next_release
from orchestration.report import render_status, status_of
from orchestration.rollback import stale_now
from tests.unit.straw_ledger import CATALOG, StrawLake, recipe_of


@pytest.fixture
def lake(tmp_path: Path) -> StrawLake:
    """Two snapshots, built through, their release published."""
    lake = StrawLake(recipe_of(tmp_path))
    lake.register("one", "two")
    lake.fit()
    lake.build(("one", "two"))
    lake.publish("mixed", next_release(lake.workshop, CATALOG))
    return lake


def test_a_rollback_names_every_part_that_the_next_run_builds_again(lake: StrawLake) -> None:
    lake.publish("raw", "one")
    assert stale_now(lake.workshop) == {
        "cleaned/one": "raw/one was published again",
        "scored/one": "cleaned/one is stale",
        "deduped/one": "cleaned/one is stale",
        "rewritten/one": "cleaned/one is stale",
        "deduped/two": "deduped/one is stale",
        "rewritten/two": "deduped/two is stale",
    }


def test_they_are_exactly_what_is_built_until_all_is_fresh(lake: StrawLake) -> None:
    lake.publish("raw", "one")
    told, built = set(stale_now(lake.workshop)), []
    while found := stale_now(lake.workshop):
        first = next(iter(found))
        table, _, snapshot = first.partition("/")
        lake.publish(table, snapshot)
        built.append(first)
    assert len(built) == len(told)
    assert set(built) == told


def test_what_was_never_built_is_due_and_is_not_stale(lake: StrawLake) -> None:
    lake.register("three")
    due = stale_parts(CATALOG, lake.workshop)
    assert {reason for (_, snapshot), reason in due.items() if snapshot == "three"} == {"not built yet"}
    assert stale_now(lake.workshop) == {}


def test_the_status_shows_all_of_them(lake: StrawLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.gates.failed_gates", lambda _workshop: [])
    monkeypatch.setattr("orchestration.report.releases", lambda _lake: ())
    lake.publish("raw", "two")
    report = status_of(lake.workshop)
    stale = {f"{t}/{s['snapshot']}": row["stale"] for s in report["snapshots"] for t, row in s["tables"].items()}
    assert {part: reason for part, reason in stale.items() if reason} == stale_now(lake.workshop)
    assert "stale: rewritten/two: cleaned/two is stale" in render_status(report)
