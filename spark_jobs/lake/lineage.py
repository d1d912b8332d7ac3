"""Lineage of a release: the publications behind it, with their operators, counts and digests, from records alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from spark_jobs.errors import LakeError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release
from spark_jobs.lake.tables import FLOW


def lineage(lake: Lake, release: Release) -> dict[str, Any]:
    """JSON-able: the release, and for each snapshot every publication from its input files to rewritten documents."""
    mixed = next(p for p in lake.history("mixed") if p.id == release.publication)
    pinned = _ancestors(lake, mixed)
    snapshots = sorted({p.partition for p in pinned if p.table != "mixed"}, key=_order(lake))
    return {
        "release": release.name,
        "state": release.state,
        "recipe": mixed.record.get("recipe"),
        "provenance": mixed.record.get("provenance"),
        "totals": release.manifest.get("totals"),
        "mixed": _node(mixed),
        "snapshots": [
            {"snapshot": snapshot, "input": _input(lake, snapshot),
             "tables": [_node(p) for table in FLOW for p in pinned if p.table == table and p.partition == snapshot]}
            for snapshot in snapshots
        ],
        "models": _models([mixed, *pinned]),
    }  # fmt: skip


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


def _ancestors(lake: Lake, head: Publication) -> list[Publication]:
    """Every publication that the head was made from, directly or not."""
    by_id = {p.id: p for table in FLOW for p in lake.history(table)}
    found: dict[str, Publication] = {}
    waiting: list[Publication] = [head]
    while waiting:
        for pinned in waiting.pop().inputs:
            publication = by_id.get(str(pinned["publication"]))
            if publication is not None and publication.id not in found:
                found[publication.id] = publication
                waiting.append(publication)
    return list(found.values())


def _order(lake: Lake) -> Any:
    numbers = {
        row["snapshot"]: row["sequence"] for row in lake.at("snapshots").select("snapshot", "sequence").collect()
    }
    return lambda snapshot: (numbers.get(snapshot, 0), snapshot)


def _node(publication: Publication) -> dict[str, Any]:
    record = publication.record
    audit = record.get("audit", ())
    return {
        "table": publication.table,
        "partition": publication.partition,
        "version": publication.version,
        "publication": publication.id,
        "published_at": str(publication.published_at),
        "fingerprint": publication.fingerprint,
        "digest": publication.digest,
        "counts": record.get("counts", {}),
        "operators": list(record.get("operators", ())),
        "audit": {"passed": sum(o["success"] for o in audit), "of": len(audit),
                  "warnings": [o["name"] for o in audit if not o["success"]]},
        "overrides": record.get("overrides", []),
        "redecided_from": record.get("redecided_from"),
        "rolled_back": record.get("rolled_back"),
        "code": record.get("provenance", {}).get("code"),
        "facts": record.get("facts", {}),
    }  # fmt: skip


def _input(lake: Lake, snapshot: str) -> dict[str, Any]:
    rows = lake.at("snapshots").where(f"snapshot = '{snapshot}'").select("inputs", "source", "licence").collect()
    if not rows:
        return {}
    files: Sequence[Mapping[str, Any]] = [entry.asDict() for entry in rows[0]["inputs"]]
    return {
        "source": rows[0]["source"],
        "licence": rows[0]["licence"],
        "files": [{k: f[k] for k in ("uri", "bytes", "sha256", "documents", "ignored", "unreadable")} for f in files],
        "documents": sum(f["documents"] for f in files),
    }


def _models(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    found = {
        operator["artefact"]: {"operator": operator["name"], "digest": operator["artefact"]}
        for publication in publications
        for operator in publication.record.get("operators", ())
        if operator.get("artefact")
    }
    return [found[digest] for digest in sorted(found)]
