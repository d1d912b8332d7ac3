"""Rollback: an earlier publication is served again, what is suppressed by now stays out, and nothing is lost."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.errors import LakeError, NotFoundError, UsageError, VerificationError
from spark_jobs.lake import ledger
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.freshness import stale_reason
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.rollback import rollback
from tests.spark import published
from tests.spark.published import RELEASE, SNAPSHOT, doc
from tests.spark.released import copy_of, make_released, publish_rows

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """With a second publication of `raw` and of `cleaned`, from which two documents are missing."""
    lake = make_released(spark, tmp_path_factory.mktemp("whole") / "home")
    publish_rows(lake, "raw", published.raw_rows()[2:], run_id="later")
    publish_rows(lake, "cleaned", published.cleaned_rows()[2:], run_id="later", fingerprint="another print")
    return lake


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


def back(lake: Lake, table: str, to: int | None = None) -> Publication:
    return rollback(
        lake, table, SNAPSHOT, to=to, reason="the crawl was cut short", run_id="rollback",
        provenance={"code": {"commit": "c", "dirty": False}},
    )  # fmt: skip


def history(lake: Lake, table: str) -> list[Publication]:
    return [p for p in lake.history(table) if p.partition == SNAPSHOT]


def test_the_earlier_rows_are_served_again_as_a_new_publication(lake: Lake) -> None:
    first, second = history(lake, "cleaned")
    now = back(lake, "cleaned")
    assert lake.current("cleaned", SNAPSHOT) == now
    assert now.version > second.version
    assert now.id not in {first.id, second.id}
    assert now.digest == first.digest
    assert lake.published("cleaned", [SNAPSHOT]).count() == 20
    assert lake.read([second]).count() == 18, "what was rolled back is still there"
    assert lake.read([first]).count() == 20
    rows = lake.at("publications").where(f"publication = '{now.id}'")
    assert rows.count() == 1, "it is in the ledger"


def test_the_record_is_the_earlier_one_and_says_what_happened(lake: Lake) -> None:
    first, second = history(lake, "cleaned")
    record = back(lake, "cleaned").record
    for key in ("fingerprint", "inputs", "operators", "counts", "audit", "stage"):
        assert record[key] == first.record[key]
    assert record["rolled_back"] == {
        "from": {"version": second.version, "publication": second.id},
        "to": {"version": first.version, "publication": first.id},
        "reason": "the crawl was cut short", "code": {"commit": "c", "dirty": False},
    }  # fmt: skip
    assert record["run_id"] == "rollback"


def test_what_was_made_from_the_rolled_back_one_is_stale_and_the_release_stands(lake: Lake) -> None:
    publish_rows(lake, "scored", published.scored_rows(), run_id="later")
    assert stale_reason(lake, "scored", SNAPSHOT, "print of scored") is None
    back(lake, "cleaned")
    assert stale_reason(lake, "scored", SNAPSHOT, "print of scored") == f"cleaned/{SNAPSHOT} was published again"
    pinned = {pin["publication"] for pin in find_release(lake, RELEASE).manifest["ancestors"]}
    assert history(lake, "cleaned")[0].id in pinned, "the release names what it was made from, as before"


def test_side_rows_come_back_with_it(lake: Lake) -> None:
    now = back(lake, "raw")
    assert lake.side("locator", [now]).count() == 20


def test_rolling_back_twice_ends_where_it_began(lake: Lake) -> None:
    _first, second = history(lake, "cleaned")
    back(lake, "cleaned")
    assert back(lake, "cleaned").digest == second.digest
    chosen = back(lake, "cleaned", to=1)
    assert chosen.record["rolled_back"]["to"]["version"] == 1


def test_what_was_taken_down_since_does_not_come_back(lake: Lake) -> None:
    columns = "kind STRING, value STRING, reason STRING, receipt STRING"
    append(lake, "suppressions", lake.spark.createDataFrame([("doc", doc(0), "request", None)], columns))
    now = back(lake, "cleaned")
    ids = {row["doc_id"] for row in lake.published("cleaned", [SNAPSHOT]).select("doc_id").collect()}
    assert ids == {doc(n) for n in range(1, 20)}
    assert now.record["suppressed"] == 1
    assert now.record["counts"] == {"rows": 19, "suppressed": 1, "kept": 9, "dropped": 10}
    assert now.record["suppressions_version"] == lake.version("suppressions")


def test_a_damaged_publication_is_not_served_again(lake: Lake) -> None:
    first, second = history(lake, "cleaned")
    path = Path(location_of(lake, files_of(lake, first)[0]))
    path.unlink()
    with pytest.raises(VerificationError, match="nothing was done") as error:
        back(lake, "cleaned")
    assert path.name in str(error.value)
    lake.refresh()
    assert lake.current("cleaned", SNAPSHOT) == second


def test_what_cannot_be_rolled_back_is_told(lake: Lake) -> None:
    with pytest.raises(UsageError, match="releases are immutable"):
        rollback(lake, "mixed", RELEASE, to=None, reason=None, provenance={}, run_id="r")
    with pytest.raises(UsageError, match="no table of snapshots; roll back one of raw, cleaned"):
        rollback(lake, "audits", SNAPSHOT, to=None, reason=None, provenance={}, run_id="r")
    with pytest.raises(NotFoundError, match="nothing was published for 'never'; published are: s2"):
        rollback(lake, "cleaned", "never", to=None, reason=None, provenance={}, run_id="r")
    with pytest.raises(NotFoundError, match="is the only one"):
        back(lake, "deduped")
    with pytest.raises(NotFoundError, match="no publication has version 99; versions of it: 1, 2"):
        back(lake, "cleaned", to=99)
    with pytest.raises(UsageError, match="is the current one"):
        back(lake, "cleaned", to=2)


LEDGER = ["table", "partition", "version", "published_at", "stage", "fingerprint", "publication", "record"]


def without_its_ledger(lake: Lake, home: Path) -> Lake:
    """The lake as another program finds it when somebody deleted the table `publications`."""
    shutil.copytree(lake.home, home, ignore=shutil.ignore_patterns("publications"))
    return Lake(lake.spark, str(home))


def test_a_deleted_ledger_is_derived_again_from_the_commits(lake: Lake, tmp_path: Path) -> None:
    back(lake, "cleaned")
    ledger.sync(lake)
    before = sorted(tuple(row) for row in lake.at("publications").select(LEDGER).collect())
    robbed = without_its_ledger(lake, tmp_path / "robbed")
    assert robbed.properties() is None
    robbed.make("test")
    assert ledger.sync(robbed) == len(before) > 8
    assert sorted(tuple(row) for row in robbed.at("publications").select(LEDGER).collect()) == before


def test_a_lake_without_its_ledger_still_knows_its_recipe(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="serves the recipe 'test'"):
        without_its_ledger(lake, tmp_path / "robbed").make("another")
