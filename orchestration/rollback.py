"""What `rollback` does beside the lake: tells Dagster, and says what is stale by it."""

import uuid
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.catalog import stale_parts, tables
from assets.workshop import Workshop
from orchestration.instance import reconcile
from orchestration.progress import Progress
from spark_jobs.lake.rollback import rollback


def roll_back(
    workshop: Workshop, instance: dg.DagsterInstance, progress: Progress, table: str, snapshot: str, *,
    to: int | None = None, reason: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Roll back one snapshot of a table, in the lake and then in Dagster; returns what it did and what is stale now."""
    lake = workshop.lake
    with progress.step(f"{snapshot}: {table}: roll back") as said:
        published = rollback(
            lake, table, snapshot, to=to, reason=reason, provenance=workshop.provenance, run_id=str(uuid.uuid4())
        )
        said.append(f"version {published.version}")
    reconcile(instance, workshop)
    stale = stale_now(workshop)
    return {
        "table": table, "snapshot": snapshot, "version": published.version, "publication": published.id,
        "digest": published.digest, "rows": int(published.digest.partition(":")[0]),
        "suppressed": published.record["suppressed"], **published.record["rolled_back"],
        "stale_itself": stale.pop(f"{table}/{snapshot}", None), "stale": stale,
    }  # fmt: skip


def stale_now(workshop: Workshop) -> dict[str, str]:
    """Every published part that the next run would build again, and why."""
    due = stale_parts(tables(), workshop).items()
    return {f"{table}/{name}": reason for (table, name), reason in due if workshop.lake.current(table, name)}


def render_rollback(report: Mapping[str, Any]) -> str:
    """What is served now, and what follows from it."""
    name = f"{report['table']}/{report['snapshot']}"
    served = f"{name}: version {report['version']} serves the rows of version {report['to']['version']} again"
    before = f"instead of version {report['from']['version']}, which is still there"
    lines = [f"{served} ({report['rows']:,} rows), {before}"]
    if report["stale_itself"]:
        lines.append(
            f"the next run would build {name} again, because {report['stale_itself']}: change the recipe or the input "
            "back as well, if this is to stay"
        )
    lines += [f"stale: {part}: {reason}" for part, reason in report["stale"].items()]
    return "\n".join(lines)
