"""The Dagster instance of a HOME: its files, and bringing it up to date with the ledger after a crash."""

import fcntl
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from assets.announce import announce_again
from assets.lineage_metadata import LINEAGE, release_metadata
from assets.stage_asset import RELEASES, SNAPSHOTS, publication_metadata
from assets.workshop import Workshop
from orchestration.settings import Settings
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import releases
from spark_jobs.lake.tables import FLOW

_OURS = "# Written by Provender from its settings; take this line out to keep your own.\n"
_CONFIGURATION = (
    _OURS
    + """\
telemetry:
  enabled: false
nux:
  enabled: false
# Each run has a Spark session of its own: more at once than PROVENDER_REFRESH_LIMIT would only cost memory.
concurrency:
  runs:
    max_concurrent_runs: {limit}
# A slow look at a remote place must not hold up the other sensors.
sensors:
  use_threads: true
  num_workers: 4
run_monitoring:
  enabled: true
  start_timeout_seconds: 300
retention:
  schedule:
    purge_after_days: {{skipped: 7, failure: 90, success: -1}}
  sensor:
    purge_after_days: {{skipped: 7, failure: 90, success: -1}}
"""
)
_HELD = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that the UI shows and runs are recorded on."""
    home = Path(settings.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    settings.export()
    # Dagster makes its tables on first use, and stumbles where another program does so at the same moment.
    with (home / ".opening").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _configure(home / "dagster.yaml", settings)
        return dg.DagsterInstance.get()


def _configure(path: Path, settings: Settings) -> None:
    wanted = _CONFIGURATION.format(limit=settings.refresh_limit)
    found = path.read_text(encoding="utf-8") if path.exists() else _OURS
    if found.startswith(_OURS) and found != wanted:
        path.write_text(wanted, encoding="utf-8")


def reconcile(instance: dg.DagsterInstance, workshop: Workshop) -> int:
    """Report publications that Dagster does not know, as after a crash between commit and event; returns how many.

    Needs no Spark. Where the lineage of a release does, it is reported without it, and once more by who has Spark.
    """
    lake = workshop.lake
    _add_partitions(instance, str(SNAPSHOTS.name), list(registered(lake)))
    _add_partitions(instance, str(RELEASES.name), list(lake.publications("mixed")))
    reported = 0
    for table in FLOW:
        for partition, publication in lake.publications(table).items():
            told = _told(instance, table, partition)
            known = told.get("publication") == dg.MetadataValue.text(publication.id)
            if known and (table != "mixed" or LINEAGE in told):
                continue
            more = _of_release(workshop, publication) if table == "mixed" else {}
            if known and not more:
                continue
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset_key=dg.AssetKey(table), partition=partition,
                    metadata={**publication_metadata(publication), **more},
                    description="Published before, reported from the ledger.",
                    tags={"dagster/data_version": publication.digest},
                )
            )  # fmt: skip
            if not known:
                announce_again(lake, workshop.lineage, publication, workshop.say)
            reported += 1
    if workshop.lineage is not None:
        workshop.lineage.flush()
    return reported


def _told(instance: dg.DagsterInstance, table: str, partition: str) -> Mapping[str, Any]:
    """The metadata of the newest materialization of a partition."""
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), asset_partitions=[partition])
    records = instance.fetch_materializations(wanted, limit=1).records
    event = records[0].asset_materialization if records else None
    return event.metadata if event is not None else {}


def _of_release(workshop: Workshop, publication: Publication) -> Mapping[str, Any]:
    """What the release is told with when it is mixed; nothing where it is not registered, or cannot be told now."""
    release = next((r for r in releases(workshop.lake) if r.publication == publication.id), None)
    try:
        return release_metadata(workshop.lake, release) if release is not None else {}
    except Exception as error:  # noqa: BLE001 - what is published is told in any case
        workshop.say(f"{publication.partition}: Dagster is not told its lineage: {type(error).__name__}: {error}")
        return {}


def _add_partitions(instance: dg.DagsterInstance, name: str, keys: list[str]) -> None:
    known = set(instance.get_dynamic_partitions(name))
    if missing := [key for key in keys if key not in known]:
        instance.add_dynamic_partitions(name, missing)


# runs whose process is gone ---------------------------------------------------------------------------------------


def end_lost_runs(instance: dg.DagsterInstance, *, nothing_starts: bool = False) -> int:
    """Mark runs as failed whose process is gone, as after a power cut: they would count as running for ever.

    A run whose process is not known yet is about to start, but where `nothing_starts`: before there is a daemon.
    """
    ended = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=_HELD)):
        run = record.dagster_run
        pid = _process_of(instance, run.run_id)
        if pid is None or record.start_time is None:
            lost = nothing_starts
        else:
            lost = not is_alive(pid, datetime.fromtimestamp(record.start_time, UTC))
        if lost:
            instance.report_run_failed(run, "The process of the run is gone; what it published stands.")
            ended += 1
    return ended


def _process_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The process that last said it executes steps of the run."""
    found = None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        value = entry.get_dagster_event().engine_event_data.metadata.get("pid")
        if value is not None:
            found = int(str(value.value))
    return found


def is_alive(pid: int, by: datetime) -> bool:
    """Whether there is a process of this number that was there at a time already: numbers are used again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    stat, boot = Path(f"/proc/{pid}/stat"), Path("/proc/stat")
    if not stat.is_file():
        return True  # no such files on this system: believe the number
    ticks = int(stat.read_text("ascii", errors="replace").rpartition(")")[2].split()[19])
    booted = next(int(line.split()[1]) for line in boot.read_text("ascii").splitlines() if line.startswith("btime"))
    started = booted + ticks / os.sysconf("SC_CLK_TCK")
    return started <= by.timestamp() + 1
