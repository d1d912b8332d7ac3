"""Receipts of takedowns: JSON files below `HOME/takedowns`, one a takedown; never a word of what was taken down.

A receipt is written when the takedown begins and goes on as its journal: what it says before something is destroyed
is what a second attempt, and every reader, needs to know afterwards.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spark_jobs.lake import storage

FORMAT = 1
BEGUN, FINISHED = "begun", "finished"


def location(home: str, receipt: str) -> str:
    """Where a receipt lies."""
    return storage.join(home, "takedowns", f"{receipt}.json")


def write(home: str, receipt: Mapping[str, Any]) -> str:
    """Write (again) a receipt; returns where."""
    place = location(home, str(receipt["receipt"]))
    storage.replace_text(place, json.dumps(receipt, indent=2, ensure_ascii=False, default=str) + "\n")
    return place


def read(home: str, receipt: str) -> dict[str, Any] | None:
    """A receipt, None where there is none of this name."""
    place = location(home, receipt)
    if not storage.exists(place):
        return None
    found: dict[str, Any] = json.loads(storage.read_text(place))
    return found


def every(home: str) -> Iterator[dict[str, Any]]:
    """All receipts, by name."""
    for name in storage.names(storage.join(home, "takedowns")):
        if name.endswith(".json"):
            yield json.loads(storage.read_text(storage.join(home, "takedowns", name)))


def attempts(home: str) -> Iterator[dict[str, Any]]:
    """All receipts, those of earlier times included that a receipt holds whose takedown was asked for again."""
    for receipt in every(home):
        yield from receipt.get("before", ())
        yield receipt


@dataclass(frozen=True, kw_only=True)
class Destruction:
    """What takedowns destroyed of a publication: the receipts that say so, and the files as `table/path`.

    `files` is None where one of these receipts does not list them: those of early versions only count them.
    """

    receipts: tuple[str, ...]
    files: frozenset[str] | None

    def explains(self, name: str) -> bool:
        """Whether a takedown may have deleted this file, of those that no table lists any more."""
        return self.files is None or name in self.files


def destructions(home: str) -> dict[str, Destruction]:
    """Publications whose data files takedowns removed, by id."""
    found: dict[str, Destruction] = {}
    for receipt in attempts(home):
        files, name = _listed(receipt), str(receipt["receipt"])
        for publication in (str(one["publication"]) for one in receipt["destroyed"]):
            known = found.get(publication, Destruction(receipts=(), files=frozenset()))
            found[publication] = Destruction(
                receipts=tuple(dict.fromkeys([*known.receipts, name])),
                files=None if files is None or known.files is None else known.files | files,
            )
    return found


def destroyed(home: str) -> dict[str, str]:
    """Publications whose data files a takedown removed, by id: the receipt that says so."""
    return {publication: one.receipts[-1] for publication, one in destructions(home).items()}


def _listed(receipt: Mapping[str, Any]) -> frozenset[str] | None:
    """The files that a receipt lists, None where they are not all that it counts."""
    files = receipt.get("files", {})
    paths = frozenset(files.get("paths", ()))
    return paths if len(paths) == files.get("deleted") else None
