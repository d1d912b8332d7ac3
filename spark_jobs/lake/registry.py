"""The snapshot registry: which crawl snapshots there are, from which files, in which order they are deduped."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spark_jobs.errors import LostRaceError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import Scope, replace
from spark_jobs.lake.records import Publication

_ATTEMPTS = 5


@dataclass(frozen=True)
class Snapshot:
    """A registered snapshot; `inputs` are rows of `snapshots.inputs` as dictionaries."""

    id: str
    sequence: int
    inputs: tuple[dict[str, Any], ...]
    source: str
    licence: str | None


def registered(lake: Lake) -> dict[str, Snapshot]:
    """All snapshots by id, in sequence order."""
    rows = sorted(lake.rows("snapshots"), key=lambda row: int(row["sequence"]))
    return {
        row["snapshot"]: Snapshot(
            row["snapshot"], row["sequence"], tuple(row["inputs"]), row["source"], row["licence"]
        )
        for row in rows
    }  # fmt: skip


def register(
    lake: Lake, snapshot: str, inputs: Sequence[dict[str, Any]], *, source: str, licence: str | None
) -> Publication:
    """Publish a snapshot's row. A new one gets the next sequence number; one that is known keeps its own.

    The compare and swap is over the whole registry, so that two new snapshots never get one number.
    """
    for _ in range(_ATTEMPTS):
        lake.refresh("snapshots")
        known = registered(lake)
        number = (
            known[snapshot].sequence if snapshot in known else 1 + max((s.sequence for s in known.values()), default=0)
        )
        schema = lake.schema("snapshots")
        row = (
            snapshot,
            number,
            [tuple(entry[f.name] for f in schema["inputs"].dataType.elementType) for entry in inputs],  # type: ignore[attr-defined]
            source,
            licence,
        )
        frame = lake.spark.createDataFrame([row], schema)
        fingerprint = json.dumps({"sequence": number}, sort_keys=True)
        heads = lake.publications("snapshots")
        try:
            return replace(
                lake,
                _RegistryScope("snapshots", snapshot),
                frame,
                {"kind": "main", "stage": "register", "fingerprint": fingerprint},
                sequence=1 + max((p.sequence for p in heads.values()), default=0),
            )
        except LostRaceError:
            continue
    raise LostRaceError(f"snapshots/{snapshot}: lost the race for a sequence number {_ATTEMPTS} times; run again")


class _RegistryScope(Scope):
    """Replaces one snapshot's row, but races over the whole registry."""

    @property
    def transaction(self) -> str:
        return "provender/snapshots"
