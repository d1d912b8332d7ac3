"""What an input names: a file, folder, glob, list file or URI becomes the files it stands for, with their formats.

A folder stands for the crawl files and HTML pages below it; hidden files, files of other kinds and list files in it are
left out. A list file counts when it is named itself. Formats are told by name and by first bytes.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from os.path import normpath
from typing import Any

from fsspec.core import url_to_fs
from fsspec.utils import get_protocol

from spark_jobs.crawl.formats import PROBE_BYTES, format_of_bytes, format_of_name, is_list
from spark_jobs.crawl.streams import no_answer, options_for, unreadable
from spark_jobs.errors import InputError

_LOCAL = ("file", "local")
_GLOB = frozenset("*?[")
_REMEDY = "give WARC, WET, JSONL (plain, gz, zst) or Parquet files, or a folder of them or of HTML pages"


@dataclass(frozen=True, order=True)
class InputFile:
    """One file of an input. `name` is its path relative to what was given, so it does not depend on where that lies.

    `format` is warc, jsonl, parquet, html, or missing for a file that a list names and that is not there.
    `modified` is what the file system says of its last change (a time or a tag), "" where it says nothing.
    """

    uri: str
    format: str
    bytes: int
    modified: str
    name: str = ""


def expand_inputs(uris: Sequence[str], storage_options: Mapping[str, Any] | None = None) -> tuple[InputFile, ...]:
    """All files that the URIs stand for, sorted by URI, none twice. Only names, sizes and first bytes are read.

    Raises InputError, in one line, for what is missing or empty, or holds nothing that can be read.
    """
    found: dict[str, InputFile] = {}
    for uri in uris:
        files = list(_expand(uri, storage_options))
        if not files:
            raise InputError(f"{uri}: no crawl files in it; {_REMEDY}")
        if not any(file.bytes for file in files):
            absent = next((file for file in files if file.format == "missing"), None)
            why = f"none of its {len(files)} files is there, such as {absent.uri}" if absent else "empty"
            if absent is None or len(uris) == 1:
                raise InputError(f"{uri}: {why}; {_REMEDY}")
        for file in files:
            found.setdefault(file.uri, file)
    if not any(file.format != "missing" for file in found.values()):
        raise InputError(f"{', '.join(uris) or 'the input'}: no file is there; {_REMEDY}")
    return tuple(found[uri] for uri in sorted(found))


@dataclass(frozen=True)
class _Place:
    """A location on its file system; local ones have plain absolute paths."""

    system: Any
    path: str
    protocol: str

    @classmethod
    def of(cls, uri: str, storage_options: Mapping[str, Any] | None) -> "_Place":
        protocol = get_protocol(uri)
        try:
            system, path = url_to_fs(uri, **options_for(uri, storage_options))
        except Exception as error:
            raise unreadable(uri, error) from error
        return cls(system, normpath(path) if protocol in _LOCAL else str(path), protocol)

    def uri(self, path: str) -> str:
        return path if self.protocol in _LOCAL else str(self.system.unstrip_protocol(path))

    def info(self, path: str) -> Mapping[str, Any] | None:
        """What the file system says of a path; None where nothing is. UnreachableError where it does not answer."""
        try:
            return dict(self.system.info(path))
        except FileNotFoundError as error:
            if (cause := no_answer(error)) is not None:
                raise unreadable(self.uri(path), cause) from error
            return None
        except Exception as error:
            raise unreadable(self.uri(path), error) from error

    def head(self, path: str) -> bytes:
        try:
            with self.system.open(path, "rb") as stream:
                return bytes(stream.read(PROBE_BYTES))
        except Exception as error:
            raise unreadable(self.uri(path), error) from error


def _expand(uri: str, storage_options: Mapping[str, Any] | None) -> Iterator[InputFile]:
    place = _Place.of(uri, storage_options)
    info = place.info(place.path)
    if info is None and _GLOB & set(uri):
        fixed = re.split(r"[*?\[]", place.path, maxsplit=1)[0]
        yield from _below(place, _matches(place), fixed)
    elif info is None:
        raise InputError(f"{uri}: no such file or folder; check the path, or {_REMEDY}")
    elif info.get("type") == "directory":
        yield from _below(place, place.system.find(place.path, detail=True), place.path.rstrip("/") + "/")
    elif is_list(place.path):
        yield from _listed(uri, place, storage_options)
    else:
        file = _file(place, place.path, info, place.path.rsplit("/", 1)[-1])
        if file is None:
            raise InputError(f"{uri}: neither its name nor its first bytes are those of a crawl file; {_REMEDY}")
        yield file


def _matches(place: _Place) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for path, info in place.system.glob(place.path, detail=True).items():
        found |= place.system.find(path, detail=True) if info["type"] == "directory" else {path: info}
    return found


def _below(place: _Place, infos: Mapping[str, Mapping[str, Any]], prefix: str) -> Iterator[InputFile]:
    folder = prefix[: prefix.rfind("/") + 1]
    for path, info in infos.items():
        name = path.removeprefix(folder)
        if is_list(path) or any(part.startswith((".", "_")) for part in name.split("/")):
            continue
        file = _file(place, path, info, name)
        if file is not None:
            yield file


def _file(place: _Place, path: str, info: Mapping[str, Any], name: str) -> InputFile | None:
    form = format_of_name(path)
    size = info.get("size")
    # First bytes cost a request each on remote file systems; there a telling name is believed.
    if size != 0 and (form is None or (place.protocol in _LOCAL and form != "html")):
        form = format_of_bytes(place.head(path)) or form
    if form is None:
        return None
    return InputFile(place.uri(path), form, int(size or 0) if size is not None else -1, modified_of(info), name)


def modified_of(info: Mapping[str, Any]) -> str:
    """What a file system says of a file's last change (a time or a tag), "" where it says nothing."""
    for key in ("mtime", "LastModified", "last_modified", "created", "ETag", "Last-Modified"):
        value = info.get(key)
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value, UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        if value:
            return str(value)
    return ""


def _listed(uri: str, place: _Place, storage_options: Mapping[str, Any] | None) -> Iterator[InputFile]:
    entries = list(dict.fromkeys(_entries(place)))
    if not entries:
        raise InputError(f"{uri}: an empty list; it must name a file or URI a line")
    base: str | None = None
    for entry in entries:
        if base is None and not _is_absolute(entry):
            base = _base_of(place, entry)
        target = entry if _is_absolute(entry) else place.uri(f"{base}{entry}")
        there = _Place.of(target, storage_options)
        info = there.info(there.path)
        file = _file(there, there.path, info, entry) if info is not None else None
        yield file or InputFile(there.uri(there.path), "missing", 0, "", entry)


def _entries(place: _Place) -> Iterator[str]:
    try:
        with place.system.open(place.path, "rb") as stream:
            for line in gzip.GzipFile(fileobj=stream) if place.path.lower().endswith(".gz") else stream:
                entry = line.decode("utf-8").strip()
                if entry and not entry.startswith("#"):
                    yield entry
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise unreadable(place.uri(place.path), error) from error


def _is_absolute(entry: str) -> bool:
    return "://" in entry or entry.startswith("/")


def _base_of(place: _Place, entry: str) -> str:
    """What the entries of a list start from: its folder, or the one that holds their first part (Common Crawl)."""
    folder = place.path[: place.path.rfind("/") + 1]
    if place.info(folder + entry) is not None:
        return folder
    parts = folder.rstrip("/").split("/")
    first = entry.split("/", 1)[0]
    if first in parts:
        return "/".join([*parts[: parts.index(first)], ""])
    return folder
