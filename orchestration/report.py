"""What the reading commands answer: plain values for `--json`, and the same as text for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table as RichTable
from rich.tree import Tree

from assets.catalog import full_fingerprints, tables
from assets.workshop import Workshop
from orchestration.gates import failed_gates
from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.lake.explain import explain, locate
from spark_jobs.lake.exports import note_export
from spark_jobs.lake.freshness import stale_reason
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import find_release, releases
from spark_jobs.stages.export import export_release

Format = Literal["parquet", "jsonl"]
_ID_LENGTH = 32
_WIDTH = 140
_TOP_REASONS = 12
_SHOWN_ITEMS = 8


def _text(*renderables: Any) -> str:
    buffer = StringIO()
    console = Console(file=buffer, width=_WIDTH, highlight=False, color_system=None)
    for renderable in renderables:
        console.print(renderable, markup=False) if isinstance(renderable, str) else console.print(renderable)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


# status -----------------------------------------------------------------------------------------------------------


def status_of(workshop: Workshop) -> dict[str, Any]:
    """Snapshots with each table's publication and whether it is stale; releases; failed gates."""
    lake = workshop.lake
    catalog = tables()
    wanted = full_fingerprints(catalog, workshop)
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
                "stale": stale_reason(lake, table, snapshot.id, wanted[table]),
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
        f"failed gate: {g['table']}/{g['partition']}: {g['expectation']}; expected {g['expected']}; "
        f"found {g['found']}; candidate at {g['candidate']}"
        for g in report["failed_gates"]
    ]
    return _text(grid, *made, *stale, *failed)


def _cell(row: Mapping[str, Any]) -> str:
    if row["version"] is None:
        return "-"
    count = f"{row['kept']:,} of {row['rows']:,}" if row["kept"] is not None else f"{row['rows']:,}"
    return f"{count}{' (stale)' if row['stale'] else ''}"


# explain ----------------------------------------------------------------------------------------------------------


def story_of(workshop: Workshop, asked: str) -> dict[str, Any]:
    """Everything that happened to a document id or a URL."""
    is_id = len(asked) == _ID_LENGTH and all(c in "0123456789abcdef" for c in asked)
    lake = workshop.lake
    captures = locate(lake, doc_id=asked) if is_id else locate(lake, url_hash=url_hash(canonical_url(asked)))
    return explain(lake, asked, captures)


def render_story(story: Mapping[str, Any]) -> str:
    """One tree a capture."""
    return _text(*(_capture_tree(capture) for capture in story["captures"]))


def _capture_tree(capture: Mapping[str, Any]) -> Tree:
    tree = Tree(f"{capture['doc_id']} in {capture['snapshot']}: {capture['verdict']}")
    for table, stage in capture["stages"].items():
        branch = tree.add(f"{table} (version {stage['version']}, run {stage['run_id']})")
        row = stage["row"]
        if row is None:
            branch.add("not here: dropped before")
            continue
        signals = {f"{s['annotator']}__{s['signal']}" for s in stage.get("signals", ())}
        for key, value in row.items():
            if key in ("snapshot", "doc_id", "drop_reasons", "edits") or key in signals or value is None:
                continue
            branch.add(f"{key}: {value}")
        _details(branch, row, stage)
    for rewrite in capture["rewrites"]:
        kept = "accepted" if rewrite["kept"] else "rejected: " + ", ".join(r["reason"] for r in rewrite["drop_reasons"])
        tree.add(f"rewrite {rewrite['doc_id']} by {rewrite['strategy']} ({rewrite['model']}): {kept}")
    for release in capture["releases"]:
        tree.add(
            f"in release {release['release']}: {release['origin']}, {release['copies']} copies, "
            f"{release['tokens']} tokens"
        )
    for release in capture["left_out_of"]:
        other = release["instead_id"]
        instead = f" (instead: {other} in {release['instead_snapshot']})" if other else ""
        tree.add(f"not in release {release['release']}: {release['reason']}{instead}")
    return tree


def _details(branch: Tree, row: Mapping[str, Any], stage: Mapping[str, Any]) -> None:
    for reason in row.get("drop_reasons") or ():
        branch.add(
            f"dropped by {reason['annotator']} v{reason['version']}: {reason['reason']}"
            f" (value {_number(reason['value'])}, bound {_number(reason['bound'])})"
        )
    for edit in row.get("edits") or ():
        branch.add(
            f"edited by {edit['editor']} v{edit['version']}: {edit['count']} times, "
            f"{edit['chars_removed']} characters removed"
        )
    if stage.get("signals"):
        signals = branch.add(f"signals ({len(stage['signals'])})")
        for signal in stage["signals"]:
            rules = "; ".join(_rule(rule) for rule in signal["rules"])
            signals.add(
                f"{signal['annotator']}.{signal['signal']} = {_number(signal['value'])}{'  ' + rules if rules else ''}"
            )


