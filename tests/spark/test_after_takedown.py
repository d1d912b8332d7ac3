"""What is asked of releases after a takedown: of those that held nothing of it, and of what had been superseded."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestration.explain import render_story, story_of
from spark_jobs.analysis.diff import diff
from spark_jobs.analysis.released import Released
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.rollback import rollback
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request
from tests.spark import published
from tests.spark.published import RELEASE, SNAPSHOT, doc
from tests.spark.released import copy_of, publish_rows, release_of

DROPPED, HELD, ASKED = 15, 1, 7
NEXT = "r2"


def take_down(lake: Lake, number: int, scratch: Path) -> dict[str, Any]:
    recipe: Any = SimpleNamespace(deduped=DedupedSection())
    request = Request({"doc": (doc(number),)}, "a test")
    receipt = Takedown(lake=lake, recipe=recipe, request=request, scratch=str(scratch)).run()
    assert receipt["left"] == 0
    lake.refresh()
    return receipt


def left_out(lake: Lake, number: int) -> dict[str, dict[str, Any]]:
    (capture,) = story_of(lake, doc(number))["captures"]
    return {row["release"]: row for row in capture["left_out_of"]}


@pytest.fixture(scope="module")
def grown(whole: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A release of what was, and one of what was cleaned and deduped again later."""
    lake = copy_of(whole, tmp_path_factory.mktemp("grown") / "home")
    cleaned = [{**row, "language_score": 0.8} for row in published.cleaned_rows()]
    publish_rows(lake, "cleaned", cleaned)
    for table, rows in (("scored", published.scored_rows()), ("deduped", published.deduped_rows()),
                        ("rewritten", published.rewritten_rows())):  # fmt: skip
        publish_rows(lake, table, rows, run_id="again")
    release_of(lake, NEXT)
    return lake


@pytest.fixture
def lake(grown: Lake, tmp_path: Path) -> Lake:
    return copy_of(grown, tmp_path / "home")


def test_what_a_release_never_held_leaves_every_question_about_it_answered(lake: Lake, tmp_path: Path) -> None:
    before = find_release(lake, NEXT)
    asked = story_of(lake, doc(ASKED))
    receipt = take_down(lake, DROPPED, tmp_path / "scratch")
    pinned = {pin["publication"] for pin in lake.publications("mixed")[NEXT].inputs}
    assert pinned & {one["publication"] for one in receipt["destroyed"]}, "its pins name what is destroyed"
    assert find_release(lake, NEXT) == before, "it held nothing of it"
    told = story_of(lake, doc(ASKED))
    assert told["captures"][0]["releases"] == asked["captures"][0]["releases"]
    assert left_out(lake, DROPPED + 1)[NEXT]["reason"] == "dropped"
    assert lineage(lake, before)["mixed"]["publication"] == before.publication
    released = Released.of(lake, before)
    assert released.destroyed == ()
    assert released.rows("cleaned").count() == len(published.cleaned_rows()) - 1


def test_what_was_superseded_and_is_destroyed_is_said_to_be(lake: Lake, tmp_path: Path) -> None:
    receipt = take_down(lake, HELD, tmp_path / "scratch")
    first, later = find_release(lake, RELEASE), find_release(lake, NEXT)
    assert {one["release"] for one in receipt["releases"]} == {RELEASE, NEXT}
    told = left_out(lake, DROPPED)
    assert told[NEXT]["reason"] == "dropped"
    assert (told[RELEASE]["reason"], told[RELEASE]["receipt"]) == ("destroyed_by_a_takedown", receipt["receipt"])
    assert "destroyed_by_a_takedown" in render_story(story_of(lake, doc(DROPPED)))
    for release in (first, later):
        assert lineage(lake, release)["totals"] == release.manifest["totals"]
    before, after = Released.of(lake, first), Released.of(lake, later)
    assert (before.destroyed, after.destroyed) == ((SNAPSHOT,), ())
    assert diff(before, after)["balance"]["balanced"]


def test_a_rollback_to_what_a_takedown_left_has_its_side_rows(lake: Lake, tmp_path: Path) -> None:
    take_down(lake, DROPPED, tmp_path / "scratch")
    left = lake.current("raw", SNAPSHOT)
    assert left is not None
    publish_rows(lake, "raw", published.raw_rows()[:3])
    again = rollback(lake, "raw", SNAPSHOT, to=left.version, reason="a test", provenance={}, run_id="r")
    assert again.digest == left.digest
    assert again.side_id == again.id
    assert "takedown" not in again.record, "it is none"
    assert lake.side("locator", [again]).count() == 19
    assert story_of(lake, doc(ASKED))["captures"]


def test_documents_and_rewrites_of_an_earlier_release_are_found_when_the_snapshot_is_another(lake: Lake) -> None:
    publish_rows(lake, "raw", [{**row, "doc_id": doc(900 + n)} for n, row in enumerate(published.raw_rows())])
    publish_rows(lake, "rewritten", [])
    (capture,) = story_of(lake, doc(ASKED))["captures"]
    assert capture["verdict"].startswith("not in the snapshot any more")
    assert {row["release"] for row in capture["releases"]} == {RELEASE, NEXT}
    attempt = next(row for row in published.rewritten_rows() if row["kept"])
    rewrites = story_of(lake, attempt["doc_id"])
    assert attempt["doc_id"] in {row["doc_id"] for c in rewrites["captures"] for row in c["rewrites"]}
    assert "(rewritten version" in render_story(rewrites)
