"""`audits` holds what the gate said of every publication, also where the program was killed before it was written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from assets.build import Built, build
from assets.models import refused_fits
from expectations.common_laws import no_row
from orchestration.report import render_status
from spark_jobs.lake import ledger
from spark_jobs.lake.audits import history, note
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.rollback import rollback
from tests.spark.dedup_lake import DedupLake, Given, Page, doc_id

pytestmark = pytest.mark.heavy

HOLDS = no_row("nothing_is_odd", "no row is odd", "doc_id = 'odd'")
WARNS = replace(no_row("nothing_is_kept", "no row is kept", "kept"), severity="warning", detail=lambda _: "2 of 2 on a")


@pytest.fixture
def small(spark: SparkSession, tmp_path: Path) -> DedupLake:
    made = DedupLake(spark, tmp_path)
    made.crawl("s", {"a": Page("one"), "b": Page("two")})
    return made


def cleaned(small: DedupLake, run_id: str) -> Built:
    rows = [{"snapshot": "s", "doc_id": doc_id(name), "text": name, "kept": True, "drop_reasons": [], "edits": []}
            for name in ("a", "b", run_id)]  # fmt: skip
    workshop: Any = small.workshop
    return build(workshop, Given("cleaned", rows), [HOLDS, WARNS], partition="s", fingerprint="f", run_id=run_id)


def killed(small: DedupLake, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that ends right after its commit; what is used from then on is a new one."""

    def die(*_words: Any, **_keys: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("assets.build.keep_outcomes", die)
        patch.setattr("spark_jobs.lake.ledger.sync", die)  # the lake is open: it did what it does at first
        with pytest.raises(KeyboardInterrupt):
            cleaned(small, run_id)
    small.lake = Lake(small.spark, small.lake.home)


def told(small: DedupLake, run_id: str) -> list[tuple[Any, ...]]:
    rows = small.lake.at("audits").where(f"table = 'cleaned' AND run_id = '{run_id}'").orderBy("expectation").collect()
    return [(r["expectation"], r["severity"], r["success"], r["publication"], r["expected"], r["found"]) for r in rows]


def test_a_program_that_is_killed_after_its_commit_loses_no_outcome(
    small: DedupLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned(small, "first")
    killed(small, "second", monkeypatch)
    lost = small.lake.current("cleaned", "s")
    assert lost is not None
    assert lost.record["run_id"] == "second"
    assert told(small, "second") == []
    third = cleaned(small, "third")
    assert [(*row[:3], row[3] == lost.id, *row[4:]) for row in told(small, "second")] == [
        (*row[:3], row[3] == third.publication.id, *row[4:]) for row in told(small, "third")
    ], "as if nothing had happened"
    warned = told(small, "second")[0]
    assert warned[2:4] == (False, lost.id)
    assert warned[5].endswith("2 of 2 on a")
    small.lake = Lake(small.spark, small.lake.home)
    ledger.sync(small.lake)
    assert len(told(small, "second")) == len(told(small, "third")) == 2, "once is enough"
    (one,) = history(small.lake, table="cleaned", expectation="nothing_is_odd")
    assert [(o["run_id"], o["version"]) for o in one.outcomes] == [("first", 2), ("second", 3), ("third", 4)]


def test_who_publishes_rows_again_has_not_judged_them(small: DedupLake) -> None:
    cleaned(small, "first")
    cleaned(small, "second")
    rollback(small.lake, "cleaned", "s", to=None, reason=None, provenance={}, run_id="back")
    ledger.sync(Lake(small.spark, small.lake.home))
    assert told(small, "back") == []


def test_outcomes_that_two_programs_wrote_count_once(small: DedupLake) -> None:
    first = cleaned(small, "first")
    rows = small.lake.at("audits").where(f"publication = '{first.publication.id}'")
    rows.write.format("delta").mode("append").save(small.lake.location("audits"))
    (one,) = history(small.lake, table="cleaned", expectation="nothing_is_odd")
    assert [o["run_id"] for o in one.outcomes if o["publication"] == first.publication.id] == ["first"]


def test_a_refused_model_is_told_while_there_is_none(small: DedupLake, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"models": ("quality", "other"), "rewrite_models": ()}
    monkeypatch.setattr("assets.models.unfitted", lambda _workshop, asset: missing[asset])

    def fitted(run_id: str, *, holds: bool) -> None:
        outcomes = [
            {"name": name, "severity": severity, "success": success, "expected": "auc >= 0.8", "found": run_id}
            for name, severity, success in (
                ("separates_held_out_sources", "error", holds), ("no_score_is_nan", "error", True),
                ("length_is_no_shortcut", "warning", False),
            )
        ]  # fmt: skip
        note(small.lake, table="models", partition="quality", candidate=None, run_id=run_id,
             publication="a digest" if holds else None, outcomes=outcomes)  # fmt: skip

    assert refused_fits(small.workshop) == []
    for run_id in ("first", "second"):
        fitted(run_id, holds=False)
    (told,) = refused_fits(small.workshop)
    assert (told["table"], told["partition"], told["expectation"]) == (
        "models", "quality", "separates_held_out_sources",
    )  # fmt: skip
    assert told["found"] == "second", "the newest attempt"
    assert told["says"].startswith("the model separates references")
    report: Any = {"home": "h", "recipe": "r", "snapshots": [], "releases": [], "failed_gates": [told]}
    last = render_status(report).splitlines()[-1]
    assert last == "failed gate: models/quality: separates_held_out_sources; expected auc >= 0.8; found second"
    fitted("third", holds=True)
    assert refused_fits(small.workshop) == []
    fitted("a refit", holds=False)
    missing["models"] = ()
    assert refused_fits(small.workshop) == [], "the one that there is goes on to serve"
