"""Retention: what a kept release or a current publication pins stays, the rest goes and is refused from then on."""

import os
import time
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from orchestration.lineage import render_lineage
from orchestration.lineage_page.dot import dot
from spark_jobs.errors import NotFoundError, UsageError
from spark_jobs.lake import quarantine, vacuum
from spark_jobs.lake.candidate import write_candidate
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.publish import publish
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.rollback import rollback
from spark_jobs.lake.tables import FLOW
from spark_jobs.lake.vacuum import Plan, carry_out, plan
from spark_jobs.lake.verify import verify
from tests.spark import published
from tests.spark.published import RELEASE, SNAPSHOT
from tests.spark.released import copy_of, make_released, publish_rows, release_of

pytestmark = pytest.mark.heavy

SECOND, THIRD = "r2", "r3"


@pytest.fixture(scope="module")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Three releases: of the first publications, of a second `raw` and all after it, and of a third `scored`."""
    lake = make_released(spark, tmp_path_factory.mktemp("whole") / "home")
    publish_rows(lake, "raw", published.raw_rows()[1:], run_id="second")
    publish_rows(lake, "cleaned", published.cleaned_rows()[1:], run_id="second")
    for table, rows in (("scored", published.scored_rows()), ("deduped", published.deduped_rows()),
                        ("rewritten", published.rewritten_rows())):  # fmt: skip
        publish_rows(lake, table, rows, run_id="second")
    release_of(lake, SECOND)
    publish_rows(lake, "scored", published.scored_rows()[1:], run_id="third")
    publish_rows(lake, "deduped", published.deduped_rows(), run_id="third")
    publish_rows(lake, "rewritten", published.rewritten_rows(), run_id="third")
    release_of(lake, THIRD)
    return lake


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


def vacuumed(lake: Lake, *keep: str, hours: float = 24.0) -> Plan:
    made = plan(lake, [find_release(lake, name) for name in keep], older_than_hours=hours)
    carry_out(lake, made, run_id="vacuum")
    return made


def on_disk(lake: Lake) -> dict[str, int]:
    """Every data file of the tables of the flow and of its side tables, by its path below the lake."""
    home = Path(lake.home)
    return {
        path.relative_to(home).as_posix(): path.stat().st_size
        for table in vacuum._TABLES for path in (home / "tables" / table).rglob("*.parquet")
        if "_delta_log" not in path.parts
    }  # fmt: skip


def needed_by(lake: Lake, *releases: str) -> set[str]:
    """What these releases and the current publications read, from the records alone."""
    heads = [p for p in lake.history("mixed") if p.partition in releases]
    heads += [p for table in FLOW[:-1] for p in lake.publications(table).values()]
    everything: dict[str, Publication] = {}
    while heads:
        p = heads.pop()
        everything[p.id] = p
        heads += [q for i in p.inputs if i["table"] != "snapshots"
                  for q in lake.history(i["table"]) if q.id == i["publication"]]  # fmt: skip
    return {f"tables/{f.table}/{f.path}" for p in everything.values() for f in files_of(lake, p)}


@pytest.mark.parametrize("keep", [(SECOND,), (THIRD,), (RELEASE,)])
def test_exactly_what_is_needed_stays(lake: Lake, keep: tuple[str, ...]) -> None:
    wanted, before = needed_by(lake, *keep, THIRD), on_disk(lake)
    assert wanted <= set(before)
    made = vacuumed(lake, *keep)
    assert set(on_disk(lake)) == wanted
    assert made.kept_files == len(wanted)
    freed = {path: size for path, size in before.items() if path not in wanted}
    assert {r.path: r.bytes for r in made.removals} == freed, "it says exactly what it freed"
    assert set(made.keep) == {*keep, THIRD}, "the newest release is what is served"


def test_a_release_that_was_kept_is_still_what_was_published(lake: Lake) -> None:
    vacuumed(lake, SECOND)
    assert verify(lake, find_release(lake, SECOND)).mismatches == []


def test_when_everything_is_kept_nothing_goes(lake: Lake) -> None:
    before = on_disk(lake)
    made = vacuumed(lake, RELEASE, SECOND, THIRD)
    assert made.removals == []
    assert on_disk(lake) == before


def test_a_dry_run_touches_nothing(lake: Lake) -> None:
    before, version = on_disk(lake), lake.version("cleaned")
    made = plan(lake, [find_release(lake, THIRD)], older_than_hours=24)
    assert made.removals
    assert [release.name for release in made.retire] == [RELEASE, SECOND]
    assert (on_disk(lake), lake.version("cleaned")) == (before, version)
    assert find_release(lake, RELEASE).state == "published"


def test_what_is_gone_is_refused_in_one_clear_line(lake: Lake) -> None:
    first = lake.history("cleaned")[0]
    vacuumed(lake, SECOND)
    for opened in (lake, Lake(lake.spark, lake.home)):
        with pytest.raises(NotFoundError, match=rf"cleaned/{SNAPSHOT} version {first.version}: its rows are gone"):
            opened.read([first])
        with pytest.raises(NotFoundError, match="its rows are gone"):
            opened.side("locator", [opened.history("raw")[0]])
        with pytest.raises(NotFoundError, match=f"the release {RELEASE} is retired: a vacuum removed its documents"):
            find_release(opened, RELEASE)
        with pytest.raises(NotFoundError, match="its rows are gone"):
            rollback(opened, "cleaned", SNAPSHOT, to=first.version, reason=None, provenance={}, run_id="r")


def test_the_lineage_of_a_retired_release_is_still_told(lake: Lake) -> None:
    before = lineage(lake, find_release(lake, RELEASE))
    vacuumed(lake, THIRD)
    retired = find_release(lake, RELEASE, any_state=True)
    after = lineage(lake, retired)
    assert (before["state"], after["state"]) == ("published", "retired")
    assert {**after, "state": "published"} == {**before, "balance": after["balance"]}
    # None of its documents was unreadable, and its decisions are in the record: nothing needs rows.
    assert after["balance"] == before["balance"]
    assert f"{RELEASE} (retired)" in render_lineage(after)
    assert "retired" in dot(after)
    assert find_release(lake, THIRD, any_state=True).state == find_release(lake, "latest", any_state=True).state
    with pytest.raises(NotFoundError, match=f"there are: {RELEASE}, "):
        find_release(lake, "unheard-of", any_state=True)


def test_every_reader_still_reads_whole_tables(lake: Lake) -> None:
    """Nothing that the newest version of a table lists is missing, side tables included."""
    vacuumed(lake, THIRD)
    for table in vacuum._TABLES:
        lake.at(table).agg(F.count(F.struct("*"))).collect()
    assert {row["release"] for row in lake.at("mixed").select("release").collect()} == {THIRD}
    pinned = {p.id for p in lake.publications("raw").values()}
    assert {row["publication"] for row in lake.at("locator").select("publication").collect()} == pinned


def test_a_second_vacuum_finds_nothing_and_one_that_was_killed_is_ended(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = needed_by(lake, THIRD)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spark_jobs.lake.storage.remove", killed)
        with pytest.raises(KeyboardInterrupt):
            vacuumed(lake, THIRD)
    assert not set(on_disk(lake)) <= wanted
    fresh = Lake(lake.spark, lake.home)
    vacuumed(fresh, THIRD)
    assert set(on_disk(fresh)) == wanted
    again = vacuumed(fresh, THIRD)
    assert (again.removals, again.publications, again.retire) == ([], (), ())


def test_publishing_goes_on_after_a_vacuum(lake: Lake) -> None:
    vacuumed(lake, THIRD)
    before = lake.sequence("cleaned", SNAPSHOT)
    assert publish_rows(lake, "cleaned", published.cleaned_rows(), run_id="next").sequence == before + 1
    again = release_of(lake, RELEASE)
    assert again.state == "published", "a retired release can be made again"
    assert lake.published("mixed", [RELEASE]).count() == 9


def raw_with_locator(lake: Lake, attempt: str) -> tuple[DataFrame, dict[str, DataFrame]]:
    side = published.frame(lake.spark, "locator", [{"snapshot": SNAPSHOT, "url_hash": 9, "doc_id": published.doc(9)}])
    return published.frame(lake.spark, "raw", published.raw_rows()), {"locator": side}


def test_what_a_killed_publisher_left_goes_when_it_is_old(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    main, side = raw_with_locator(lake, "killed")
    candidate = write_candidate(lake, table="raw", partition=SNAPSHOT, attempt="killed", main=main, side=side)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    record = {"kind": "main", "stage": "read", "fingerprint": "f", "run_id": "killed", "inputs": []}
    with monkeypatch.context() as patch:
        patch.setattr("spark_jobs.lake.publish._commit", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(lake, candidate, record, sequence=lake.sequence("raw", SNAPSHOT) + 1)
    orphan = Path(lake.location("raw")) / f"snapshot={SNAPSHOT}" / "part-orphan.parquet"
    orphan.write_bytes(b"half")
    young = {r.path for r in plan(lake, [find_release(lake, THIRD)], older_than_hours=24).removals}
    assert not any("orphan" in path or "killed" in path for path in young), "somebody may be writing them"
    for path in Path(lake.home).rglob("*"):
        os.utime(path, (time.time() - 90_000,) * 2)
    made = vacuumed(lake, THIRD)
    assert {"leftover", "candidate"} <= {r.why for r in made.removals}
    assert not orphan.exists()
    assert not Path(candidate.location).exists()
    assert lake.at("locator").where("url_hash = 9").isEmpty(), "rows that no commit pins go from the side table too"


def test_a_candidate_that_can_still_be_approved_stays(lake: Lake) -> None:
    main, side = raw_with_locator(lake, "waiting")
    candidate = write_candidate(lake, table="raw", partition=SNAPSHOT, attempt="waiting", main=main, side=side)
    sequence = lake.sequence("raw", SNAPSHOT) + 1
    quarantine.keep(lake, candidate, sequence=sequence, record={"inputs": []}, outcomes=[])
    vacuumed(lake, THIRD, hours=0)
    assert Path(candidate.location).exists()
    publish_rows(lake, "raw", published.raw_rows(), run_id="newer")
    vacuumed(lake, THIRD)
    assert not Path(candidate.location).exists()


def test_a_lake_without_a_release_is_not_vacuumed(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "home")).make("test")
    with pytest.raises(UsageError, match="build one first"):
        plan(lake, [], older_than_hours=24)


def test_sums_beside_removed_files_go_too(lake: Lake) -> None:
    first = lake.history("cleaned")[0]
    path = Path(location_of(lake, files_of(lake, first)[0]))
    beside = path.parent / f".{path.name}.crc"
    assert beside.exists()
    vacuumed(lake, THIRD)
    assert not beside.exists()
