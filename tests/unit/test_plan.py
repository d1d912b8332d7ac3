"""What is due by the ledger: exactly what is stale, in order, within the limit, and not what a gate refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.models import fits_fingerprint, pool_pins
from orchestration.plan import Plan, make_plan, next_release
from orchestration.runs import Failed, Subject
from spark_jobs.lake.freshness import stale_reason
from tests.unit.straw_ledger import CATALOG, SNAPSHOT_FLOW, StrawLake, StrawRuns, recipe_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANY = tuple(f"s{number:03d}" for number in range(150))


def plan(lake: StrawLake, runs: StrawRuns | None = None, limit: int = 1, now: datetime = NOW) -> Plan:
    return make_plan(lake.workshop, CATALOG, runs or StrawRuns(), limit=limit, now=now)


@pytest.fixture
def lake(tmp_path: Path) -> StrawLake:
    """Three snapshots, built through, their release published."""
    lake = StrawLake(recipe_of(tmp_path))
    lake.register("one", "two", "three")
    lake.fit()
    lake.build(("one", "two", "three"))
    lake.publish("mixed", next_release(lake.workshop, CATALOG))
    return lake


def test_what_is_fresh_is_left_alone(lake: StrawLake) -> None:
    assert plan(lake, limit=9) == Plan()


def test_without_a_snapshot_nothing_is_due(tmp_path: Path) -> None:
    assert plan(StrawLake(recipe_of(tmp_path))) == Plan()


def test_a_new_snapshot_is_built_whole_and_the_others_not_at_all(lake: StrawLake) -> None:
    lake.register("four")
    found = plan(lake, limit=9)
    assert found.refresh == {"four": SNAPSHOT_FLOW}
    assert found.release is None
    lake.build(["four"])
    found = plan(lake)
    assert found.refresh == {}
    assert found.release == next_release(lake.workshop, CATALOG)
    lake.publish("mixed", found.release)
    assert plan(lake) == Plan()


def test_changed_files_make_their_snapshot_stale_and_later_ones_only_where_they_depend_on_it(lake: StrawLake) -> None:
    lake.register("two")
    assert plan(lake, limit=9).refresh == {"two": SNAPSHOT_FLOW}
    lake.build(["two"])
    assert plan(lake, limit=9).refresh == {"three": ("deduped", "rewritten")}, "deduped against the new one"


def test_a_changed_part_of_the_recipe_makes_stale_what_lies_behind_it(lake: StrawLake, tmp_path: Path) -> None:
    changed = recipe_of(tmp_path, deduped={"steps": ["exact_bytes", "exact_text"]})
    other = StrawLake(changed)
    other.known, other.snapshots, other.models = lake.known, lake.snapshots, lake.models
    assert plan(other).refresh == {"one": ("deduped", "rewritten")}
    release = recipe_of(tmp_path, mixed={**recipe_of(tmp_path).mixed.model_dump(mode="json"), "max_epochs": 3})
    last = StrawLake(release)
    last.known, last.snapshots, last.models = lake.known, lake.snapshots, lake.models
    found = plan(last, limit=9)
    assert found.refresh == {}
    assert found.release is not None, "only another release is due"


def test_serial_tables_wait_for_earlier_snapshots_and_the_rest_does_not(lake: StrawLake) -> None:
    lake.register("one", "two")
    found = plan(lake, limit=2)
    assert found.refresh == {"one": SNAPSHOT_FLOW, "two": ("raw", "cleaned", "scored")}
    assert found.waiting["deduped/two"] == "waits for deduped/one, an earlier snapshot"
    assert found.waiting["rewritten/two"] == "waits for deduped"


def test_no_more_runs_than_the_limit_are_queued_or_running(lake: StrawLake) -> None:
    lake.register("one", "two", "three")
    assert set(plan(lake, limit=2).refresh) == {"one", "two"}
    busy = StrawRuns([Subject(frozenset({"mixed"}), "release")])
    assert set(plan(lake, busy, limit=2).refresh) == {"one"}
    assert plan(lake, busy, limit=1).refresh == {}
    assert "queued or running" in plan(lake, busy, limit=1).waiting["raw/one"]


def test_a_snapshot_that_is_being_built_is_not_requested_again(lake: StrawLake) -> None:
    lake.register("one", "two")
    busy = StrawRuns([Subject(frozenset({"raw"}), "one")])
    found = plan(lake, busy, limit=3)
    assert set(found.refresh) == {"two"}
    assert found.waiting["raw/one"] == "a run is under way"


def test_models_are_fitted_when_all_pages_are_cleaned_and_hold_up_only_what_needs_them(tmp_path: Path) -> None:
    lake = StrawLake(recipe_of(tmp_path))
    lake.register("one", "two")
    found = plan(lake, limit=5)
    assert found.refresh == {"one": ("raw", "cleaned"), "two": ("raw", "cleaned")}
    assert found.fits == ()
    assert found.waiting["scored/one"] == "models must be fitted first"
    lake.build(("one", "two"), ("raw", "cleaned"))
    found = plan(lake, limit=5)
    assert (found.refresh, found.fits) == ({}, ("models",))
    lake.fit()
    assert plan(lake, limit=5).refresh["one"] == ("scored", "deduped", "rewritten")


# failures ---------------------------------------------------------------------------------------------------------


def refused(lake: StrawLake, table: str, partition: str) -> Failed:
    """The failure of a run whose gate refused the table as things stand."""
    made = lake.publish(table, partition)
    lake.known.remove(made)
    pins = sorted([p["table"], p["partition"], p["publication"]] for p in made.inputs)
    return Failed("run", NOW - timedelta(hours=1), {table: {"fingerprint": made.fingerprint, "inputs": pins}})


def test_what_a_gate_refused_is_not_tried_again_until_something_changes(lake: StrawLake, tmp_path: Path) -> None:
    lake.register("four")
    lake.build(["four"], ("raw",))
    runs = StrawRuns(failed={"four": [refused(lake, "cleaned", "four")]})
    found = plan(lake, runs)
    assert found.refresh == {}
    assert "its gate refused it in run run" in found.waiting["cleaned/four"]
    assert found.release is None, "the old release is served on"
    lake.publish("raw", "four")
    assert plan(lake, runs).refresh == {"four": ("cleaned", "scored", "deduped", "rewritten")}, "the input changed"
    other = StrawLake(recipe_of(tmp_path, cleaned={"steps": ["empty_text", "token_count"]}))
    other.known, other.snapshots, other.models = (
        [p for p in lake.known if p.id != "raw/four/5"],
        lake.snapshots,
        lake.models,
    )
    assert "cleaned" in plan(other, runs, limit=9).refresh["four"], "the recipe changed"


def test_a_refused_snapshot_holds_up_only_the_order_of_later_ones(lake: StrawLake) -> None:
    lake.register("four", "five")
    runs = StrawRuns(failed={"four": [refused(lake, "raw", "four")]})
    found = plan(lake, runs)
    assert found.refresh == {"five": ("raw", "cleaned", "scored")}
    assert found.waiting["deduped/five"] == "waits for deduped/four, an earlier snapshot"


def test_refused_models_are_not_fitted_again_on_the_same_pool(tmp_path: Path) -> None:
    lake = StrawLake(recipe_of(tmp_path))
    lake.register("one")
    lake.build(["one"], ("raw", "cleaned"))
    pins = sorted([p["table"], p["partition"], p["publication"]] for p in pool_pins(lake, "models"))
    state = {"fingerprint": fits_fingerprint(lake.workshop.recipe, "models"), "inputs": pins}
    runs = StrawRuns(failed={None: [Failed("run", NOW, {"models": state})]})
    assert plan(lake, runs).fits == ()
    lake.register("two")
    lake.build(["two"], ("raw", "cleaned"))
    assert plan(lake, runs).fits == ("models",), "there is more to fit on"


def test_a_release_that_its_gate_refused_is_not_mixed_again(lake: StrawLake) -> None:
    lake.publish("rewritten", "three")
    name = next_release(lake.workshop, CATALOG)
    assert plan(lake).release == name
    made = lake.publish("mixed", name)
    lake.known.remove(made)
    state = {"fingerprint": made.fingerprint, "inputs": []}
    found = plan(lake, StrawRuns(failed={name: [Failed("run", NOW, {"mixed": state})]}))
    assert found.release is None
    assert "its gate refused it" in found.waiting[f"mixed/{name}"]


def test_other_failures_are_tried_again_after_longer_and_longer_pauses(lake: StrawLake) -> None:
    lake.register("four")
    waits = []
    for number in range(1, 9):
        failed = [Failed(f"run {n}", NOW) for n in range(number)]
        runs = StrawRuns(failed={"four": failed})
        minutes = next(m for m in range(1, 500) if plan(lake, runs, now=NOW + timedelta(minutes=m)).refresh)
        assert not plan(lake, runs, now=NOW + timedelta(minutes=minutes, seconds=-1)).refresh
        waits.append(minutes)
    assert waits == [1, 5, 30, 120, 360, 360, 360, 360]
    earlier = StrawRuns(failed={"four": [Failed("run", NOW + timedelta(days=3))]})
    assert plan(lake, earlier).refresh, "a clock that was put back does not stop the refresh for days"


# many snapshots ---------------------------------------------------------------------------------------------------


def test_of_150_snapshots_none_is_skipped_and_all_flow_into_one_release(tmp_path: Path) -> None:
    lake = StrawLake(recipe_of(tmp_path))
    lake.register(*MANY)
    lake.fit()
    built: list[str] = []
    while found := plan(lake, limit=1).refresh:
        (snapshot,) = found
        assert found[snapshot] == SNAPSHOT_FLOW
        lake.build([snapshot])
        built.append(snapshot)
    assert tuple(built) == MANY, "each once, in order"
    release = plan(lake).release
    assert release is not None
    lake.publish("mixed", release)
    assert plan(lake) == Plan()
    lake.publish("rewritten", MANY[77])
    assert plan(lake).release not in {None, release}, "one of 150 inputs changed, and that is seen"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([f"{t}/{n}" for t in ("snapshots", *SNAPSHOT_FLOW) for n in ("one", "two", "three")]),
                max_size=6), st.integers(1, 3))  # fmt: skip
def test_whatever_was_published_again_ends_fresh_and_nothing_fresh_is_built(
    tmp_path_factory: pytest.TempPathFactory, again: list[str], limit: int
) -> None:
    lake = StrawLake(recipe_of(tmp_path_factory.mktemp("recipe")))
    lake.register("one", "two", "three")
    lake.fit()
    lake.build(("one", "two", "three"))
    for what in again:
        table, _, snapshot = what.partition("/")
        lake.publish(table, snapshot)
    for _ in range(20):
        found = plan(lake, limit=limit)
        assert len(found.refresh) <= limit
        if not found.refresh:
            break
        for snapshot, due in found.refresh.items():
            for table in due:
                wanted = lake.publish(table, snapshot)
                lake.known.remove(wanted)
                assert stale_reason(lake, table, snapshot, wanted.fingerprint) is not None, (
                    "what is fresh is left alone"
                )
                lake.publish(table, snapshot)
    assert found.refresh == {}
    assert found.release is not None