def _number(value: Any) -> str:
    """Six digits are enough to read; --json has all of them."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _rule(rule: Mapping[str, Any]) -> str:
    low, high = rule.get("minimum"), rule.get("maximum")
    bounds = f"{'' if low is None else f'>= {low}'}{' and ' if low is not None and high is not None else ''}"
    bounds += "" if high is None else f"<= {high}"
    return f"{'BROKEN' if rule['broken'] else 'ok'} {rule['reason']}: {bounds}"


# lineage ----------------------------------------------------------------------------------------------------------


def lineage_of(workshop: Workshop, name: str) -> dict[str, Any]:
    """The lineage of a release by name, or of the latest."""
    return lineage(workshop.lake, find_release(workshop.lake, name))


def render_lineage(tree: Mapping[str, Any]) -> str:
    """The release on top, its publications below, the operators and reasons below those."""
    totals = tree.get("totals") or {}
    recipe, code = tree.get("recipe") or {}, (tree.get("provenance") or {}).get("code") or {}
    root = Tree(
        f"{tree['release']} ({tree['state']}): {totals.get('documents', 0):,} documents, "
        f"{totals.get('tokens', 0):,} tokens"
    )
    dirty = " with uncommitted changes" if code.get("dirty") else ""
    root.add(f"recipe {recipe.get('name')} {str(recipe.get('fingerprint'))[:16]}, code {code.get('commit')}{dirty}")
    _publication(root, tree["mixed"])
    for snapshot in tree["snapshots"]:
        branch = root.add(f"snapshot {snapshot['snapshot']}")
        given = snapshot["input"]
        files = branch.add(
            f"input: {len(given.get('files', ()))} files, {given.get('documents', 0):,} document records"
        )
        for file in given.get("files", ()):
            files.add(f"{file['uri']} ({file['documents']:,} documents, sha256 {file['sha256'][:16]})")
        for node in snapshot["tables"]:
            _publication(branch, node)
    for model in tree["models"]:
        root.add(f"model {model['operator']} {model['digest']}")
    return _text(root)


def _publication(parent: Tree, node: Mapping[str, Any]) -> None:
    counts = node["counts"]
    kept = f", {counts['kept']:,} kept, {counts['dropped']:,} not" if "kept" in counts else ""
    audit = node["audit"]
    warned = f", warnings: {', '.join(audit['warnings'])}" if audit["warnings"] else ""
    branch = parent.add(
        f"{node['table']}/{node['partition']} version {node['version']}: {counts.get('rows', 0):,} rows{kept}; "
        f"{audit['passed']} of {audit['of']} expectations held{warned}"
    )
    if again := node.get("redecided_from"):
        branch.add(f"verdicts decided again from the signals of version {again['version']} ({again['publication']})")
    for override in node["overrides"]:
        branch.add(
            f"OVERRIDDEN {override['expectation']} ({override['found']}), approved by {override['approved_by']}: "
            f"{override['reason']}"
        )
    if back := node.get("rolled_back"):
        branch.add(f"rolled back from version {back['from']['version']} to {back['to']['version']}: {back['reason']}")
    for operator in node["operators"]:
        params = ", ".join(f"{k}={_short(v)}" for k, v in operator["params"].items() if v is not None)
        branch.add(f"{operator['name']} v{operator['version']} ({operator['kind']}): {params or 'no parameters'}")
    reasons: Sequence[tuple[str, int]] = sorted(
        counts.get("by_reason", {}).items(), key=lambda item: (-item[1], item[0])
    )
    if reasons:
        dropped = branch.add("dropped by reason (a document can have several)")
        for reason, number in reasons[:_TOP_REASONS]:
            dropped.add(f"{number:>8,}  {reason}")
        if len(reasons) > _TOP_REASONS:
            dropped.add(f"and {len(reasons) - _TOP_REASONS} more reasons (--json shows all)")


def _short(value: Any) -> str:
    """A parameter in a line: long lists (block lists above all) by their length, --json shows them whole."""
    if isinstance(value, Mapping):
        shown = {k: _short(v) for k, v in value.items() if v not in (None, [], {})}
        return "{" + ", ".join(f"{k}: {v}" for k, v in shown.items()) + "}"
    if isinstance(value, list | tuple) and len(value) > _SHOWN_ITEMS:
        return f"[{len(value)} entries]"
    text = str(value)
    limit = 60
    return text if len(text) <= limit else f"{text[:limit]}..."


# export -----------------------------------------------------------------------------------------------------------


def export_to(workshop: Workshop, name: str, fmt: Format, out: str) -> dict[str, Any]:
    """Write a release's documents as files."""
    lake = workshop.lake
    release = find_release(lake, name)
    publication = next(p for p in lake.history("mixed") if p.id == release.publication)
    files = export_release(lake.read([publication]), fmt, out, manifest=release.manifest)
    note_export(lake.home, release.name, out if "://" in out else str(Path(out).resolve()), fmt)
    return {"release": release.name, "out": out, "format": fmt, "files": [asdict(file) for file in files]}
