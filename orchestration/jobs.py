"""The jobs over assets: one for each command that builds. Jobs of one op: `registration.py`, `change_jobs.py`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg

SNAPSHOT_TABLES = ("raw", "cleaned", "scored", "deduped", "rewritten")
RELEASE_TABLES = ("mixed",)
REFRESH, RELEASE = "refresh_snapshot", "build_release"
FIT_JOBS = {
    "models": "Fit the recipe's scorers on the pool.",
    "rewrite_models": "Fit the scorer of rewrites on accepted rewrites.",
}
ASSETS_OF_JOBS: Mapping[str, Sequence[str]] = {
    REFRESH: SNAPSHOT_TABLES, RELEASE: RELEASE_TABLES, **{f"fit_{name}": (name,) for name in FIT_JOBS},
}  # fmt: skip


def asset_jobs(models: Iterable[str]) -> dict[str, Any]:
    """The jobs by name, for a recipe that has these assets of models."""
    return {
        REFRESH: dg.define_asset_job(
            REFRESH, selection=list(SNAPSHOT_TABLES),
            description="Build one crawl snapshot, from its files to rewritten documents.",
        ),
        **{
            f"fit_{name}": dg.define_asset_job(f"fit_{name}", selection=[name], description=FIT_JOBS[name])
            for name in models
        },
        RELEASE: dg.define_asset_job(
            RELEASE, selection=list(RELEASE_TABLES), description="Mix the published snapshots to one release.",
        ),
    }  # fmt: skip
