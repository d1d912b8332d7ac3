"""Receipts of takedowns: JSON files below `HOME/takedowns`, one a takedown; never a word of what was taken down.

A receipt is written when the takedown begins and goes on as its journal: what it says before something is destroyed
is what a second attempt, and every reader, needs to know afterwards.
"""

import json
from collections.abc import Iterator, Mapping
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


def destroyed(home: str) -> dict[str, str]:
    """Publications whose data files a takedown removed, by id: the receipt that says so."""
    return {str(one["publication"]): str(receipt["receipt"]) for receipt in every(home) for one in receipt["destroyed"]}
