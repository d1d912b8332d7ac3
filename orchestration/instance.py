"""The Dagster instance of a HOME: its files, and bringing it up to date with the ledger after a crash."""

import fcntl
from pathlib import Path

import dagster as dg

from assets.announce import announce_again
from assets.catalog import tables
from assets.stage_asset import RELEASES, SNAPSHOTS, publication_metadata
from assets.workshop import Workshop
from orchestration.settings import Settings
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import releases
from spark_jobs.lake.tables import FLOW

_CONFIGURATION = """\
telemetry:
  enabled: false
nux:
  enabled: false
"""


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that the UI shows and runs are recorded on."""
    home = Path(settings.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "dagster.yaml"
    settings.export()
    # Dagster makes its tables on first use, and stumbles where another program does so at the same moment.
    with (home / ".opening").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not configuration.exists():
            configuration.write_text(_CONFIGURATION, encoding="utf-8")
        return dg.DagsterInstance.get()


def register_releases(workshop: Workshop) -> None:
    """Register what was mixed by a run that was killed before it could; names that are known are left as they are."""
    known = {release.name for release in releases(workshop.lake)}
    for name, publication in workshop.lake.publications("mixed").items():
        if name not in known and (register := tables()["mixed"].after) is not None:
            register(workshop, publication)


def reconcile(instance: dg.DagsterInstance, workshop: Workshop) -> int:
    """Report publications that Dagster does not know, as after a crash between commit and event."""
    lake = workshop.lake
    register_releases(workshop)
    instance.add_dynamic_partitions(str(SNAPSHOTS.name), list(registered(lake)))
    instance.add_dynamic_partitions(str(RELEASES.name), list(lake.publications("mixed")))
    reported = 0
    for table in FLOW:
        key = dg.AssetKey(table)
        for partition, publication in lake.publications(table).items():
            known = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition]), limit=1
            ).records
            last = known[0].asset_materialization if known else None
            if last is not None and last.metadata.get("publication") == dg.MetadataValue.text(publication.id):
                continue
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    asset_key=key, partition=partition, metadata=publication_metadata(publication),
                    description="Published before, reported from the ledger.",
                    tags={"dagster/data_version": publication.digest},
                )
            )  # fmt: skip
            announce_again(lake, workshop.lineage, publication, workshop.say)
            reported += 1
    if workshop.lineage is not None:
        workshop.lineage.flush()
    return reported
