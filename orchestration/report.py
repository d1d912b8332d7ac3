"""What the reading commands answer: plain values for `--json`, and the same as text for a person."""

from collections.abc import Mapping
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from assets.workshop import Workshop
from orchestration.dataset_card.card import card_of
from spark_jobs.lake.exports import note_export
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import find_release, releases
from spark_jobs.stages.export import SUFFIX, Format, export_release

_WIDTH = 140


def _text(*renderables: Any) -> str:
    buffer = StringIO()
    console = Console(file=buffer, width=_WIDTH, highlight=False, color_system=None)
    for renderable in renderables:
        console.print(renderable, markup=False) if isinstance(renderable, str) else console.print(renderable)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


# status -----------------------------------------------------------------------------------------------------------


def status_of(workshop: Workshop) -> dict[str, Any]:
    """Snapshots with each table's publication and whether it is stale; releases; failed gates."""
    # Great Expectations comes with them.
    from assets.catalog import stale_parts, tables
    from orchestration.gates import failed_gates

    lake = workshop.lake
    catalog = tables()
    stale = stale_parts(catalog, workshop)
    names = [name for name, table in catalog.items() if table.stage.scope == "snapshot"]
    snapshots = []
    for snapshot in registered(lake).values():
        rows = {}
        for table in names:
            publication = lake.current(table, snapshot.id)
            counts = publication.record.get("counts", {}) if publication else {}
            rows[table] = {
                "version": publication.version if publication else None,
                "published_at": str(publication.published_at) if publication else None,
                "rows": counts.get("rows"), "kept": counts.get("kept"),
                "stale": stale.get((table, snapshot.id)),
            }  # fmt: skip
        snapshots.append({"snapshot": snapshot.id, "sequence": snapshot.sequence, "tables": rows})
    return {
        "home": lake.home,
        "recipe": workshop.recipe.name,
        "snapshots": snapshots,
        "releases": [
            {"release": r.name, "state": r.state, **dict(r.manifest.get("totals", {}))} for r in releases(lake)
        ],
        "failed_gates": list(failed_gates(workshop)),
    }


def render_status(report: Mapping[str, Any]) -> str:
    """A table of snapshots, the releases, and what is wrong."""
    grid = RichTable(title=f"{report['home']} (recipe {report['recipe']})", title_justify="left")
    grid.add_column("snapshot")
    names = list(report["snapshots"][0]["tables"]) if report["snapshots"] else []
    for name in names:
        grid.add_column(name)
    for snapshot in report["snapshots"]:
        grid.add_row(snapshot["snapshot"], *(_cell(snapshot["tables"][name]) for name in names))
    stale = [
        f"stale: {t}/{s['snapshot']}: {row['stale']}"
        for s in report["snapshots"] for t, row in s["tables"].items() if row["stale"]
    ]  # fmt: skip
    made = [f"release {r['release']}: {r.get('documents', 0):,} documents, {r.get('tokens', 0):,} tokens ({r['state']})"
            for r in report["releases"]]  # fmt: skip
    failed = [
        f"failed gate: {g['table']}/{g['partition']}: {g['expectation']}; expected {g['expected']}; found {g['found']}"
        + (f"; candidate at {g['candidate']}" if g["candidate"] is not None else "")
        for g in report["failed_gates"]
    ]
    return _text(grid, *made, *stale, *failed)


def _cell(row: Mapping[str, Any]) -> str:
    if row["version"] is None:
        return "-"
    count = f"{row['kept']:,} of {row['rows']:,}" if row["kept"] is not None else f"{row['rows']:,}"
    return f"{count}{' (stale)' if row['stale'] else ''}"


# export -----------------------------------------------------------------------------------------------------------


def export_to(lake: Lake, name: str, fmt: Format, out: str) -> dict[str, Any]:
    """Write a release's documents as files, with its dataset card and a manifest of digests."""
    release = find_release(lake, name)
    publication = next(p for p in lake.history("mixed") if p.id == release.publication)
    card = card_of(lake, release, suffix=SUFFIX[fmt])
    files = export_release(lake.read([publication]), fmt, out, manifest=release.manifest, card=card)
    note_export(lake.home, release.name, out if "://" in out else str(Path(out).resolve()), fmt)
    return {"release": release.name, "out": out, "format": fmt, "files": [asdict(file) for file in files]}
