"""The code location: every asset, check and job, assembled. `workspace.yaml` points here."""

from typing import Any

import dagster as dg

from assets.catalog import code_versions, full_fingerprints, tables
from assets.deduped import later_snapshots_follow
from assets.models import model_assets
from assets.stage_asset import stage_asset
from assets.workshop import Workshop
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource, read_recipe

SNAPSHOT_TABLES = ("raw", "cleaned", "scored", "deduped", "rewritten")
RELEASE_TABLES = ("mixed",)
FIT_JOBS = {
    "models": "Fit the recipe's scorers on the pool.",
    "rewrite_models": "Fit the scorer of rewrites on accepted rewrites.",
}


def build_definitions(settings: Settings | None = None, *, workshop: WorkshopResource | None = None) -> dg.Definitions:
    """Assets from the catalog, the recipe's fingerprints as code versions, one job for each thing people ask for."""
    settings = settings or Settings.read()
    resource = workshop or WorkshopResource(settings)
    recipe = read_recipe(settings)
    catalog = tables()
    versions = code_versions(catalog, recipe)

    def fingerprint(made: Workshop, table: str) -> str:
        return full_fingerprints(catalog, made)[table]

    models = model_assets(recipe)
    assets: list[Any] = [stage_asset(table, catalog, versions, fingerprint, models) for table in catalog.values()]
    jobs: list[Any] = [
        dg.define_asset_job(
            "refresh_snapshot", selection=list(SNAPSHOT_TABLES),
            description="Build one crawl snapshot, from its files to rewritten documents.",
        ),
        *(dg.define_asset_job(f"fit_{name}", selection=[name], description=FIT_JOBS[name]) for name in models),
        dg.define_asset_job(
            "build_release", selection=list(RELEASE_TABLES),
            description="Mix the published snapshots to one release.",
        ),
    ]  # fmt: skip
    return dg.Definitions(
        assets=[*assets, *models.values()],
        asset_checks=[later_snapshots_follow],
        jobs=jobs,
        resources={"workshop": resource},
        # One Spark session serves all steps of a run; a process a step would start a JVM for each.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return build_definitions()
