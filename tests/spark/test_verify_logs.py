"""Commits that are missing in a log are told with all else that is wrong, and what can be checked is checked."""

from pathlib import Path

import pytest

from spark_jobs.errors import LakeError
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.releases import find_release
from tests.spark import published
from tests.spark.broken import about, behind, file_of, flip, lose_commit, verified
from tests.spark.published import RELEASE
from tests.spark.released import copy_of, publish_rows

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def longer(whole: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """`cleaned` was published three times since the lake was made: the release is of the first."""
    lake = copy_of(whole, tmp_path_factory.mktemp("longer") / "home")
    for number in (1, 2):
        publish_rows(lake, "cleaned", published.cleaned_rows()[number:], run_id=f"run {number}")
    return lake


@pytest.fixture
def lake(longer: Lake, tmp_path: Path) -> Lake:
    return copy_of(longer, tmp_path / "home")


def first_file(lake: Lake) -> Path:
    """A file of the publication of `cleaned` that the release was made from."""
    first = lake.history("cleaned")[0]
    return Path(location_of(lake, files_of(lake, first)[0]))


def test_a_missing_commit_is_told_with_all_other_mismatches(lake: Lake) -> None:
    flip(first_file(lake), 40)
    file_of(lake, "scored").unlink()
    lose_commit(lake, "cleaned", 2)
    fresh = Lake(lake.spark, lake.home)
    with pytest.raises(LakeError, match="commits are missing in its log"):
        fresh.published("cleaned")
    found = verified(fresh)
    assert {(m.table, m.check, m.version) for m in found.mismatches} == {
        ("cleaned", "log", 2),  # the commit
        ("cleaned", "log", 1), ("cleaned", "bytes", 1),  # the publication: no log says which files it has, its seals do
        ("scored", "file", 1),
    }  # fmt: skip
    (unsaid,) = about(found, table="cleaned", version=1, check="log")
    assert "commits are missing in its log" in unsaid.found


def test_logs_of_side_tables_ledger_and_models_are_looked_at_and_first_commits_count(lake: Lake) -> None:
    for table in ("cleaned", "locator", "publications", "models"):
        lose_commit(lake, table, 0)
    fresh = Lake(lake.spark, lake.home)
    publication = behind(fresh, "scored")
    (Path(lake.home) / "seals" / "scored" / f"{publication.id}.json").unlink()
    found = verified(fresh)
    # `models` has no other commit, so its log is gone altogether.
    assert {(m.table, m.check, m.version) for m in found.mismatches} == {
        *((table, "log", 0) for table in ("cleaned", "locator", "publications", "models")),
        ("cleaned", "log", 1), ("raw", "log", 1), ("publications", "ledger", None),
    }  # fmt: skip
    assert found.rows == 10 + 10 + 3 + 9 + 1 + 1, "all but raw and cleaned were read"


def test_the_lost_commit_of_an_ancestor_is_told_by_its_pins_and_its_log(lake: Lake) -> None:
    lose_commit(lake, "cleaned", 1)
    found = verified(Lake(lake.spark, lake.home))
    assert [(m.version, m.found) for m in about(found, table="cleaned", check="log")] == [(1, "no such file")]
    pins = {m.table for m in found.mismatches if m.found == "no such publication" and "pin cleaned" in m.check}
    assert pins == {"scored", "deduped", "mixed"}
    assert len(found.mismatches) == 4


def test_without_its_own_commit_what_a_release_was_made_from_is_still_looked_at(lake: Lake) -> None:
    release = find_release(lake, RELEASE)
    file_of(lake, "scored").unlink()
    lose_commit(lake, "mixed", 1)
    found = verified(Lake(lake.spark, lake.home))
    assert {(m.table, m.check) for m in found.mismatches} == {("mixed", "publication"), ("scored", "file")}
    (lost,) = about(found, table="mixed")
    assert (lost.expected, lost.found) == (release.publication, "not among the commits")
