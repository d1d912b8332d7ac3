"""`lineage`: what is behind a release, as values for `--json`, as a tree for a person, and drawn to a file."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.tree import Tree

from orchestration.lineage_page.dot import dot
from orchestration.lineage_page.page import page
from orchestration.terminal_text import branch, line, short, shown
from spark_jobs.errors import UsageError
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import find_release

_TOP_REASONS = 12


def lineage_of(lake: Lake, name: str) -> dict[str, Any]:
    """The lineage of a release by name, whatever its state, or of the latest that is served."""
    return lineage(lake, find_release(lake, name, any_state=True))


def draw(tree: Mapping[str, Any], *, dot_file: str | None = None, html_file: str | None = None) -> None:
    """Draw a lineage where files are named."""
    for place, drawn in ((dot_file, dot), (html_file, page)):
        if place is not None:
            _write(place, drawn(tree))


def _write(place: str, text: str) -> None:
    try:
        storage.write_text(place, text)
    except OSError as error:
        raise UsageError(f"{place}: cannot be written ({error.strerror or error}); name another file") from None


def render_lineage(tree: Mapping[str, Any]) -> str:
    """The release on top, its publications below, the operators and reasons below those; then the balance."""
    totals = tree.get("totals") or {}
    recipe = tree.get("recipe") or {}
    root = Tree(line(
        f"{tree['release']} ({tree['state']}): {totals.get('documents', 0):,} documents, "
        f"{totals.get('tokens', 0):,} tokens"
    ))  # fmt: skip
    branch(root, f"recipe {recipe.get('name')} {recipe.get('fingerprint')}")
    _balance(root, tree["balance"])
    _publication(root, tree["mixed"])
    for snapshot in tree["snapshots"]:
        here = branch(root, f"snapshot {snapshot['snapshot']}")
        given = snapshot["input"]
        files = branch(here, f"input: {len(given.get('files', ()))} files, {given.get('documents', 0):,} records")
        for file in given.get("files", ()):
            branch(files, f"{file['uri']} ({file['documents']:,} documents, sha256 {file['sha256'][:16]})")
        for node in snapshot["tables"]:
            _publication(here, node)
    _made_with(root, tree)
    return shown(root)


def _balance(root: Tree, found: Mapping[str, Any]) -> None:
    said = "the counts balance" if found["balanced"] else f"THE COUNTS DO NOT BALANCE: {'; '.join(found['unbalanced'])}"
    here = branch(root, f"{found['records']:,} records in the files -> {found['documents']:,} documents: {said}")
    for unknown in found["incomplete"]:
        branch(here, f"not told any more: {unknown}")
    branch(here, f"{found['records']:>12,}  document records in the files")
    for row in found["lost"]:
        if row["table"] != "rewrites":
            branch(here, f"{-row['documents']:>12,}  {row['table']}: {row['reason']}")
    branch(here, f"{found['originals']:>12,}  originals")
    branch(here, f"{found['rewrites']:>+12,}  rewrites of them")
    for row in found["lost"]:
        if row["table"] == "rewrites":
            branch(here, f"{'':>12}  ({row['documents']:,} accepted rewrites are out: {row['reason']})")


def _made_with(root: Tree, tree: Mapping[str, Any]) -> None:
    for model in tree["models"]:
        branch(root, f"{model['kind']} {model['operator']} {model['digest']} ({', '.join(model['tables'])})")
    for entry in tree["lists"]:
        branch(root, f"{entry['kind']} {entry['name']} {entry['digest']} ({entry['operator']})")
    for code in tree["code"]:
        dirty = " with uncommitted changes" if code["dirty"] else ""
        branch(root, f"code {code['commit']}{dirty} ({len(code['publications'])} publications)")
    if tree["packages"]:
        packages = branch(root, f"packages ({len(tree['packages'])})")
        for package in tree["packages"]:
            versions = ", ".join(one["version"] for one in package["versions"])
            mark = " (NOT THE SAME EVERYWHERE)" if len(package["versions"]) > 1 else ""
            branch(packages, f"{package['package']} {versions}{mark}")


def _publication(parent: Tree, node: Mapping[str, Any]) -> None:
    counts = node["counts"]
    kept = f", {counts['kept']:,} kept, {counts['dropped']:,} not" if "kept" in counts else ""
    audit = node["audit"]
    warned = f", warnings: {', '.join(audit['warnings'])}" if audit["warnings"] else ""
    here = branch(
        parent,
        f"{node['table']}/{node['partition']} version {node['version']}: {counts.get('rows', 0):,} rows{kept}; "
        f"{audit['passed']} of {audit['of']} expectations held{warned}",
    )
    if again := node.get("redecided_from"):
        branch(here, f"verdicts decided again from the signals of version {again['version']} ({again['publication']})")
    for override in node.get("overrides") or ():
        branch(
            here,
            f"OVERRIDDEN {override['expectation']} ({override['found']}), approved by {override['approved_by']}: "
            f"{override['reason']}",
        )
    if back := node.get("rolled_back"):
        versions = f"version {back['from']['version']} to {back['to']['version']}"
        branch(here, f"rolled back from {versions}: {back['reason']}")
    for operator in node["operators"]:
        params = ", ".join(f"{k}={short(v)}" for k, v in operator["params"].items() if v is not None)
        branch(here, f"{operator['name']} v{operator['version']} ({operator['kind']}): {params or 'no parameters'}")
    reasons: Sequence[tuple[str, int]] = sorted(
        counts.get("by_reason", {}).items(), key=lambda item: (-item[1], item[0])
    )
    if reasons:
        dropped = branch(here, "dropped by reason (a document can have several)")
        for reason, number in reasons[:_TOP_REASONS]:
            branch(dropped, f"{number:>8,}  {reason}")
        if len(reasons) > _TOP_REASONS:
            branch(dropped, f"and {len(reasons) - _TOP_REASONS} more reasons (--json shows all)")
