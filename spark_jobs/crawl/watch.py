"""Which snapshots a watched place holds, and which of them have settled. Names, sizes and times; no record is read.

A place is a folder (each folder or crawl file in it is a snapshot), a glob (each match is one), a list of files in the
manner of Common Crawl (`warc.paths.gz`: one snapshot), or its index of crawls (`collinfo.json`: one for each entry).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fsspec.core import url_to_fs
from fsspec.utils import get_protocol

from spark_jobs.crawl.formats import format_of_name, is_list
from spark_jobs.crawl.inputs import modified_of
from spark_jobs.crawl.streams import options_for, unreadable
from spark_jobs.errors import InputError

SNAPSHOT_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
INDEX = "collinfo.json"
LISTS = "crawl-data/{id}/warc.paths.gz"
_GLOB = re.compile(r"[*?\[]")
_ENDINGS = re.compile(r"(\.(warc|wet|jsonl|json|parquet|paths|gz|zst))+$")
# What programs call a file while they still write it.
_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", "._copying_")


@dataclass(frozen=True)
class Sighting:
    """A snapshot as it lies there now. `signature` is a digest of the names, sizes and times of its files.

    `files` are those as (URI, bytes, time), none where a list stands for them. `unfinished` says why it cannot be taken
    yet: a file that is still written, an empty folder.
    """

    name: str
    uri: str
    signature: str
    unfinished: str | None = None
    files: tuple[tuple[str, int, str], ...] = ()

    def is_made_of(self, inputs: Iterable[Mapping[str, Any]]) -> bool:
        """Whether these registered inputs are just its files. Never of a list, whose files were not looked at."""
        taken = {(row["uri"], row["bytes"], row["modified"]) for row in inputs}
        crawl = {file for file in self.files if format_of_name(file[0]) is not None}
        return bool(taken) and taken <= set(self.files) and crawl <= taken


def snapshot_name(location: str) -> str:
    """What a snapshot is called that nobody named: by the last part of its location, a list by the crawl's folder."""
    parts = [part for part in location.rstrip("/").split("/") if part]
    last = parts[-1] if parts else ""
    stem = _ENDINGS.sub("", last)
    if is_list(last) and stem in {"warc", "wet", "wat", "segment", ""} and len(parts) > 1:
        stem = parts[-2]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:64] or "snapshot"


def look(
    place: str, *, lists: str | None = None, since: str | None = None, known: Iterable[str] = (),
    storage_options: Mapping[str, Any] | None = None,
) -> tuple[Sighting, ...]:  # fmt: skip
    """The snapshots of a watched place, in the order in which they are to be registered.

    Of an index: the crawls from `since` on, or from the newest of the `known` snapshots on, or else the newest alone.
    Raises InputError, in one line, for a place that is missing or does not answer.
    """
    system, path = _open(place, storage_options)
    try:
        if path.rstrip("/").endswith(INDEX):
            ids = _crawls(place, system.cat_file(path))
            return _of_index(place, ids, set(known), lists=lists, since=since, storage_options=storage_options)
        system.invalidate_cache()
        if is_list(path):
            return (_of_list(snapshot_name(path), place, storage_options),)
        found = _matches(system, path) if _GLOB.search(path) else _children(place, system, path)
        return _distinct(_of_files(system, name, one) for name, one in found)
    except InputError:
        raise
    except Exception as error:
        raise unreadable(place, error) from error


def settled(
    sightings: Sequence[Sighting], seen: Mapping[str, Sequence[Any]], now: float, seconds: float
) -> tuple[tuple[Sighting, ...], dict[str, tuple[str, float]]]:
    """Those that looked the same for so many seconds, and what is to be remembered until the next look.

    By our own clock and looks: times of files may be of another machine, or of the crawl. A clock that was put back
    begins to count anew.
    """
    remembered: dict[str, tuple[str, float]] = {}
    ready = []
    for one in sightings:
        signature, since = seen.get(one.name, ("", now))
        since = since if signature == one.signature and since <= now else now
        remembered[one.name] = (one.signature, since)
        if one.unfinished is None and now - since >= seconds:
            ready.append(one)
    return tuple(ready), remembered


