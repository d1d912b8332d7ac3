"""Faults around a commit: an answer that got lost, a clock that goes backwards, an input whose file is gone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.readwriter import DataFrameWriter

from spark_jobs.errors import LostRaceError, VerificationError
from spark_jobs.lake import ledger
from spark_jobs.lake.check_content import check_publication
from spark_jobs.lake.files import files_of, location_of, sealed
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.releases import find_release
from tests.spark import published
from tests.spark.dedup_lake import DedupLake, Page, page
from tests.spark.published import SNAPSHOT
from tests.spark.released import copy_of, publish_rows, release_of

pytestmark = pytest.mark.heavy


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


@contextmanager
def answers_get_lost(location: str) -> Iterator[list[int]]:
    """Everything is written there, and then the connection breaks before anybody is told."""
    lost: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        save = DataFrameWriter.save

        def write_and_lose(self: DataFrameWriter, path: Any = None, *words: Any, **keys: Any) -> None:
            save(self, path, *words, **keys)
            if path == location:
                lost.append(1)
                raise ConnectionResetError("connection reset by peer")

        patch.setattr(DataFrameWriter, "save", write_and_lose)
        yield lost


def test_a_commit_whose_answer_got_lost_is_found_and_is_the_publication(lake: Lake) -> None:
    before = lake.version("scored")
    with answers_get_lost(lake.location("scored")) as lost:
        done = publish_rows(lake, "scored", published.scored_rows()[1:], run_id="lost")
    assert lost == [1], "it was written once"
    assert lake.version("scored") == before + 1
    assert lake.current("scored", SNAPSHOT) == done
    assert lake.published("scored", [SNAPSHOT]).count() == 9
    assert sealed(lake, done), "and what follows a publication was done"
    assert check_publication(lake, done).mismatches == []


def test_a_write_that_fails_before_its_commit_is_still_a_failure(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    save = DataFrameWriter.save

    def refuse(self: DataFrameWriter, path: Any = None, *words: Any, **keys: Any) -> None:
        if path == lake.location("scored"):
            raise ConnectionResetError("connection reset by peer")
        save(self, path, *words, **keys)

    monkeypatch.setattr(DataFrameWriter, "save", refuse)
    before = lake.current("scored", SNAPSHOT)
    with pytest.raises(ConnectionResetError):
        publish_rows(lake, "scored", published.scored_rows()[1:], run_id="failed")
    assert lake.current("scored", SNAPSHOT) == before


def test_an_answer_that_got_lost_in_a_lost_race_is_no_publication(lake: Lake) -> None:
    stale = Lake(lake.spark, lake.home)
    stale.history("scored")
    first = publish_rows(lake, "scored", published.scored_rows()[1:], run_id="first")
    stale._looked.add("scored")
    with answers_get_lost(lake.location("scored")), pytest.raises((ConnectionResetError, LostRaceError)):
        publish_rows(stale, "scored", published.scored_rows()[2:], run_id="second")
    lake.refresh()
    assert lake.current("scored", SNAPSHOT) == first


def test_a_record_may_hold_every_kind_of_line_end(lake: Lake) -> None:
    reason = "one\u2028two\x85three\x0bfour\nfive\r\nsix"
    done = publish_rows(lake, "scored", published.scored_rows(), run_id="ends", overrides=[{"reason": reason}])
    assert done.record["overrides"] == [{"reason": reason}]
    assert Lake(lake.spark, lake.home).current("scored", SNAPSHOT) == done


def at_time(lake: Lake, table: str, version: int, seconds: int) -> None:
    """As a machine would have written the commit whose clock said this."""
    log = Path(lake.location(table)) / "_delta_log" / f"{version:020d}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        for values in line.values():
            for key in ("timestamp", "modificationTime", "lastUpdated"):
                if key in values:
                    values[key] = seconds * 1000
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (log.parent / f".{log.name}.crc").unlink(missing_ok=True)


def test_a_clock_that_goes_backwards_changes_no_order(lake: Lake) -> None:
    for number, rows in enumerate((published.scored_rows()[1:], published.scored_rows()[2:])):
        publish_rows(lake, "scored", rows, run_id=f"later {number}")
    second = release_of(lake, "second")
    for table, start in (("scored", 2_000_000_000), ("mixed", 1_900_000_000), ("releases", 1_800_000_000)):
        for version in range(1, lake.version(table) + 1):
            at_time(lake, table, version, start - 86_400 * version)  # each a day before the one before it
    fresh = Lake(lake.spark, lake.home)
    now = fresh.current("scored", SNAPSHOT)
    assert now is not None
    assert now.sequence == 3
    assert fresh.published("scored", [SNAPSHOT]).count() == 8
    assert [p.sequence for p in fresh.history("scored")] == [1, 2, 3]
    assert fresh.history("scored")[0].published_at > now.published_at, "the clock did go backwards"
    assert find_release(fresh, "latest").name == second.name == "second"
    assert publish_rows(fresh, "scored", published.scored_rows(), run_id="next").sequence == 4
    ledger.rebuild(fresh)
    assert fresh.at("publications").where("table = 'scored'").count() == 4
    assert check_publication(fresh, now).mismatches == []


def test_a_stage_whose_input_lost_a_file_stops_and_names_it(spark: SparkSession, tmp_path: Path) -> None:
    small = DedupLake(spark, tmp_path)
    small.crawl("one", {name: Page(page(name)) for name in ("a", "b")})
    cleaned = small.lake.current("cleaned", "one")
    assert cleaned is not None
    path = Path(location_of(small.lake, files_of(small.lake, cleaned)[0]))
    path.unlink()
    with pytest.raises(VerificationError, match="deduped/one: nothing published, an input is damaged") as error:
        small.dedup("one")
    assert path.name in str(error.value)
    small.lake.refresh()
    assert small.lake.current("deduped", "one") is None
