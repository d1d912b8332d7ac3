"""A lineage as a graph in Graphviz's language: one box a publication, every input an edge."""

from collections.abc import Mapping
from typing import Any


def dot(tree: Mapping[str, Any]) -> str:
    """The text of a `.dot` file; snapshots are clusters, the flow goes from left to right."""
    state = "" if tree["state"] == "published" else f" ({tree['state']})"
    lines = [
        "digraph lineage {",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor="#f2f5f7", fontname="Helvetica", fontsize=10];',
        f"  label={_quoted(tree['release'] + state)};",
    ]
    known = {tree["mixed"]["publication"]}
    for number, snapshot in enumerate(tree["snapshots"]):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(snapshot['snapshot'])};"]
        files = f"{len(snapshot['input'].get('files', ()))} files\n{snapshot['input'].get('documents', 0):,} records"
        lines.append(f"    files_{number} [label={_quoted(files)}, shape=folder];")
        for node in snapshot["tables"]:
            known.add(node["publication"])
            lines.append(f"    {_quoted(node['publication'])} [label={_quoted(_told(node))}];")
            if node["table"] == "raw":
                lines.append(f"    files_{number} -> {_quoted(node['publication'])};")
        lines.append("  }")
    mixed = tree["mixed"]
    lines.append(f'  {_quoted(mixed["publication"])} [label={_quoted(_told(mixed))}, fillcolor="#cfe6ea"];')
    for node in (*(node for snapshot in tree["snapshots"] for node in snapshot["tables"]), mixed):
        lines += [
            f"  {_quoted(given)} -> {_quoted(node['publication'])};" for given in node["inputs"] if given in known
        ]
    return "\n".join([*lines, "}", ""])


def _told(node: Mapping[str, Any]) -> str:
    counts = node["counts"]
    kept = f"\n{counts['kept']:,} kept" if "kept" in counts else ""
    return f"{node['table']}/{node['partition']}\nversion {node['version']}\n{counts.get('rows', 0):,} rows{kept}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
