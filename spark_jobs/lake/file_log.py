"""What the log of a table lists: its data files, each with the versions in which it counts, and its columns.

Only reading.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql.types import StructType

from spark_jobs.errors import LakeError
from spark_jobs.lake import commits


@dataclass(frozen=True)
class DataFile:
    """One file of a table: its path below the table, and from which version to before which one it is listed."""

    table: str
    path: str
    partition: str | None
    publication: str | None
    bytes: int
    added: int
    removed: int | None = None

    def listed_at(self, version: int | None) -> bool:
        """Whether a version lists it; None: whether the newest one does."""
        if version is None:
            return self.removed is None
        return self.added <= version and (self.removed is None or version < self.removed)


@dataclass
class FileLog:
    """The files of one table; `scope` is its partition column. Each commit is read once."""

    table: str
    location: str
    scope: str
    _files: dict[str, DataFile] = field(default_factory=dict)
    _schemas: dict[int, str] = field(default_factory=dict)
    _read: int = 0  # commits

    def files(self) -> tuple[DataFile, ...]:
        """Every file that any version ever listed, as the log is now. Raises LakeError where commits are missing."""
        self._refresh()
        return tuple(self._files.values())

    def schema(self, version: int | None = None) -> StructType:
        """The columns of a version (None: of the newest). Raises LakeError where the log describes no table."""
        self._refresh()
        told = [v for v in self._schemas if version is None or v <= version]
        if not told:
            raise LakeError(f"{self.location}: its log describes no table; is this a lake? Restore the log from a copy")
        return StructType.fromJson(json.loads(self._schemas[max(told)]))

    def missing(self) -> tuple[int, ...]:
        """Versions that the log lacks: those before its newest one, and the first where there is none at all."""
        there = set(commits.versions(self.location))
        return tuple(version for version in range(max(there, default=0) + 1) if version not in there)

    def span(self, path: str) -> tuple[int | None, int | None]:
        """The versions that added a file and took it out; (None, None) where no commit ever listed it."""
        self.files()
        found = self._files.get(path)
        return (found.added, found.removed) if found is not None else (None, None)

    def _refresh(self) -> None:
        versions = commits.versions(self.location)
        if versions != tuple(range(len(versions))):
            raise LakeError(f"{self.location}: commits are missing in its log; restore the log from a copy")
        for version in versions[self._read :]:
            self._take_in(version)
            self._read = version + 1

    def _take_in(self, version: int) -> None:
        for kind, values in commits.actions(self.location, version):
            if kind == "metaData" and "schemaString" in values:
                self._schemas[version] = values["schemaString"]
            elif kind == "add":
                path = commits.path_of(self.location, version, values)
                self._files[path] = self._added(path, version, values)
            elif kind == "remove":
                path = commits.path_of(self.location, version, values)
                if path in self._files:
                    self._files[path] = replace(self._files[path], removed=version)

    def _added(self, path: str, version: int, values: Mapping[str, Any]) -> DataFile:
        if values.get("deletionVector"):
            raise LakeError(f"{self.location}: version {version} has deletion vectors, which only Delta reads")
        named = values["partitionValues"]
        return DataFile(self.table, path, named.get(self.scope), named.get("publication"), values["size"], version)
