"""Dedup at the level of publications: races, staleness, removal of survivors, and what the record keeps."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from assets.build import GateFailedError
from assets.deduped import _later, later_snapshots_follow
from spark_jobs.errors import LostRaceError
from spark_jobs.lake import lake as lake_module
from spark_jobs.lake import publish as publish_module
from spark_jobs.lake.freshness import overtaken, stale_reason
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import Pins
from spark_jobs.stages.dedup import Dedup
from spark_jobs.stages.stage import StageContext, StageOutput
from tests.spark.dedup_lake import DedupLake, Page, doc_id, page

pytestmark = pytest.mark.heavy

FIRST = {
    "a": Page(page("a"), score=0.9), "a copy": Page(page("a")), "a near": Page(page("a", 1), score=0.6),
    "b": Page(page("b")), "c": Page(page("c")),
}  # fmt: skip
SECOND = {"a later": Page(page("a", 1) + " more"), "b later": Page(page("b")), "d": Page(page("d"))}
THIRD = {"d later": Page(page("d")), "a last": Page(page("a")), "e": Page(page("e"))}


@pytest.fixture(scope="module")
def two_snapshots(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DedupLake:
    """What every test starts from."""
    made = DedupLake(spark, tmp_path_factory.mktemp("two snapshots"))
    made.crawl("s1", FIRST)
    made.dedup("s1", ())
    made.crawl("s2", SECOND)
    made.dedup("s2")
    return made


@pytest.fixture
def lake(two_snapshots: DedupLake, tmp_path: Path) -> DedupLake:
    """A copy of it: a lake is its files."""
    shutil.copytree(two_snapshots.home / "home", tmp_path / "home")
    return DedupLake(two_snapshots.spark, tmp_path, pages=dict(two_snapshots.pages), runs=50)


class Meanwhile:
    """The stage, with something that another run does between the resolution of its inputs and its publication."""

    name, table, scope = Dedup.name, Dedup.table, Dedup.scope
    side_tables, upstream = Dedup.side_tables, Dedup.upstream

    def __init__(self, act: Any) -> None:
        self.act = act

    def run(self, context: StageContext) -> StageOutput:
        output = Dedup().run(context)
        self.act()
        return output


def other_run(lake: DedupLake) -> DedupLake:
    """Another process on the same lake."""
    other = DedupLake(lake.spark, lake.home, pages=dict(lake.pages))
    other.lake, other.runs = Lake(lake.spark, lake.lake.home).open("test"), 100
    return other


def test_two_dedups_at_once_are_a_lost_race_and_no_missed_match(lake: DedupLake) -> None:
    """While s3 is matched with s2, s2 is published again with a page of s3: s3 must not go by the old s2."""
    lake.crawl("s3", {**THIRD, "new": Page(page("new"))})
    other = other_run(lake)

    def s2_again() -> None:
        other.crawl("s2", {**SECOND, "new before": Page(page("new"))})
        other.dedup("s2", ())

    with pytest.raises(LostRaceError, match=r"deduped/s3: another run published deduped/s2 first"):
        lake._build(Meanwhile(s2_again), "s3")
    assert lake.rows("s3") == {}, "nothing of the run that lost is published"
    lake.pages = {**other.pages, "s3": lake.pages["s3"]}
    lake.dedup("s3", ())
    assert lake.survivors("s3")["new"] == "new before"


def test_of_two_runs_of_one_snapshot_that_differ_the_second_loses(lake: DedupLake) -> None:
    other = other_run(lake)

    def otherwise() -> None:
        other.crawl("s2", {**SECOND, "one more": Page(page("one more"))})
        other.dedup("s2", ())

    with pytest.raises(LostRaceError, match="deduped/s2"):
        lake._build(Meanwhile(otherwise), "s2")
    lake.pages = dict(other.pages)
    assert set(lake.rows("s2")) == {*SECOND, "one more"}


def test_two_runs_of_one_snapshot_with_the_same_rows_are_one_publication(lake: DedupLake) -> None:
    """A publication is what it holds: the second run finds its own rows published and has nothing to add."""
    other, there = other_run(lake), []
    built = lake._build(Meanwhile(lambda: there.append(other.dedup("s2", ()))), "s2")
    assert built.publication.id == there[0].publication.id
    assert [p.sequence for p in lake.lake.history("deduped") if p.partition == "s2"].count(
        built.publication.sequence
    ) == 1
    assert len(lake.rows("s2")) == len(SECOND)


def test_publications_count_over_the_whole_table_even_if_older_ones_did_not(
    lake: DedupLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {p.partition: p.sequence for p in lake.lake.history("deduped")} == {"s1": 1, "s2": 2}
    with monkeypatch.context() as patch:
        for module in (lake_module, publish_module):
            patch.setattr(module, "SERIAL", frozenset())
        old = lake.dedup("s1", ()).publication
    assert (old.sequence, old.record["transaction"]) == (2, "provender/deduped/s1")
    new = lake.dedup("s2", ()).publication
    assert (new.sequence, new.record["transaction"]) == (3, "provender/deduped")


def check(lake: DedupLake) -> dg.AssetCheckResult:
    resource = type("Made", (), {"get": lambda _self: lake.workshop})()
    context = dg.build_asset_check_context(resources={"workshop": resource})
    found = later_snapshots_follow(context)
    assert isinstance(found, dg.AssetCheckResult)
    return found


def test_what_was_deduped_before_an_earlier_snapshot_changed_is_stale_everywhere_it_is_told(lake: DedupLake) -> None:
    lake.crawl("s3", THIRD)
    lake.dedup("s3", ())
    assert overtaken(lake.lake, "deduped") == {}
    assert check(lake).passed
    again = lake.again("s1", ()).publication
    assert overtaken(lake.lake, "deduped") == {"s2": ("s1",), "s3": ("s1",)}
    assert _later(lake.workshop, again) == {"stale later snapshots": "s2, s3"}
    found = check(lake)
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert "s2 (deduped before the current s1)" in str(found.metadata["stale snapshots"].value)
    assert stale_reason(lake.lake, "deduped", "s2", "f") == "deduped/s1 was published again"
    second = lake.dedup("s2", ()).publication
    assert overtaken(lake.lake, "deduped") == {"s3": ("s1", "s2")}
    assert _later(lake.workshop, second) == {"stale later snapshots": "s3"}
    lake.dedup("s3", ())
    assert check(lake).passed
    assert stale_reason(lake.lake, "deduped", "s3", "f") is None


def test_a_removed_survivor_gives_its_place_to_the_next_best(lake: DedupLake) -> None:
    """By score: a, then a near. The removal also reaches the snapshot after, whose documents were copies of a."""
    assert lake.survivors("s1") == {"a": "a", "a copy": "a", "a near": "a", "b": "b", "c": "c"}
    assert lake.survivors("s2")["a later"] == "a"
    lake.suppress("a")
    lake.again("s1")
    rows = lake.rows("s1")
    assert "a" not in rows
    assert {name for name, row in rows.items() if row["kept"]} == {"a near", "b", "c"}
    assert rows["a copy"]["survivor"] == "a near"
    lake.dedup("s2")
    assert lake.survivors("s2") == {"a later": "a near", "b later": "b", "d": "d"}


def test_a_survivor_of_an_earlier_snapshot_is_followed_by_its_copy_in_the_later_one(lake: DedupLake) -> None:
    assert lake.survivors("s2")["b later"] == "b"
    lake.suppress("b")
    lake.again("s1")
    assert "b" not in lake.rows("s1")
    lake.dedup("s2")
    rows = lake.rows("s2")
    assert rows["b later"]["kept"]
    assert rows["b later"]["cluster_id"] == f"s2/{doc_id('b later')}"
    assert rows["b later"]["cluster_size"] == 1
    index = lake.lake.side("signatures", lake.lake.publications("deduped").values())
    assert index.where(F.col("doc_id") == doc_id("b")).isEmpty(), "nothing of it stays in the index"


def test_dedup_before_the_removal_has_reached_its_inputs_is_refused(lake: DedupLake) -> None:
    """Survivors are elected among the rows of cleaned: until they are published without it, nothing wrong comes out."""
    lake.suppress("a")
    with pytest.raises(GateFailedError, match="survivors_are_kept"):
        lake.dedup("s1")
    assert lake.survivors("s1")["a copy"] == "a"


def test_the_record_holds_what_the_next_snapshot_is_compared_with(lake: DedupLake) -> None:
    first, second = (lake.lake.current("deduped", name) for name in ("s1", "s2"))
    assert first is not None
    assert second is not None
    counts = {key: second.record["counts"][key] for key in ("rows", "kept", "dropped", "clusters", "known")}
    assert counts == {"rows": 3, "kept": 1, "dropped": 2, "clusters": 3, "known": 2}
    assert first.record["counts"]["by_reason"] == {"exact_bytes": 1, "minhash": 1}
    assert first.record["counts"]["largest_cluster"] == 3
    assert [(pin["partition"], pin["publication"]) for pin in second.record["compared_with"]] == [("s1", first.id)]
    tables = {(pin["table"], pin["partition"]) for pin in second.inputs}
    assert tables == {("cleaned", "s2"), ("scored", "s2"), ("deduped", "s1")}, "what guards read is no input"


def test_the_guards_read_the_texts_that_were_deduped(lake: DedupLake) -> None:
    """cleaned/s1 is published again with other texts, deduped/s1 is not: its documents are compared as they were."""
    lake.crawl("s1", {name: Page("something else " * 30) for name in FIRST})
    pins = Pins(lake.lake)
    texts = {row["text"] for row in pins.behind("deduped", "cleaned", ("s1",)).collect()}
    assert texts == {one.text for one in FIRST.values()}
    assert ("cleaned", "s1") not in {(pin["table"], pin["partition"]) for pin in pins.inputs}
    lake.dedup("s2")


class Claiming(Meanwhile):
    """A stage that calls a page the near-duplicate of another that it has nothing to do with."""

    def run(self, context: StageContext) -> StageOutput:
        output = Dedup().run(context)
        claimed = F.col("doc_id") == doc_id("d")
        survivor = f"s2/{doc_id('e')}"
        values = {"kept": False, "duplicate_step": "minhash", "similarity": 0.95, "cluster_id": survivor,
                  "survivor_snapshot": "s2", "survivor_id": doc_id("e"), "linked_snapshot": "s2",
                  "linked_to": doc_id("e")}  # fmt: skip
        main = output.main.withColumns({k: F.when(claimed, F.lit(v)).otherwise(F.col(k)) for k, v in values.items()})
        return StageOutput(main=main, side=output.side, operators=output.operators, facts=output.facts)


def test_a_false_match_is_not_published(lake: DedupLake) -> None:
    lake.crawl("s2", {**SECOND, "e": Page(page("e"))})
    with pytest.raises(GateFailedError, match=r"removed_documents_are_duplicates .*1 wrong of 3 removed"):
        lake._build(Claiming(None), "s2", laws=lake_laws())
    assert "e" not in lake.rows("s2")
    failed = lake.lake.at("audits").where("NOT success AND severity = 'error'").collect()
    assert {row["expectation"] for row in failed} == {"removed_documents_are_duplicates"}


def lake_laws() -> Any:
    from assets.deduped import TABLE

    return TABLE.laws
