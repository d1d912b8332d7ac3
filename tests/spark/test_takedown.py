"""A takedown on a small lake: elections as if the documents had never been there; killed anywhere, the same end."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.errors import TakenDownError, VerificationError
from spark_jobs.lake import receipts
from spark_jobs.lake.digest import digest_of
from spark_jobs.lake.freshness import overtaken, stale_reason
from spark_jobs.lake.lake import Lake
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages import takedown as module
from spark_jobs.stages import takedown_amend
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request
from tests.decoded import places
from tests.spark.dedup_lake import DedupLake, Page, doc_id, page

pytestmark = pytest.mark.heavy

MARK = "this sentence stands in four pages only and nowhere else."
PAGES = {
    "s1": {
        "a": Page(f"{page('a')} {MARK}", score=0.9), "a copy": Page(f"{page('a')} {MARK}", score=0.2),
        "a near": Page(page("a", 1), score=0.6), "b": Page(page("b")), "c": Page(page("c"), path="news"),
        "left": Page(page("sides")), "right": Page(page("sides", 4)),
    },
    "s2": {
        "a later": Page(page("a", 1) + " more"), "b later": Page(page("b")),
        "c later": Page(page("other"), path="news"),
        "bridge": Page(page("sides", 2)), "d": Page(f"{page('d')} {MARK}"),
    },
    "s3": {
        "c last": Page(page("another"), path="news"), "d later": Page(f"{page('d')} {MARK}"),
        "b last": Page(page("b", 1)),
    },
}  # fmt: skip
# Survivors with copies in their snapshot and in later ones, a first capture of a page, a bridge between two clusters;
# and a duplicate that was nobody's survivor.
TAKEN = [("a", "a copy", "b", "c", "bridge"), ("a near", "d")]


def built(spark: SparkSession, home: Path, without: tuple[str, ...] = (), **said: Any) -> DedupLake:
    """A lake of the pages, without some."""
    made = DedupLake(spark, home, section=DedupedSection(**said))
    for snapshot, pages in PAGES.items():
        made.crawl(snapshot, {name: one for name, one in pages.items() if name not in without})
        made.dedup(snapshot, ())
    return made


@pytest.fixture(scope="module", params=["scored", "cleaned"])
def whole(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DedupLake:
    """What every takedown starts from; documents that filters drop take part in clusters, or not."""
    return built(spark, tmp_path_factory.mktemp("whole"), participants=request.param)


def copy_of(whole: DedupLake, place: Path) -> DedupLake:
    shutil.copytree(whole.home / "home", place / "home")
    return DedupLake(whole.spark, place, section=whole.section, pages=dict(whole.pages), runs=50)


def takedown(lake: DedupLake, *names: str) -> Takedown:
    request = Request({"doc": tuple(sorted(doc_id(name) for name in names))}, "a test")
    recipe: Any = SimpleNamespace(deduped=lake.section)
    return Takedown(
        lake=Lake(lake.spark, lake.lake.home), recipe=recipe, request=request, scratch=str(lake.home / "scratch"),
        clock=lambda: datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def state(lake: DedupLake) -> dict[str, Any]:
    """All that is published and indexed, by content."""
    lake.lake.refresh()
    found: dict[str, Any] = {}
    for table in ("cleaned", "scored", "deduped"):
        for partition, publication in lake.lake.publications(table).items():
            rows = lake.lake.read([publication])
            found[f"{table}/{partition}"] = str(digest_of(rows))
            assert str(digest_of(rows, publication.record["columns"])) == publication.digest
    for table in ("signatures", "band_index"):
        rows = lake.lake.side(table, lake.lake.publications("deduped").values()).drop("publication")
        found[table] = str(digest_of(rows))
    return found


@pytest.mark.parametrize("names", TAKEN, ids="+".join)
def test_verdicts_are_those_of_a_corpus_that_never_had_the_documents(
    whole: DedupLake, tmp_path: Path, names: tuple[str, ...]
) -> None:
    lake = copy_of(whole, tmp_path)
    receipt = takedown(lake, *names).run()
    assert receipt["left"] == 0
    never = built(whole.spark, tmp_path / "never", without=names, participants=whole.section.participants)
    for snapshot in PAGES:
        assert lake.rows(snapshot) == never.rows(snapshot), snapshot
    assert state(lake) == state(never)


def test_nothing_is_stale_afterwards_and_old_versions_are_refused(whole: DedupLake, tmp_path: Path) -> None:
    lake = copy_of(whole, tmp_path)
    old = lake.lake.current("cleaned", "s1")
    assert old is not None
    home = tmp_path / "home"
    assert {name.split("/")[1] for name in places(home, MARK)} == {"cleaned"}
    receipt = takedown(lake, "a", "a copy", "d", "d later").run()
    assert places(home, MARK) == []
    assert [(row["table"], row["partition"]) for row in receipt["destroyed"]] == [
        (table, snapshot) for table in ("cleaned", "deduped", "scored") for snapshot in PAGES
    ]
    lake.lake.refresh()
    assert overtaken(lake.lake, "deduped") == {}
    for table in ("scored", "deduped"):
        for snapshot in PAGES:
            assert stale_reason(lake.lake, table, snapshot, "f") is None
    with pytest.raises(TakenDownError, match=f"version {old.version} .*{receipt['receipt']}"):
        lake.lake.read([old])
    lake.crawl("s4", {"a again": Page(page("a", 2))})
    lake.dedup("s4")
    assert lake.survivors("s4") == {"a again": "a near"}


def test_only_files_that_hold_rows_are_written_again(whole: DedupLake, tmp_path: Path) -> None:
    lake = copy_of(whole, tmp_path)
    before = {path for path in (tmp_path / "home" / "tables").rglob("*.parquet") if "_delta_log" not in path.parts}
    receipt = takedown(lake, "b last").run()
    after = {path for path in (tmp_path / "home" / "tables").rglob("*.parquet") if "_delta_log" not in path.parts}
    for path in before - after:
        assert "s3" in path.parts[-2] or "s3" in path.parts[-3], path
    touched = {row["partition"] for row in receipt["tables"] if row["removed"]}
    assert touched == {"s3"}


ALL_OF_IT = ("d", "d later")


@pytest.fixture(scope="module")
def undisturbed(whole: DedupLake, tmp_path_factory: pytest.TempPathFactory) -> tuple[DedupLake, dict[str, Any]]:
    """The lake and the receipt of a takedown that nobody killed."""
    lake = copy_of(whole, tmp_path_factory.mktemp("undisturbed"))
    return lake, takedown(lake, *ALL_OF_IT).run()


# In the order in which a takedown comes to them.
STEPS = [("append", True), ("_note", False), ("amend", False), ("amend", True), ("clear", True), ("entry", False),
         ("_destroy", False), ("_destroy", True)]  # fmt: skip


def test_killed_at_every_step_and_run_again_it_ends_the_same(
    whole: DedupLake, undisturbed: tuple[DedupLake, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One takedown in nine attempts: each but the last is killed a step further, where the one before had come to."""
    if whole.section.participants == "cleaned":
        pytest.skip("the steps are the same")
    straight, wanted = undisturbed
    lake = copy_of(whole, tmp_path / "killed")
    for step, after in STEPS:
        with monkeypatch.context() as patch:
            place: Any = module if hasattr(module, step) else Takedown
            patch.setattr(place, step, killed_at(getattr(place, step), after=after))
            with pytest.raises(KeyboardInterrupt):
                takedown(lake, *ALL_OF_IT).run()
    receipt = takedown(lake, *ALL_OF_IT).run()
    assert state(lake) == state(straight)
    assert {name.split("/")[2] for name in places(lake.home / "home", MARK)} == {"snapshot=s1"}, "of a, which stays"
    assert said(receipt) == said(wanted)
    assert list((lake.home / "home" / "takedowns").iterdir()) == [
        Path(receipts.location(lake.lake.home, receipt["receipt"]))
    ], "what was only noted for a second attempt is gone"


