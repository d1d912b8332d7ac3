"""What Dagster shows of a release: its lineage as metadata. The same values as the command `lineage` tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import Release

LINEAGE = "lineage"  # the label that every release has
_OPERATORS = ("table", "operator", "version", "kind", "parameters")
_MADE_WITH = ("kind", "name", "digest")


def release_metadata(lake: Lake, release: Release) -> Mapping[str, Any]:
    """What a materialization of a release says of it beside its publication: totals, and the lineage."""
    totals = {name: release.manifest["totals"][name] for name in ("documents", "tokens")}
    return {**totals, **lineage_metadata(lake, release)}


def lineage_metadata(lake: Lake, release: Release) -> Mapping[str, Any]:
    """Metadata values by label: the tree of publications, the balance, operators, models and lists, code, packages."""
    tree = lineage(lake, release)
    balance, nodes = tree["balance"], [*_nodes(tree), tree["mixed"]]
    lost = [(row["table"], row["reason"], -row["documents"]) for row in balance["lost"] if row["table"] != "rewrites"]
    return {
        LINEAGE: dg.MetadataValue.md(_tree(tree)),
        "records in the files": balance["records"],
        "counts balance": balance["balanced"],
        "from records to documents": _table(
            ("table", "reason", "documents"),
            [("files", "document records", balance["records"]),
             *lost, ("mixed", "rewrites", balance["rewrites"]), ("mixed", "documents", balance["documents"])],
        ),
        "operators of the release": _table(_OPERATORS, _operators(nodes)),
        "models and lists": _table(
            _MADE_WITH,
            [(one["kind"], str(one.get("name") or one["operator"]), str(one["digest"]))
             for one in (*tree["models"], *tree["lists"])],
        ),
        "code": ", ".join(f"{c['commit']}{' with uncommitted changes' if c['dirty'] else ''}" for c in tree["code"]),
        "packages": _table(
            ("package", "versions"),
            [(p["package"], ", ".join(v["version"] for v in p["versions"])) for p in tree["packages"]],
        ),
    }  # fmt: skip


def _nodes(tree: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [node for snapshot in tree["snapshots"] for node in snapshot["tables"]]


def _operators(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Every operator once a table: all publications of a release were made with one state of the recipe."""
    found = {
        (node["table"], o["name"], int(o["version"]), o["kind"], _params(o["params"]))
        for node in nodes
        for o in node["operators"]
    }
    return sorted(found)


def _params(params: Mapping[str, Any]) -> str:
    """Without long lists, which the publication's record has."""
    small = {k: v for k, v in params.items() if v is not None and not (isinstance(v, list | dict) and len(v) > 8)}
    return ", ".join(f"{key}={value}" for key, value in small.items())


def _tree(tree: Mapping[str, Any]) -> str:
    lines = [f"- **{tree['release']}**"]
    for snapshot in tree["snapshots"]:
        lines.append(f"  - {snapshot['snapshot']}: {snapshot['input'].get('documents', 0):,} records")
        lines += [f"    - {_node(node)}" for node in snapshot["tables"]]
    return "\n".join(lines)


def _node(node: Mapping[str, Any]) -> str:
    counts = node["counts"]
    kept = f", {counts['kept']:,} kept" if "kept" in counts else ""
    return f"{node['table']} version {node['version']}: {counts.get('rows', 0):,} rows{kept} (`{node['publication']}`)"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> dg.TableMetadataValue:
    kinds = {int: "int", str: "string"}
    first = rows[0] if rows else [""] * len(columns)
    schema = dg.TableSchema([
        dg.TableColumn(name, kinds.get(type(value), "string")) for name, value in zip(columns, first, strict=True)
    ])  # fmt: skip
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, schema=schema)
