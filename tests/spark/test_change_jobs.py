"""The jobs of commands that change what is published: run by Dagster over a lake, they do it, or say why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pyspark.sql import SparkSession

from assets.workshop import Workshop
from orchestration.change_jobs import CHANGE_JOBS
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource, read_recipe
from spark_jobs.lake.lake import Lake
from spark_jobs.recipe.fingerprint import recipe_fingerprint
from tests.spark import published
from tests.spark.published import RELEASE, SNAPSHOT, doc
from tests.spark.released import copy_of, publish_rows

JOBS = {job.name: job for job in CHANGE_JOBS}


@dataclass
class Ready(WorkshopResource):
    """The resource over a session that is there already."""

    spark: SparkSession | None = None

    def _make(self) -> Workshop:
        recipe = read_recipe(self.settings)
        return Workshop(
            lake=Lake(self.spark, self.settings.home).open(None), recipe=recipe,
            recipe_fingerprint=recipe_fingerprint(recipe), provenance={"code": {"commit": "c", "dirty": False}},
            scratch=str(self.settings.scratch),
        )  # fmt: skip


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


@pytest.fixture
def instance() -> Any:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def ran(lake: Lake, instance: dg.DagsterInstance, job: str, **config: Any) -> tuple[bool, str]:
    """Whether the job succeeded, and what it told."""
    (op,) = [node.name for node in JOBS[job].graph.nodes]
    result = JOBS[job].execute_in_process(
        run_config={"ops": {op: {"config": config}}}, instance=instance, raise_on_error=False,
        resources={"workshop": Ready(Settings.read(lake.home), spark=lake.spark)},
    )  # fmt: skip
    if not result.success:
        (failed,) = [event for event in result.all_events if event.is_step_failure]
        return False, str(failed.step_failure_data.user_failure_data.description)
    (output,) = [event for event in result.all_events if event.is_successful_output]
    return True, str(output.step_output_data.metadata["told"].value)


def test_a_rollback_serves_the_earlier_rows_and_dagster_is_told(lake: Lake, instance: dg.DagsterInstance) -> None:
    (first,) = [p for p in lake.history("cleaned") if p.partition == SNAPSHOT]
    publish_rows(lake, "cleaned", published.cleaned_rows()[2:], run_id="later", fingerprint="another print")
    done, told = ran(lake, instance, "rollback", table="cleaned", snapshot=SNAPSHOT, reason="cut short")
    assert done, told
    lake.refresh()
    now = lake.current("cleaned", SNAPSHOT)
    assert now is not None
    assert (now.digest, now.record["rolled_back"]["reason"]) == (first.digest, "cut short")
    assert f"version {now.version} serves the rows of version {first.version} again" in told
    (known,) = instance.fetch_materializations(dg.AssetKey("cleaned"), limit=1).records
    assert known.asset_materialization is not None
    assert known.asset_materialization.metadata["publication"].value == now.id


def test_a_takedown_is_planned_and_nothing_goes(lake: Lake, instance: dg.DagsterInstance) -> None:
    asked = {"doc_ids": [doc(3)], "reason": "asked for"}
    done, told = ran(lake, instance, "takedown", dry_run=True, **asked)
    assert done, told
    assert f"raw/{SNAPSHOT}: 1 rows would go" in told
    assert lake.published("cleaned", [SNAPSHOT]).where(f"doc_id = '{doc(3)}'").count() == 1


def test_a_vacuum_says_what_it_would_free(lake: Lake, instance: dg.DagsterInstance) -> None:
    done, told = ran(lake, instance, "vacuum", keep=["latest"], dry_run=True)
    assert done, told
    assert f"for {RELEASE} and what is current" in told


@pytest.mark.parametrize(
    ("job", "config", "expected"),
    [
        ("rollback", {"table": "papers", "snapshot": SNAPSHOT, "reason": "r"}, "papers"),
        ("approve_candidate", {"table": "cleaned", "snapshot": SNAPSHOT, "reason": "r"}, "cleaned"),
        ("takedown", {"reason": "r"}, "say what to take down"),
        ("takedown", {"domains": ["com"], "reason": "r"}, "more than a site"),
        ("vacuum", {"keep": ["nothing"]}, "nothing"),
        ("vacuum", {"keep": []}, "name the releases that stay"),
    ],
)
def test_what_cannot_be_done_fails_with_what_the_command_says(
    whole: Lake, instance: dg.DagsterInstance, job: str, config: dict[str, Any], expected: str
) -> None:
    done, told = ran(whole, instance, job, **config)
    assert not done
    assert expected in told


def test_a_job_starts_nothing_where_there_is_no_lake(whole: Lake, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    nowhere = Lake(whole.spark, str(tmp_path / "nowhere"))
    assert ran(nowhere, instance, "vacuum", keep=["latest"]) == (
        False, f"{nowhere.home}: no lake here; make one with ./provender run, or name another with --home",
    )  # fmt: skip
