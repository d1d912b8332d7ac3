"""Registering an input as a snapshot: what `run` does in its process, and two jobs in processes of their own.

`register_snapshot` takes the one that the sensor saw; `register_watched` looks by itself, for a schedule or a person.
"""

import time
from collections.abc import Iterable, Sequence

import dagster as dg

from assets.stage_asset import SNAPSHOTS
from assets.workshop import Workshop
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource, storage_options
from spark_jobs.crawl.inputs import InputFile, expand_inputs
from spark_jobs.crawl.inventory import inventory_frame
from spark_jobs.crawl.watch import Sighting, look
from spark_jobs.errors import InputError, UsageError
from spark_jobs.lake.registry import register, registered

# What a run of the job is about, for those who look at runs: the snapshot, and the signature of its files.
SNAPSHOT_TAG = "provender/snapshot"
INPUT_TAG = "provender/input"
REGISTER, REGISTER_WATCHED = "register_snapshot", "register_watched"


def register_input(
    workshop: Workshop, instance: dg.DagsterInstance, name: str, uris: Sequence[str],
    files: Sequence[InputFile] | None = None,
) -> str:  # fmt: skip
    """Register the files as a snapshot, or see that they are; says what was found. InputError for no documents.

    `files` are those that the URIs stand for, where they were looked up already.
    """
    lake = workshop.lake
    files = expand_inputs(uris, workshop.storage_options) if files is None else files
    known = registered(lake).get(name)
    if known is not None:
        # A run that was killed between the registry and Dagster left only the first.
        instance.add_dynamic_partitions(str(SNAPSHOTS.name), [name])
    seen = {(e["uri"], e["bytes"], e["modified"]) for e in known.inputs} if known else set()
    if seen == {(f.uri, f.bytes, f.modified) for f in files}:
        return f"{len(files)} files, as registered"
    frame = inventory_frame(lake.spark, files, workshop.storage_options)
    rows = [row.asDict() for row in frame.orderBy("uri").collect()]
    documents = sum(row["documents"] for row in rows)
    if documents == 0:
        raise InputError(f"{', '.join(uris)}: no document records in {len(files)} files; is this a crawl?")
    before = [(e["uri"], e["sha256"]) for e in known.inputs] if known else None
    if before != [(row["uri"], row["sha256"]) for row in rows]:
        section = workshop.recipe.raw
        register(lake, name, rows, source=section.source or name, licence=section.licence)
        instance.add_dynamic_partitions(str(SNAPSHOTS.name), [name])
    return f"{len(files)} files, {documents:,} document records"


class Input(dg.Config):
    """Which files are which snapshot."""

    snapshot: str
    uris: list[str]


@dg.op(required_resource_keys={"workshop"}, description="Count the records of the files and enter them in `snapshots`.")
def register_files(context: dg.OpExecutionContext, config: Input) -> None:
    """An input that nobody can use fails for good: it is asked for again when its files change."""
    workshop: Workshop = context.resources.workshop.get()
    workshop.lake.refresh()
    try:
        told = register_input(workshop, context.instance, config.snapshot, config.uris)
    except UsageError as error:
        raise dg.Failure(str(error), metadata={"refused": context.run.tags.get(INPUT_TAG, "")}) from error
    context.log.info("%s: %s", config.snapshot, told)


@dg.job(name=REGISTER, description="Enter the files of a snapshot in the registry, so that it can be built.")
def register_snapshot() -> None:
    """One op."""
    register_files()


# the watched place ------------------------------------------------------------------------------------------------


def sightings(settings: Settings, known: Iterable[str]) -> tuple[Sighting, ...]:
    """What lies at the watched place now. UsageError where none is named."""
    if settings.watch is None:
        raise UsageError("no place is watched; name one in PROVENDER_WATCH")
    return look(
        settings.watch, lists=settings.watch_lists, since=settings.watch_since, known=known,
        storage_options=storage_options(settings),
    )  # fmt: skip


@dg.op(
    required_resource_keys={"workshop"}, description="Look twice at the watched place, and register what is new there."
)
def register_what_is_there(context: dg.OpExecutionContext) -> None:
    """What still changes between the looks is left for the next time; what nobody can use does not stop the rest."""
    resource: WorkshopResource = context.resources.workshop
    workshop, settings = resource.get(), resource.settings
    workshop.lake.refresh()
    known = registered(workshop.lake)
    before = {one.name: one.signature for one in sightings(settings, known)}
    time.sleep(settings.settle_seconds)
    refused = []
    for one in sightings(settings, known):
        if one.unfinished is not None or before.get(one.name) != one.signature:
            context.log.info("%s: left for the next time: %s", one.name, one.unfinished or "its files still change")
            continue
        if one.name in known and one.is_made_of(known[one.name].inputs):
            continue
        try:
            context.log.info("%s: %s", one.name, register_input(workshop, context.instance, one.name, [one.uri]))
        except UsageError as error:
            refused.append(str(error))
    if refused:
        raise dg.Failure("; ".join(refused))


@dg.job(name=REGISTER_WATCHED, description="Register the snapshots that are new at the watched place.")
def register_watched() -> None:
    """One op."""
    register_what_is_there()