def _open(uri: str, storage_options: Mapping[str, Any] | None) -> tuple[Any, str]:
    try:
        system, path = url_to_fs(uri, **options_for(uri, storage_options))
    except Exception as error:
        raise unreadable(uri, error) from error
    return system, str(path)


def _uri(system: Any, path: str) -> str:
    return path if get_protocol(system.unstrip_protocol(path)) == "file" else str(system.unstrip_protocol(path))


def _children(place: str, system: Any, path: str) -> list[tuple[str, str]]:
    """Name and path of what lies directly in a folder and can be a snapshot."""
    if not system.exists(path):
        raise InputError(f"{place}: no such folder to watch; make it, or name another in PROVENDER_WATCH")
    found = []
    for info in system.ls(path, detail=True):
        base = str(info["name"]).rstrip("/").rsplit("/", 1)[-1]
        wanted = info["type"] == "directory" or is_list(base) or format_of_name(base) is not None
        if wanted and not base.startswith((".", "_")):
            found.append((snapshot_name(base), str(info["name"])))
    return sorted(found)


def _matches(system: Any, pattern: str) -> list[tuple[str, str]]:
    """Name and path (or narrower glob) of what a glob stands for: the part with the first wildcard tells them apart."""
    parts = pattern.split("/")
    at = next(number for number, part in enumerate(parts) if _GLOB.search(part))
    several = sorted({str(path).split("/")[at] for path in system.glob(pattern)})
    return [(snapshot_name(one), "/".join([*parts[:at], one, *parts[at + 1 :]])) for one in several]


def _of_files(system: Any, name: str, path: str) -> Sighting:
    files: dict[str, Mapping[str, Any]] = {}
    for match in system.glob(path) if _GLOB.search(path) else [path]:
        below = system.find(match, detail=True)
        files |= {p: i for p, i in below.items() if not _hidden(p.removeprefix(match))}
    rows = sorted((_uri(system, p), int(i.get("size") or 0), modified_of(i)) for p, i in files.items())
    unfinished = next((f"{p} is still written" for p, *_ in rows if p.lower().endswith(_UNFINISHED)), None)
    if not any(format_of_name(p) is not None or is_list(p) for p in files):
        unfinished = "it holds no crawl file"
    return Sighting(name, _uri(system, path), _digest(rows), unfinished, tuple(rows))


def _hidden(relative: str) -> bool:
    return any(part.startswith((".", "_")) for part in relative.strip("/").split("/") if part)


def _of_list(name: str, uri: str, storage_options: Mapping[str, Any] | None) -> Sighting:
    """A list stands for its files: it is published when they are there, and to ask for each would take hours."""
    system, path = _open(uri, storage_options)
    system.invalidate_cache()
    try:
        info = system.info(path)
    except FileNotFoundError:
        return Sighting(name, uri, "", f"{uri} is not there yet")
    return Sighting(name, uri, _digest([(path, info.get("size"), modified_of(info))]))


def _crawls(place: str, text: bytes) -> list[str]:
    """The ids of an index of crawls, the newest first as there."""
    try:
        return [str(entry["id"]) for entry in json.loads(text)]
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{place}: no index of crawls, a JSON list of objects with an id: {error}") from error


def _of_index(
    place: str, ids: list[str], known: set[str], *, lists: str | None, since: str | None,
    storage_options: Mapping[str, Any] | None,
) -> tuple[Sighting, ...]:  # fmt: skip
    if since is not None and since not in ids:
        raise InputError(f"{place}: has no crawl {since}; PROVENDER_WATCH_SINCE must be one of its ids")
    bound = ids.index(since) if since is not None else next((i for i, name in enumerate(ids) if name in known), 0)
    template = lists or f"{place.rsplit('/', 1)[0]}/{LISTS}"
    wanted = reversed(ids[: bound + 1])
    return _distinct(_of_list(name, template.replace("{id}", name), storage_options) for name in wanted)


def _distinct(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    found = tuple(sightings)
    names: dict[str, str] = {}
    for one in found:
        if names.setdefault(one.name, one.uri) != one.uri:
            raise InputError(f"{one.uri} and {names[one.name]} would both be the snapshot {one.name}; rename one")
    return found


def _digest(rows: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()[:32]
