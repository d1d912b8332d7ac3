"""Receipts of takedowns: JSON files below `HOME/takedowns`, one a takedown; never a word of what was taken down.

A receipt is written when the takedown begins and goes on as its journal: what it says before something is destroyed
is what a second attempt, and every reader, needs to know afterwards.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spark_jobs.lake import storage
from spark_jobs.lake.digest import ContentDigest

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


def destroyed(home: str) -> dict[str, str]:
    """Publications whose data files a takedown removed, by id: the receipt that says so."""
    return {str(one["publication"]): str(receipt["receipt"]) for receipt in every(home) for one in receipt["destroyed"]}


@dataclass(frozen=True, kw_only=True)
class Successor:
    """The publication that a takedown left in the place of one, by their digests and what went and came."""

    receipt: str
    publication: str
    before: ContentDigest
    after: ContentDigest
    change: ContentDigest

    @property
    def holds(self) -> bool:
        """Whether nothing is different but what went and came."""
        return self.after == self.before + self.change


def successors(home: str) -> dict[str, Successor]:
    """Publications whose data files a takedown removed, by id, and what it published instead."""
    found = {}
    for receipt in every(home):
        gone = {(one["table"], one["publication"]) for one in receipt["destroyed"]}
        for row in receipt["tables"]:
            if (row["table"], before := row.get("before_publication")) in gone:
                digest = {name: ContentDigest.parse(value) for name, value in row["digest"].items() if name != "holds"}
                found[str(before)] = Successor(
                    receipt=str(receipt["receipt"]), publication=str(row["publication"]), before=digest["before"],
                    after=digest["after"], change=digest["elected"] - digest["removed"] - digest["replaced"],
                )  # fmt: skip
    return found
