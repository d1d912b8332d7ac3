"""The watched place: what is to be registered of it, decided in one way for the sensor and for the schedule's job.

The sensor requests a run of `register_snapshot` for what is due. `register_watched`, for a schedule or a person, looks
twice and executes such runs itself, one after the other. So what was registered, refused or failed is read off the
same runs, whoever looked.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.plan import pause_of, utc_now
from orchestration.registration import INPUT_TAG, REGISTER_WATCHED, SNAPSHOT_TAG, register_snapshot
from orchestration.runs import InstanceRuns, Subject
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource, storage_options
from spark_jobs.crawl.watch import Sighting, look, settled
from spark_jobs.errors import UsageError
from spark_jobs.lake.log_lake import LogLake
from spark_jobs.lake.registry import Snapshot, registered


def sightings(settings: Settings, known: Iterable[str]) -> tuple[Sighting, ...]:
    """What lies at the watched place now. UsageError where none is named, or where it does not answer."""
    if settings.watch is None:
        raise UsageError("no place is watched; name one in PROVENDER_WATCH")
    return look(
        settings.watch, lists=settings.watch_lists, since=settings.watch_since, known=known,
        storage_options=storage_options(settings),
    )  # fmt: skip


def next_due(
    runs: InstanceRuns, ready: Sequence[Sighting], known: Mapping[str, Snapshot]
) -> tuple[Sighting | None, str]:
    """The first that is to be registered, or why none is. One at a time: the order of the registry is that of dedup.

    Of a list only the list itself was looked at, so it is known by the runs that registered it as it is.
    """
    busy = next((one.registers for one in runs.under_way() if one.registers is not None), None)
    if busy is not None:
        return None, f"{busy} is being registered"
    reasons = []
    for one in ready:
        if one.name in known and one.is_made_of(known[one.name].inputs):
            continue
        failures = tuple(runs.failures(Subject(frozenset(), registers=one.name)))
        refusals = [failed for failed in failures if failed.refused]
        if one.name in known and not refusals and one.signature == runs.last_registered(one.name):
            continue
        refused = next((failed for failed in refusals if one.signature in failed.refused.values()), None)
        paused = pause_of(failures, utc_now())
        if refused is not None:
            reasons.append(f"{one.name} was refused as it is, see run {refused.run_id}")
        elif paused is not None:
            reasons.append(f"{one.name} {paused}")
        else:
            return one, ""
    return None, "; ".join(reasons) or "nothing new"


def registration_of(one: Sighting) -> dict[str, Any]:
    """Configuration and tags of the run of `register_snapshot` that registers it."""
    return {
        "run_config": {"ops": {"register_files": {"config": {"snapshot": one.name, "uris": [one.uri]}}}},
        "tags": {SNAPSHOT_TAG: one.name, INPUT_TAG: one.signature},
    }


# the job ----------------------------------------------------------------------------------------------------------


@dg.op(
    required_resource_keys={"workshop"}, description="Look twice at the watched place, and register what is new there."
)
def register_what_is_there(context: dg.OpExecutionContext) -> None:
    """What still changes between the looks is left for the next time; what nobody can use does not stop the rest."""
    try:
        _register_all(context, context.resources.workshop)
    except UsageError as error:
        raise dg.Failure(str(error)) from error


def _register_all(context: dg.OpExecutionContext, resource: WorkshopResource) -> None:
    settings, runs, lake = resource.settings, InstanceRuns(context.instance), LogLake(resource.settings.home)
    first = sightings(settings, _known(lake))
    due, why = next_due(runs, [one for one in first if one.unfinished is None], _known(lake))
    if due is None:
        context.log.info("%s: %s", settings.watch, why)
        return
    ready = _settled(settings, first, _known(lake))
    for one in sorted({one.name for one in first} - {one.name for one in ready}):
        context.log.info("%s: left for the next time: its files have not settled", one)
    while True:
        due, why = next_due(runs, ready, _known(lake))
        if due is None:
            context.log.info("%s: %s", settings.watch, why)
            return
        _register(context, resource, due)


def _known(lake: LogLake) -> dict[str, Snapshot]:
    lake.refresh()
    return registered(lake) if lake.is_there() else {}


def _settled(settings: Settings, first: Sequence[Sighting], known: Iterable[str]) -> tuple[Sighting, ...]:
    """Those that look the same after a while. By a clock of our own: the machine's may be set meanwhile."""
    seconds = settings.settle_seconds
    _ready, seen = settled(first, {}, 0, seconds)
    time.sleep(seconds)
    ready, _seen = settled(sightings(settings, known), seen, seconds, seconds)
    return ready


def _register(context: dg.OpExecutionContext, resource: WorkshopResource, one: Sighting) -> None:
    """A run of its own on the same instance and Spark session: it is told, remembered and tried again as any other."""
    done = register_snapshot.execute_in_process(
        instance=context.instance, resources={"workshop": resource}, raise_on_error=False, **registration_of(one)
    )
    say = context.log.info if done.success else context.log.error
    say("%s: %s in run %s", one.name, "registered" if done.success else "not registered", done.run_id)


@dg.job(name=REGISTER_WATCHED, description="Register the snapshots that are new at the watched place.")
def register_watched() -> None:
    """One op."""
    register_what_is_there()
