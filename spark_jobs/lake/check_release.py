"""Whether what a release says of itself follows from its publications: its row, what its manifest pins, its figures."""

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from spark_jobs.lake.contents import GROUP, by_licence, epochs, summarise, totals
from spark_jobs.lake.mismatch import Mismatch, mismatch
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release

_NOTHING = "nothing"


def check_manifest(release: Release, head: Publication) -> list[Mismatch]:
    """The manifest against the record of `head`, the publication of `mixed` that the release is."""
    manifest = release.manifest
    wanted = {"digest": head.digest, "publication": head.id, "fingerprint": head.fingerprint}
    wrong = [
        mismatch(head, f"{key} in the manifest", value, manifest.get(key))
        for key, value in wanted.items() if manifest.get(key) != value
    ]  # fmt: skip
    named = {(p["table"], p["partition"]): p["publication"] for p in manifest.get("ancestors", ())}
    pinned = {(p["table"], p["partition"]): p["publication"] for p in head.inputs}
    wrong += [
        mismatch(head, f"{table}/{partition} in the manifest", pinned.get((table, partition)), named.get(
            (table, partition)))
        for table, partition in sorted(named.keys() | pinned.keys())
        if named.get((table, partition)) != pinned.get((table, partition))
    ]  # fmt: skip
    return wrong


def check_figures(release: Release, head: Publication, mixed: DataFrame) -> list[Mismatch]:
    """The figures of the manifest against the rows of `mixed`, counted again."""
    rows = [row.asDict() for row in summarise(mixed).collect()]
    licences = [row.asDict() for row in by_licence(mixed).collect()]
    counted = {"totals": totals(rows), "contents": rows, "licences": licences, "epochs": epochs(rows)}
    # Revisions by an early version say nothing of licences.
    silent = bool(release.manifest.get("takedowns")) and not release.manifest.get("licences")
    asked = {name: value for name, value in counted.items() if name != "licences" or not silent}
    wanted, told = _figures(asked), _figures(release.manifest)
    return [
        mismatch(head, f"{name} in the manifest", wanted.get(name, _NOTHING), told.get(name, _NOTHING))
        for name in dict.fromkeys([*wanted, *told]) if wanted.get(name) != told.get(name)
    ]  # fmt: skip


def check_row(release: Release, registered: Publication, rows: DataFrame) -> list[Mismatch]:
    """The row of the release as it is served against the one of its last publication."""
    (row,) = rows.collect()
    published = {**row.asDict(), "manifest": json.loads(row["manifest"])}
    return [
        mismatch(registered, f"{name} of the release", "that of its publication", "another one")
        for name in ("recipe", "state", "publication", "manifest") if published[name] != getattr(release, name)
    ]  # fmt: skip


def _figures(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Every figure of a manifest by a name of its own; what has not the form of one has none."""
    found = {f"totals {name}": value for name, value in _mapping(manifest.get("totals")).items()}
    for part, keys in (("contents", GROUP), ("licences", ("licence",))):
        rows = [_mapping(row) for row in manifest.get(part) or ()]
        found[f"number of {part}"] = len(rows)
        for row in rows:
            place = "/".join(str(row.get(key)) for key in keys)
            found |= {f"{part} {place} {name}": value for name, value in row.items() if name not in keys}
    for source, entry in _mapping(manifest.get("epochs")).items():
        found |= {f"epochs {source} {name}": value for name, value in _mapping(entry).items()}
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
