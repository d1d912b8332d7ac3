"""The code location: every asset, check, job, schedule and sensor, assembled. `workspace.yaml` points here."""

import dagster as dg

from assets.catalog import code_versions, full_fingerprints, tables
from assets.deduped import later_snapshots_follow
from assets.models import model_assets
from assets.stage_asset import stage_asset
from assets.workshop import Workshop
from orchestration.alerts import alert_sensor
from orchestration.automation import Lookout, automated, refresh_sensor
from orchestration.change_jobs import CHANGE_JOBS
from orchestration.jobs import RELEASE, SNAPSHOT_TABLES, asset_jobs
from orchestration.registration import register_snapshot
from orchestration.sensors import ledger_sensor, release_sensor, schedules, watch_sensor
from orchestration.settings import Settings
from orchestration.watching import register_watched
from orchestration.workshop import WorkshopResource, read_recipe

__all__ = ["SNAPSHOT_TABLES", "build_definitions", "defs"]


def build_definitions(settings: Settings | None = None, *, workshop: WorkshopResource | None = None) -> dg.Definitions:
    """Assets from the catalog, the recipe's fingerprints as code versions, one job for each thing people ask for."""
    settings = settings or Settings.read()
    resource = workshop or WorkshopResource(settings)
    recipe = read_recipe(settings)
    catalog = dict(tables())
    versions = code_versions(catalog, recipe)

    def fingerprint(made: Workshop, table: str) -> str:
        return full_fingerprints(catalog, made)[table]

    models = model_assets(recipe)
    lookout = Lookout(settings, recipe, catalog)
    assets = automated(
        [*(stage_asset(table, catalog, versions, fingerprint, recipe, models) for table in catalog.values()),
         *models.values()],
        lookout,
    )  # fmt: skip
    jobs = asset_jobs(models)
    return dg.Definitions(
        assets=assets,
        asset_checks=[later_snapshots_follow],
        jobs=[*jobs.values(), register_snapshot, register_watched, *CHANGE_JOBS],
        sensors=[
            watch_sensor(lookout), refresh_sensor(assets, lookout), release_sensor(lookout, jobs[RELEASE]),
            ledger_sensor(lookout), alert_sensor(lookout),
        ],
        schedules=schedules(settings),
        resources={"workshop": resource},
        # One Spark session serves all steps of a run; a process a step would start a JVM for each.
        executor=dg.in_process_executor,
    )  # fmt: skip


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return build_definitions()
