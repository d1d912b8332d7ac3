"""Lineage of a release: the publications behind it, what they were made with, and counts that balance; from records.

What the counts say is `balance.py`, models, lists, code and packages are `made_with.py`. Drawing is none of this.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from spark_jobs.errors import LakeError
from spark_jobs.lake.balance import balance
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.made_with import code_of, lists_of, models_of, packages_of
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release
from spark_jobs.lake.tables import FLOW

_REGISTRY = "snapshots"


def lineage(lake: Lake, release: Release) -> dict[str, Any]:
    """JSON-able: the release, and for each snapshot every publication from its input files to rewritten documents.

    Of a release in any state: records outlive rows. `balance` are the counts from the records in the files to the
    documents of the release, and whether they add up; nodes name their `inputs` by publication, which is the graph.
    """
    mixed = mixed_of(lake, release)
    pinned = ancestors(lake, mixed)
    files = _inputs(lake, [p for p in pinned if p.table == _REGISTRY])
    tables = [p for p in pinned if p.table != _REGISTRY]
    snapshots = sorted({p.partition for p in tables}, key=lambda name: (files.get(name, {}).get("sequence", 0), name))
    every = [mixed, *tables]
    return {
        "release": release.name,
        "state": release.state,
        "recipe": mixed.record.get("recipe"),
        "provenance": mixed.record.get("provenance"),
        "totals": release.manifest.get("totals"),
        "mixed": _node(mixed),
        "snapshots": [
            {"snapshot": snapshot, "input": files.get(snapshot, {}),
             "tables": [_node(p) for table in FLOW for p in tables if p.table == table and p.partition == snapshot]}
            for snapshot in snapshots
        ],
        "balance": balance(
            lake, mixed, tables, {name: given["documents"] for name, given in files.items()},
            contents=release.manifest.get("contents", ()),
        ),
        "models": models_of(every),
        "lists": lists_of(every),
        "code": code_of(every),
        "packages": packages_of(every),
    }  # fmt: skip


def mixed_of(lake: Lake, release: Release) -> Publication:
    """The publication of `mixed` that a release is. Raises LakeError where its commit is gone."""
    found = next((p for p in lake.history("mixed") if p.id == release.publication), None)
    if found is None:
        raise LakeError(
            f"{release.name}: the lake has no publication {release.publication} of mixed any more; restore the log of "
            "the table from a copy, or build the release again with ./provender run"
        )
    return found


def made_from(lake: Lake, publication: Publication, table: str) -> Publication:
    """The publication of `table` for the same partition that this one was made from. Raises LakeError without one."""
    pins = {str(p["publication"]) for p in publication.inputs
            if p["table"] == table and p["partition"] == publication.partition}  # fmt: skip
    found = next((p for p in lake.history(table) if p.id in pins), None)
    if found is None:
        raise LakeError(
            f"{publication.table}/{publication.partition} version {publication.version}: its record names no "
            f"publication of {table} that the lake still has; build the snapshot again with ./provender run"
        )
    return found


def ancestors(lake: Lake, head: Publication) -> list[Publication]:
    """Every publication that the head was made from, directly or not, rows of the registry among them."""
    by_id = {p.id: p for table in (_REGISTRY, *FLOW) for p in lake.history(table)}
    found: dict[str, Publication] = {}
    waiting: list[Publication] = [head]
    while waiting:
        for pinned in waiting.pop().inputs:
            publication = by_id.get(str(pinned["publication"]))
            if publication is not None and publication.id not in found:
                found[publication.id] = publication
                waiting.append(publication)
    return list(found.values())


def _node(publication: Publication) -> dict[str, Any]:
    record = publication.record
    audit = record.get("audit", ())
    return {
        "table": publication.table,
        "partition": publication.partition,
        "version": publication.version,
        "publication": publication.id,
        "published_at": str(publication.published_at),
        "run_id": record.get("run_id"),
        "fingerprint": publication.fingerprint,
        "digest": publication.digest,
        "inputs": [str(pin["publication"]) for pin in publication.inputs],
        "counts": record.get("counts", {}),
        "suppressed": record.get("suppressed", 0),
        "operators": list(record.get("operators", ())),
        "audit": {"passed": sum(o["success"] for o in audit), "of": len(audit),
                  "warnings": [o["name"] for o in audit if not o["success"]]},
        "overrides": record.get("overrides", []),
        "redecided_from": record.get("redecided_from"),
        "rolled_back": record.get("rolled_back"),
        "code": record.get("provenance", {}).get("code"),
        "facts": record.get("facts", {}),
    }  # fmt: skip


def _inputs(lake: Lake, registrations: Sequence[Publication]) -> dict[str, dict[str, Any]]:
    """By snapshot its files as they were registered when they were read; Spark is asked for earlier registrations."""
    current = {p.id for p in lake.publications(_REGISTRY).values()}
    names = {p.partition for p in registrations if p.id in current}
    rows = [row for row in lake.rows(_REGISTRY) if row["snapshot"] in names]
    if earlier := [p for p in registrations if p.id not in current]:
        rows += [row.asDict(recursive=True) for row in lake.read(earlier).collect()]
    return {row["snapshot"]: _input(row) for row in rows}


def _input(row: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("uri", "bytes", "sha256", "documents", "ignored", "unreadable")
    files = [{name: file[name] for name in wanted} for file in row["inputs"]]
    return {
        "sequence": row["sequence"], "source": row["source"], "licence": row["licence"], "files": files,
        "documents": sum(file["documents"] for file in files),
    }  # fmt: skip
