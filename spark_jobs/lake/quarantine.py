"""Quarantine: candidates that the gate refused, each with all that publishing it would need, beside its rows.

An attempt is open as long as it was built on what is published now, and no other release was mixed in its place; else
only its outcomes in `audits` matter.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spark_jobs.errors import NotFoundError
from spark_jobs.lake import storage
from spark_jobs.lake.candidate import Candidate
from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import canonical_json
from spark_jobs.lake.tables import TABLES

_FILE = "attempt.json"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A refused candidate: `folder` below the lake, its `number` among those of the partition, what the gate said.

    `files` are the SHA-256 of its data files by their names below the folder, `head` is the version of its table then
    (None: an earlier Provender did not note it).
    """

    folder: str
    number: int
    sequence: int
    candidate: Candidate
    record: Mapping[str, Any]
    outcomes: Sequence[Mapping[str, Any]]
    files: Mapping[str, str]
    head: int | None

    @property
    def name(self) -> str:
        """What people call it by."""
        return self.folder.rpartition("/")[2]

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        """The outcomes that keep it from being published."""
        return [o for o in self.outcomes if not o["success"] and o["severity"] == "error"]


def keep(
    lake: Lake, candidate: Candidate, *, sequence: int, record: Mapping[str, Any],
    outcomes: Sequence[Mapping[str, Any]],
) -> Attempt:  # fmt: skip
    """Keep a refused candidate with what `publish` would be given: `record`, and `sequence` as it was resolved."""
    folder = candidate.location.removeprefix(f"{lake.home}/").rpartition("/")[0]
    numbers = [a.number for a in attempts(lake) if (a.candidate.table, a.candidate.partition) == _scope(candidate)]
    attempt = Attempt(
        folder=folder, number=1 + max(numbers, default=0), sequence=sequence, candidate=candidate, record=record,
        outcomes=outcomes, files=_digests(lake, folder), head=lake.version(candidate.table),
    )  # fmt: skip
    body = {
        "number": attempt.number, "sequence": sequence, "record": record, "outcomes": list(outcomes),
        "table": candidate.table, "partition": candidate.partition, "columns": list(candidate.columns),
        "digest": str(candidate.digest), "suppressed": candidate.suppressed,
        "suppressions_version": candidate.suppressions_version,
        "side": sorted(candidate.side), "files": attempt.files, "head": attempt.head,
    }  # fmt: skip
    storage.write_text(storage.join(lake.home, folder, _FILE), canonical_json(body))
    return attempt


def folders(lake: Lake) -> list[str]:
    """The folders of all candidates, below the lake."""
    found = ["candidates"]
    for _ in ("table", "partition", "attempt"):
        found = [f"{folder}/{name}" for folder in found for name in storage.names(storage.join(lake.home, folder))]
    return found


def attempts(lake: Lake) -> list[Attempt]:
    """All refused candidates, by table, partition and number."""
    places = {folder: storage.join(lake.home, folder, _FILE) for folder in folders(lake)}
    found = [_read(lake, folder, place) for folder, place in places.items() if storage.exists(place)]
    return sorted(found, key=lambda a: (a.candidate.table, a.candidate.partition, a.number))


def _read(lake: Lake, folder: str, place: str) -> Attempt:
    body = json.loads(storage.read_text(place))
    base = storage.join(lake.home, folder)
    candidate = Candidate(
        body["table"], body["partition"], storage.join(base, "main"), tuple(body["columns"]),
        ContentDigest.parse(body["digest"]), body["suppressed"], body["suppressions_version"],
        {name: storage.join(base, "side", name) for name in body["side"]},
    )  # fmt: skip
    return Attempt(
        folder=folder, number=body["number"], sequence=body["sequence"], candidate=candidate, record=body["record"],
        outcomes=body["outcomes"], files=body["files"], head=body.get("head"),
    )  # fmt: skip


def _digests(lake: Lake, folder: str) -> dict[str, str]:
    place = storage.join(lake.home, folder)
    names = (name for name in storage.sizes(place) if name.endswith(".parquet"))
    return {name: storage.sha256(storage.join(place, name)) for name in names}


def changed_files(lake: Lake, attempt: Attempt) -> list[str]:
    """Data files of a candidate that are not the bytes that were audited: changed, gone or new."""
    now = _digests(lake, attempt.folder)
    return sorted(name for name in now.keys() | attempt.files.keys() if now.get(name) != attempt.files.get(name))


def closed(lake: Lake, attempt: Attempt, *, wanted: str | None = None) -> str | None:
    """Why an attempt can no longer be approved, whatever it failed; None while it is open.

    `wanted` is the release that the recipe asks for now (None: it is not known): an attempt at that one stays open.
    """
    table, partition = attempt.candidate.table, attempt.candidate.partition
    if attempt.sequence != lake.sequence(table, partition) + 1:
        return f"{table}/{partition} was published since it was built"
    for pinned in attempt.record.get("inputs", ()):
        head = lake.current(str(pinned["table"]), str(pinned["partition"]))
        if head is None or head.id != pinned["publication"]:
            return f"{pinned['table']}/{pinned['partition']}, which it was made from, was published again"
    return None if partition == wanted else _replaced(lake, attempt)


def _replaced(lake: Lake, attempt: Attempt) -> str | None:
    """Of a refused release: which one was mixed after it. A mended recipe makes one of another name."""
    table = attempt.candidate.table
    head = attempt.head
    if TABLES[table].scope != "release" or head is None:
        return None
    later = (p for p in lake.history(table) if p.version > head and "takedown" not in p.record)
    return next((f"{table}/{p.partition} was published in its place" for p in later), None)


def open_attempts(lake: Lake, *, wanted: str | None = None) -> list[Attempt]:
    """The newest open attempt of each partition; `wanted` as in `closed`."""
    newest = {_scope(a.candidate): a for a in attempts(lake) if closed(lake, a, wanted=wanted) is None}
    return list(newest.values())


def find(lake: Lake, table: str, partition: str, name: str | None = None) -> Attempt:
    """A refused candidate by the beginning of its name, or the newest of a partition. NotFoundError where none is."""
    everything = attempts(lake)
    here = [a for a in everything if _scope(a.candidate) == (table, partition)]
    if name is not None:
        here = [a for a in here if a.name.startswith(name)]
    if not here:
        told = ", ".join(f"{t}/{p}" for t, p in sorted({_scope(a.candidate) for a in everything})) or "none"
        raise NotFoundError(f"{table}/{partition}: no refused candidate lies there; there are candidates of: {told}")
    return here[-1]


def _scope(candidate: Candidate) -> tuple[str, str]:
    return candidate.table, candidate.partition
