"""The commits of a Delta table as its log says them: version, time, and the metadata that the writer gave.

The log is files of a published format, one JSON file a commit, and the tables keep them for ever; reading the new ones
costs milliseconds where `DESCRIBE HISTORY` costs a job. Only reading; commits are made by Delta alone.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from spark_jobs.errors import LakeError, VerificationError
from spark_jobs.lake import storage

_COMMIT = re.compile(r"^(\d{20})\.json$")


@dataclass(frozen=True)
class Commit:
    """One commit; `metadata` is the writer's `userMetadata`, None where it gave none."""

    version: int
    at: datetime
    metadata: str | None


@dataclass(frozen=True)
class Files:
    """Data files that a commit adds to the table and takes out of it, as paths below the table's location."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


def versions(location: str) -> tuple[int, ...]:
    """All versions of the table at `location`, ascending; empty where there is no table."""
    found = (_COMMIT.match(name) for name in storage.names(storage.join(location, "_delta_log")))
    return tuple(int(match[1]) for match in found if match)


def unborn(location: str) -> tuple[str, ...]:
    """What there is of a table of which only the beginning of a log is there: no commit, no checkpoint, no data.

    The folder's own name stands first; empty where there is more than that, or nothing.
    """
    log = storage.names(storage.join(location, "_delta_log"))
    if storage.names(location) != ("_delta_log",) or any(n.endswith((".json", ".parquet")) for n in log):
        return ()
    return ("_delta_log", *log)


def properties(location: str) -> Mapping[str, str]:
    """The table's properties as they are now. Raises LakeError where the log does not hold them."""
    for version in reversed(versions(location)):
        for kind, values in actions(location, version):
            if kind == "metaData":
                found: dict[str, str] = values["configuration"]
                return found
    raise LakeError(f"{location}: its log describes no table; is this a lake? Restore the log from a copy")


def commit(location: str, version: int) -> Commit:
    """One commit of the table. Raises LakeError where the log does not hold it whole."""
    for kind, info in actions(location, version):
        if kind == "commitInfo":
            moment = datetime.fromtimestamp(info["timestamp"] / 1000, UTC)
            return Commit(version, moment, info.get("userMetadata"))
    raise LakeError(f"{_file(location, version)}: says nothing of who committed what; restore the log from a copy")


def actions(location: str, version: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What one commit says, line by line: kind and values of an action. VerificationError where it is not JSON."""
    place = _file(location, version)
    # Not splitlines: text inside of JSON may hold other ends of lines.
    for number, line in enumerate(filter(None, storage.read_text(place).split("\n")), 1):
        try:
            ((kind, values),) = json.loads(line).items()
        except (ValueError, AttributeError) as error:
            raise VerificationError(f"{place}:{number}: the log is damaged; restore it from a copy") from error
        yield kind, values


def path_of(location: str, version: int, values: Mapping[str, Any]) -> str:
    """The file of an `add` or `remove`, as a path below the table. LakeError where it lies outside of the table."""
    path = unquote(values["path"])
    if path.startswith("/") or "://" in path:
        raise LakeError(f"{location}: version {version} names the file {path}, which is not the table's own")
    return path


def files(location: str, version: int) -> Files:
    """The data files of one commit. Raises LakeError where the table shares files with a place outside of it."""
    found = [(kind, path_of(location, version, values)) for kind, values in actions(location, version)
             if kind in ("add", "remove")]  # fmt: skip
    return Files(*(tuple(path for kind, path in found if kind == wanted) for wanted in ("add", "remove")))


def _file(location: str, version: int) -> str:
    return storage.join(location, "_delta_log", f"{version:020d}.json")
