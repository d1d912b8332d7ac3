"""Registering an input as a snapshot: what `run` does in its process, and the job `register_snapshot` in another.

What is to be registered of the watched place is decided in `watching.py`.
"""

from collections.abc import Sequence

import dagster as dg

from assets.stage_asset import SNAPSHOTS
from assets.workshop import Workshop
from spark_jobs.crawl.inputs import InputFile, expand_inputs
from spark_jobs.crawl.inventory import inventory_frame
from spark_jobs.errors import InputError, UnreachableError, UsageError
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
    """What cannot be used as it lies there fails for good: it is asked for again when its files or its list change.

    Files that a list names in vain fail the run as well, so that somebody is told; the others are registered.
    """
    workshop: Workshop = context.resources.workshop.get()
    workshop.lake.refresh()
    refused = {"refused": context.run.tags.get(INPUT_TAG, "")}
    try:
        told = register_input(workshop, context.instance, config.snapshot, config.uris)
    except UnreachableError as error:
        raise dg.Failure(str(error)) from error
    except UsageError as error:
        raise dg.Failure(str(error), metadata=refused) from error
    context.log.info("%s: %s", config.snapshot, told)
    workshop.lake.refresh()
    inputs = registered(workshop.lake)[config.snapshot].inputs
    absent = [entry["uri"] for entry in inputs if entry["format"] == "missing"]
    if absent:
        raise dg.Failure(
            f"{config.snapshot}: {len(absent)} of {len(inputs)} files are listed but not there, such as {absent[0]}; "
            "the others are registered; put the missing ones there and touch the list, or leave them out of it",
            metadata=refused,
        )


@dg.job(name=REGISTER, description="Enter the files of a snapshot in the registry, so that it can be built.")
def register_snapshot() -> None:
    """One op."""
    register_files()
