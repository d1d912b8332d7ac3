"""A lake as its logs alone tell it, without Spark: publications, the registry, models. For what looks often.

Sensors look every half minute in a process that lives for weeks: a Java machine there costs gigabytes. Small tables are
read by replaying the log, which the tables keep for ever; documents cannot be read.
"""

import json
from typing import Any, NoReturn
from urllib.parse import unquote

import fsspec
import pyarrow.parquet as pq

from spark_jobs.errors import LakeError
from spark_jobs.lake import commits, storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import FLOW, TABLES


class NoSpark:
    """Stands where a session would: says what is wrong when one is asked for."""

    def __getattr__(self, name: str) -> NoReturn:
        raise LakeError(f"spark.{name} was asked of a lake that was opened without Spark; open it as a Lake")


class LogLake(Lake):
    """The lake at `home`, for reading what its logs say."""

    def __init__(self, home: str) -> None:
        super().__init__(NoSpark(), home)  # type: ignore[arg-type]
        self._rows: dict[str, tuple[int, list[dict[str, Any]]]] = {}
        self._there = False

    def is_there(self) -> bool:
        """Whether there is a whole lake."""
        # To ask the log costs more with every commit, and what is there stays there.
        self._there = self._there or self.properties() is not None
        return self._there

    def heads(self) -> dict[str, int]:
        """The newest version of each main table of the flow."""
        return {table: self.version(table) for table in FLOW}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a small table as it is now. Raises LakeError where the log cannot be replayed."""
        location = self.location(table)
        versions = commits.versions(location)
        newest = versions[-1] if versions else -1
        known = self._rows.get(table)
        if known is None or known[0] != newest:
            known = (newest, _replayed(location, versions, TABLES[table].partition_by))
            self._rows[table] = known
        return [dict(row) for row in known[1]]


def _replayed(location: str, versions: tuple[int, ...], partition_by: tuple[str, ...]) -> list[dict[str, Any]]:
    if not versions:
        return []
    if versions != tuple(range(versions[-1] + 1)):
        raise LakeError(f"{location}: commits are missing in its log; restore the log from a copy")
    files: dict[str, dict[str, Any]] = {}
    for version in versions:
        text = storage.read_text(storage.join(location, "_delta_log", f"{version:020d}.json"))
        for line in text.splitlines():
            action = json.loads(line)
            if "remove" in action:
                files.pop(action["remove"]["path"], None)
            elif "add" in action:
                if action["add"].get("deletionVector"):
                    raise LakeError(f"{location}: has deletion vectors, which only Spark can read here")
                files[action["add"]["path"]] = action["add"]
    rows: list[dict[str, Any]] = []
    for path, added in files.items():
        partition = {name: added["partitionValues"][name] for name in partition_by}
        place = path if "://" in path else storage.join(location, unquote(path))
        with fsspec.open(place, "rb") as file:
            rows += [{**row, **partition} for row in pq.read_table(file).to_pylist()]
    return rows
