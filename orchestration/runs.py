"""What the Dagster instance knows of runs: which are under way, and how those before them failed. Reading only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import dagster as dg

from orchestration.jobs import ASSETS_OF_JOBS
from orchestration.registration import INPUT_TAG, REGISTER, SNAPSHOT_TAG

PARTITION_TAG = "dagster/partition"
_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.MANAGED,
]  # fmt: skip
_ENDED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED]
_LOOK_BACK = 20


@dataclass(frozen=True)
class Subject:
    """What a run is about: assets with a partition, or the snapshot that it registers."""

    assets: frozenset[str]
    partition: str | None = None
    registers: str | None = None


@dataclass(frozen=True)
class Failed:
    """A run that failed. `refused` by step: the state that a gate (or the reader of an input) refused."""

    run_id: str
    at: datetime
    refused: Mapping[str, Any] = field(default_factory=dict)


class Runs(Protocol):
    """The runs of an instance."""

    def under_way(self) -> Sequence[Subject]:
        """Runs that are queued or running, whoever started them."""
        ...

    def failures(self, subject: Subject) -> Sequence[Failed]:
        """The failed runs about a subject since one about it succeeded, newest first; at most 20 runs back."""
        ...


class InstanceRuns:
    """The runs of a Dagster instance."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance

    def under_way(self) -> Sequence[Subject]:
        """Runs that are queued or running, whoever started them."""
        return [subject_of(run) for run in self.instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY))]

    def is_under_way(self, job: str) -> bool:
        """Whether a run of this job is queued or running."""
        return bool(self.instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY, job_name=job), limit=1))

    def failures(self, subject: Subject) -> Sequence[Failed]:
        """The failed runs about a subject since one about it succeeded, newest first; at most 20 runs back."""
        if subject.registers is not None:
            wanted = dg.RunsFilter(statuses=_ENDED, job_name=REGISTER, tags={SNAPSHOT_TAG: subject.registers})
        elif subject.partition is not None:
            wanted = dg.RunsFilter(statuses=_ENDED, tags={PARTITION_TAG: subject.partition})
        else:
            wanted = dg.RunsFilter(statuses=_ENDED)
        found: list[Failed] = []
        for record in self.instance.get_run_records(wanted, limit=_LOOK_BACK):
            run = record.dagster_run
            if subject.registers is None and not subject.assets & subject_of(run).assets:
                continue
            if run.status == dg.DagsterRunStatus.SUCCESS:
                break
            if run.status == dg.DagsterRunStatus.FAILURE:
                at = datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)
                found.append(Failed(run.run_id, at, self._refused(run.run_id)))
        return found

    def last_registered(self, snapshot: str) -> str | None:
        """The signature of the input that was last registered as this snapshot, as far as runs know."""
        wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], job_name=REGISTER, tags={SNAPSHOT_TAG: snapshot})
        return next((run.tags.get(INPUT_TAG) for run in self.instance.get_runs(wanted, limit=1)), None)

    def _refused(self, run_id: str) -> dict[str, Any]:
        found = {}
        for entry in self.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
            event = entry.get_dagster_event()
            failure = event.step_failure_data.user_failure_data
            value = failure.metadata.get("refused") if failure is not None else None
            if value is not None:
                found[str(event.step_key)] = value.value
        return found


def subject_of(run: dg.DagsterRun) -> Subject:
    """What a run is about. A run without a selection is of all assets of its job."""
    if run.job_name == REGISTER:
        return Subject(frozenset(), registers=run.tags.get(SNAPSHOT_TAG, ""))
    names = {key.to_user_string() for key in run.asset_selection or ()}
    return Subject(frozenset(names or ASSETS_OF_JOBS.get(run.job_name, ())), partition=run.tags.get(PARTITION_TAG))
