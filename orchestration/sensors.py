"""Sensors and the schedule: new snapshots at the watched place, new releases, and publications that Dagster missed.

Each only looks and requests; what is due is decided in `plan.py`, alerts are in `alerts.py`.
"""

import json
import time
from typing import Any

import dagster as dg

from assets.stage_asset import RELEASES
from orchestration.automation import Lookout, status
from orchestration.instance import end_lost_runs, reconcile
from orchestration.jobs import RELEASE
from orchestration.registration import REGISTER_WATCHED, register_snapshot
from orchestration.runs import InstanceRuns
from orchestration.settings import Settings
from orchestration.watching import next_due, register_watched, registration_of, sightings
from spark_jobs.crawl.watch import settled
from spark_jobs.lake.registry import registered


def watch_sensor(lookout: Lookout) -> dg.SensorDefinition:
    """Requests that what has settled at the watched place is registered, one after the other, in order."""
    settings = lookout.settings

    @dg.sensor(
        name="watch_for_snapshots", job=register_snapshot, minimum_interval_seconds=settings.watch_seconds,
        default_status=status(on=settings.watch is not None and settings.refresh_cron is None),
        description="New or changed snapshots at PROVENDER_WATCH whose files have settled are registered.",
    )  # fmt: skip
    def watch_for_snapshots(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if settings.watch is None:
            return dg.SensorResult(skip_reason="no place is watched: name one in PROVENDER_WATCH")
        lookout.lake.refresh()
        known = registered(lookout.lake) if lookout.lake.is_there() else {}
        seen = json.loads(context.cursor) if context.cursor else {}
        ready, remembered = settled(sightings(settings, known), seen, time.time(), settings.settle_seconds)
        runs = InstanceRuns(context.instance)
        due, why = next_due(runs, ready, known)
        under_way = len(runs.under_way())
        if due is not None and under_way >= settings.refresh_limit:
            why = f"{due.name} waits: {under_way} runs are queued or running, {settings.refresh_limit} may be"
            due = None
        if due is None:
            waiting = len(remembered) - len(ready)
            why += f"; {waiting} of {len(remembered)} snapshots have not settled" if waiting else ""
            return dg.SensorResult(skip_reason=why, cursor=json.dumps(remembered))
        return dg.SensorResult(run_requests=[dg.RunRequest(**registration_of(due))], cursor=json.dumps(remembered))

    return watch_for_snapshots


def release_sensor(lookout: Lookout, job: Any) -> dg.SensorDefinition:
    """Requests the release that the current publications make, as soon as nothing behind it is stale."""

    @dg.sensor(
        name="release_what_is_fresh", job=job, minimum_interval_seconds=lookout.settings.watch_seconds,
        default_status=status(on=lookout.settings.automation),
        description="A new release, under a new name, when all snapshots are fresh; a release is never built again.",
    )  # fmt: skip
    def release_what_is_fresh(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        plan = lookout.plan()
        if plan.release is None:
            first = next(iter(plan.waiting.items()), None)
            why = f"{len(plan.waiting)} wait, {first[0]}: {first[1]}" if first else "no release is due"
            return dg.SensorResult(skip_reason=why)
        context.log.info("%s: the release %s is due", RELEASE, plan.release)
        # At once, and not by the result of the tick: Dagster looks for the partition when it resolves the request.
        context.instance.add_dynamic_partitions(str(RELEASES.name), [plan.release])
        return dg.SensorResult(run_requests=[dg.RunRequest(partition_key=plan.release)])

    return release_what_is_fresh


def ledger_sensor(lookout: Lookout) -> dg.SensorDefinition:
    """Reports publications that Dagster does not know, of a run that was killed between its commit and its event.

    Such a run is marked as failed first: killed outside of the daemon, it would count as running for ever.
    """

    @dg.sensor(
        name="report_publications", minimum_interval_seconds=lookout.settings.watch_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="What the ledger holds and Dagster does not know becomes a materialization.",
    )  # fmt: skip
    def report_publications(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        lookout.lake.refresh()
        if not lookout.lake.is_there():
            return dg.SensorResult(skip_reason="there is no lake yet")
        lost = end_lost_runs(context.instance)
        under_way = InstanceRuns(context.instance).under_way()
        if lost or under_way:
            # Between its commit and its event a run is not to be overtaken.
            told = f"{len(under_way)} runs are queued or running"
            return dg.SensorResult(skip_reason=f"{told}; {lost} had lost their process and failed" if lost else told)
        head = json.dumps(lookout.lake.heads())
        if head == context.cursor:
            return dg.SensorResult(skip_reason="nothing was published since the last look")
        reported = reconcile(context.instance, lookout.workshop)
        return dg.SensorResult(skip_reason=f"{reported} publications were reported", cursor=head)

    return report_publications


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """Looking at the watched place at set times instead of all the time; the rest follows as with the sensor."""

    @dg.schedule(
        name="look_for_snapshots", job=register_watched, cron_schedule=settings.refresh_cron or "0 2 * * *",
        execution_timezone=settings.refresh_timezone,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if settings.refresh_cron is not None and settings.watch is not None
            else dg.DefaultScheduleStatus.STOPPED
        ),
        description="Registers what is new at PROVENDER_WATCH; PROVENDER_REFRESH_CRON says when.",
    )  # fmt: skip
    def look_for_snapshots(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        # Behind a long build looks would queue up, and count against the limit of what is built.
        if InstanceRuns(context.instance).is_under_way(REGISTER_WATCHED):
            return dg.SkipReason("the look before this one is still queued or running")
        return dg.RunRequest()

    return [look_for_snapshots]
