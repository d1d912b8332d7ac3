"""What `vacuum` answers: what stays, what goes and how many bytes that frees."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from assets.catalog import tables
from assets.workshop import Workshop
from orchestration.plan import next_release
from spark_jobs.lake import ledger
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.vacuum import Plan, carry_out, plan

_MEGABYTE = 1_000_000


def vacuumed(
    workshop: Workshop, keep: Sequence[str], *, dry_run: bool, older_than_hours: float
) -> dict[str, Any]:  # fmt: skip
    """Vacuum, or with `dry_run` only say what one would do. Raises NotFoundError for a release that is not there."""
    lake = workshop.lake
    kept = [find_release(lake, name) for name in keep]
    made = plan(lake, kept, older_than_hours=older_than_hours, wanted=next_release(workshop, tables()))
    if not dry_run:
        carry_out(lake, made, run_id=str(uuid.uuid4()))
        ledger.sync(lake)
    return {"home": lake.home, "dry_run": dry_run, **_told(made)}


def _told(made: Plan) -> dict[str, Any]:
    freed: dict[str, dict[str, int]] = {}
    for removal in made.removals:
        entry = freed.setdefault(f"{removal.table}: {removal.why}", {"files": 0, "bytes": 0})
        entry["files"] += 1
        entry["bytes"] += removal.bytes
    return {
        "kept": list(made.keep), "kept_files": made.kept_files, "kept_bytes": made.kept_bytes,
        "retired": [release.name for release in made.retire],
        "publications": [
            {"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id}
            for p in made.publications
        ],
        "freed_bytes": sum(removal.bytes for removal in made.removals), "freed": freed,
        "files": [removal.path for removal in made.removals],
    }  # fmt: skip


def render_vacuum(report: Mapping[str, Any]) -> str:
    """A line a kind of file, then the sum."""
    would = "would be " if report["dry_run"] else ""
    lines = [f"release {name}: {would}retired, its documents go" for name in report["retired"]]
    lines += [f"{p['table']}/{p['partition']} version {p['version']}: {would}removed" for p in report["publications"]]
    lines += [
        f"{what}: {entry['files']:,} files, {entry['bytes'] / _MEGABYTE:,.1f} MB"
        for what, entry in sorted(report["freed"].items())
    ]
    lines.append(
        f"{report['freed_bytes'] / _MEGABYTE:,.1f} MB {would}freed; "
        f"{report['kept_bytes'] / _MEGABYTE:,.1f} MB in {report['kept_files']:,} files stay, "
        f"for {', '.join(report['kept'])} and what is current"
    )
    return "\n".join(lines)
