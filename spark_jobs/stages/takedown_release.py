"""The next revision of a release that held documents which were taken down: its manifest, by arithmetic.

What stays is exactly what was there; nothing is drawn anew. Who wants what came back in its place mixes a new release.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.contents import by_licence, summarise
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release, revise_release, revision_of
from spark_jobs.stages.manifest import build_manifest

_GROUP = ("source", "origin", "phase", "language")
_SUMS = ("documents", "copies", "unique_tokens", "tokens", "characters")


def revise(lake: Lake, release: Release, amended: Publication, gone: DataFrame, receipt: str) -> None:
    """Register the revision that `amended` (of `mixed`) is, without the rows `gone`, and withdraw the one before."""
    old, number = release.manifest, revision_of(release)
    removed = [row.asDict() for row in summarise(gone).collect()]
    contents = _without(old["contents"], removed)
    if _most_copies_unknown(old["contents"], removed):
        contents = _with_most_copies(contents, lake.read([amended]))
    manifest = build_manifest(
        release=release.name, recipe_name=release.recipe, pins=[dict(pin) for pin in amended.inputs], summary=contents,
        publication=amended.id, digest=amended.digest, fingerprint=amended.fingerprint,
        provenance=old.get("provenance"), facts=old.get("facts"), licences=_licences(lake, old, amended, gone),
    )  # fmt: skip
    manifest |= {"revision": number + 1, "takedowns": [*old.get("takedowns", ()), {
        "receipt": receipt, "revision": number, "publication": release.publication, "digest": old["digest"],
        "removed_documents": sum(int(row["documents"]) for row in removed),
    }]}  # fmt: skip
    revise_release(lake, release, Release(release.name, release.recipe, "published", amended.id, manifest))


def told(release: Release, receipt: str) -> dict[str, Any] | None:
    """What the receipt of a takedown says of a release, from its manifest; None where it did not revise it."""
    mine = [one for one in release.manifest.get("takedowns", ()) if one["receipt"] == receipt]
    found = mine[-1] if mine else None
    if found is None or release.state != "published":
        return None
    return {
        "release": release.name, "revision": int(found["revision"]) + 1, "publication": release.publication,
        "withdrawn": f"{release.name}-r{found['revision']}", "withdrawn_publication": found["publication"],
        "removed_documents": found["removed_documents"],
        **{f"{name}_left": release.manifest["totals"][name] for name in ("documents", "tokens")},
    }  # fmt: skip


def _licences(lake: Lake, old: Mapping[str, Any], amended: Publication, gone: DataFrame) -> list[dict[str, Any]]:
    """By arithmetic as well; where the manifest before counted none, by the rows."""
    if not old.get("licences"):
        return [row.asDict() for row in by_licence(lake.read([amended])).collect()]
    return licences_without(old["licences"], [row.asDict() for row in by_licence(gone).collect()])


def licences_without(
    licences: Sequence[Mapping[str, Any]], removed: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of `by_licence` less those of what went."""
    gone = {row["licence"]: row for row in removed}
    nothing = {"documents": 0, "tokens": 0}
    left = [
        {**row, **{name: int(row[name]) - int(gone.get(row["licence"], nothing)[name]) for name in nothing}}
        for row in licences
    ]
    return [row for row in left if row["documents"]]


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _GROUP)


def _without(contents: Sequence[Mapping[str, Any]], removed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    gone = {_key(row): row for row in removed}
    nothing = dict.fromkeys(_SUMS, 0)
    left = [
        {**row, **{name: int(row[name]) - int(gone.get(_key(row), nothing)[name]) for name in _SUMS}}
        for row in contents
    ]
    return [row for row in left if row["documents"]]


def _most_copies_unknown(contents: Sequence[Mapping[str, Any]], removed: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a document with the most copies of its group went: then only the rows that stay know the new number."""
    most = {_key(row): int(row["max_copies"]) for row in contents}
    return any(1 < int(row["max_copies"]) == most.get(_key(row)) for row in removed)


def _with_most_copies(contents: list[dict[str, Any]], rows: DataFrame) -> list[dict[str, Any]]:
    most = rows.groupBy(*_GROUP).agg(F.max("copies").alias("max_copies")).collect()
    found = {_key(row.asDict()): int(row["max_copies"]) for row in most}
    return [{**row, "max_copies": found[_key(row)]} for row in contents]
