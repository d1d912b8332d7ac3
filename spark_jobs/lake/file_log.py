"""The data files that the log of a table lists: each with the versions in which it counts. Only reading."""

from dataclasses import dataclass, field, replace

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
    _read: set[int] = field(default_factory=set)

    def files(self) -> tuple[DataFile, ...]:
        """Every file that any version ever listed, as the log is now."""
        for version in commits.versions(self.location):
            if version not in self._read:
                self._take_in(version)
                self._read.add(version)
        return tuple(self._files.values())

    def span(self, path: str) -> tuple[int | None, int | None]:
        """The versions that added a file and took it out; (None, None) where no commit ever listed it."""
        self.files()
        found = self._files.get(path)
        return (found.added, found.removed) if found is not None else (None, None)

    def _take_in(self, version: int) -> None:
        for kind, path, values in commits.file_actions(self.location, version):
            if kind == "add":
                named = values["partitionValues"]
                self._files[path] = DataFile(
                    self.table, path, named.get(self.scope), named.get("publication"), values["size"], version
                )
            elif path in self._files:
                self._files[path] = replace(self._files[path], removed=version)