def killed_at(real: Callable[..., Any], *, after: bool) -> Callable[..., Any]:
    """The real thing, which at its second call (or the first, if there is no second) is killed before or after it."""
    calls: list[int] = []

    def run(*words: Any, **keys: Any) -> Any:
        calls.append(1)
        last = len(calls) == 2 or real.__name__ in {"append", "_note", "_destroy"}
        if last and not after:
            raise KeyboardInterrupt
        done = real(*words, **keys)
        if last:
            raise KeyboardInterrupt
        return done

    return run


def said(receipt: dict[str, Any]) -> dict[str, Any]:
    """What a receipt proves: not how many attempts it took, nor the names that Spark gave to files."""
    tables = sorted((row["table"], row["partition"], row["removed"], row["elected"]) for row in receipt["tables"])
    destroyed = sorted((row["table"], row["partition"], row["version"]) for row in receipt["destroyed"])
    return {"tables": tables, "destroyed": destroyed, "left": receipt["left"], "came_back": receipt["came_back"],
            "state": receipt["state"]}  # fmt: skip


def test_nothing_is_destroyed_when_an_equation_fails(
    whole: DedupLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = copy_of(whole, tmp_path)
    real = takedown_amend.exchange
    # A commit that takes more than it says.
    monkeypatch.setattr(takedown_amend, "exchange", lambda *words, **keys: real(*words, **{**keys, "within": "true"}))
    before = set(places(tmp_path / "home", MARK))
    with pytest.raises(VerificationError, match="nothing was destroyed yet"):
        takedown(lake, *ALL_OF_IT).run()
    assert set(places(tmp_path / "home", MARK)) == before
    (receipt,) = receipts.every(lake.lake.home)
    assert (receipt["state"], receipt["tables"]) == (receipts.BEGUN, None)


def test_the_receipt_holds_no_text_and_names_what_went(whole: DedupLake, tmp_path: Path) -> None:
    lake = copy_of(whole, tmp_path)
    receipt = takedown(lake, "a").run()
    text = json.dumps(receipt)
    for word in page("a").split()[:5]:
        assert word not in text
    assert receipt["asked"] == [{"kind": "doc", "value": doc_id("a")}]
    again = takedown(lake, "a").run()
    assert again == receipt, "nothing is left to do"
