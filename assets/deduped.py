"""`deduped`: every scored document, kept or the duplicate of a named survivor, over all snapshots so far.

A snapshot is deduped against all earlier ones. Dagster knows no dependency between partitions of one asset, so the
ledger tells which later snapshots are stale: in the metadata of each materialization, and in a check of its own.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.dedup_guards import GUARDS
from expectations.deduped import LAWS
from spark_jobs.lake.freshness import overtaken
from spark_jobs.lake.records import Publication
from spark_jobs.stages.dedup import Dedup


def _told(stale: Mapping[str, tuple[str, ...]]) -> str:
    """Which snapshots, and which ones they have not seen in their current publication."""
    return "; ".join(f"{name} (deduped before the current {', '.join(before)})" for name, before in stale.items())


def _later(workshop: Workshop, publication: Publication) -> Mapping[str, Any]:
    """The later snapshots that this publication leaves behind."""
    stale = {n: before for n, before in overtaken(workshop.lake, "deduped").items() if publication.partition in before}
    return {"stale later snapshots": ", ".join(stale) or "none"}


@dg.asset_check(
    asset="deduped", name="later_snapshots_follow", required_resource_keys={"workshop"},
    description="no snapshot was deduped against a publication of an earlier one that has been replaced since",
)  # fmt: skip
def later_snapshots_follow(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """From the ledger alone: what is stale stays published, and the next run builds it again, in order."""
    workshop: Workshop = context.resources.workshop.get()
    workshop.lake.refresh("deduped")
    stale = overtaken(workshop.lake, "deduped")
    return dg.AssetCheckResult(
        passed=not stale, severity=dg.AssetCheckSeverity.WARN,
        metadata={"stale snapshots": _told(stale) or "none", "remedy": "./provender run"},
    )  # fmt: skip


TABLE = TableAsset(
    stage=Dedup(),
    laws=(*LAWS, *GUARDS),
    description="Kept, or duplicate of a named survivor with the evidence; in the snapshot and all earlier ones.",
    after=_later,
    layer="attributes",
)
