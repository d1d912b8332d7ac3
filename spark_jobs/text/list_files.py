"""List files as their entries: one a line, as a hosts file, or as a folder of UT1, packed or not; known by SHA-256.

A file may be packed with gzip. UT1 (squidGuard) means a folder or a .tar.gz that holds a file `domains` and a file
`urls` for each of its categories. Comments begin with "#" at the start of a line or after white space.
"""

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from spark_jobs.errors import RecipeError
from spark_jobs.text.byte_spans import Bounds, Bytes, ByteSpans
from spark_jobs.text.native import kernel

Layout = Literal["plain", "hosts", "ut1"]
_GZIP = b"\x1f\x8b"
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_MARK = b"\xef\xbb\xbf"

State = tuple[tuple[str, int, int], ...]


def digest_of(path: str, layout: Layout, part: str) -> str:
    """Hex SHA-256 of a list: of its file, or for a folder of the lines that `sha256sum` prints of its files, in order.

    `part` is the file of a UT1 folder that is meant, `domains` or `urls`. RecipeError if there is nothing to read.
    """
    return _digest_once(path, layout, part, _state(path, layout, part))


def require_digest(path: str, found: str, pinned: str) -> None:
    """RecipeError if a list is not the one that is pinned."""
    if found != pinned:
        raise RecipeError(
            f"list {path} has SHA-256 {found}, the recipe pins {pinned}; put the pinned list back, or pin anew"
        )


def entries_of(path: str, layout: Layout, part: str, pinned: str | None) -> ByteSpans:
    """Entries of the list; RecipeError if it has not the pinned digest (any more)."""
    contents = list(_contents(path, layout, part))
    found = _digest(path, contents)
    require_digest(path, found, pinned or found)
    return ByteSpans.joined([split_entries(data, layout) for data in _unpacked(path, layout, part, contents)])


def split_entries(data: bytes, layout: Layout) -> ByteSpans:
    """Entries of one unpacked file: of a hosts file ("0.0.0.0 a.example b.example") all names after the address."""
    content = np.frombuffer(data.removeprefix(_MARK), dtype=np.uint8)
    starts, ends = _split(content, int(layout == "hosts"))
    return ByteSpans(content, starts, ends)


def folder_digest(files: list[tuple[str, str]]) -> str:
    """Hex SHA-256 of `digest  name` lines, sorted by name: what sha256sum prints of the files, run in their folder."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _state(path: str, layout: Layout, part: str) -> State:
    """What moves when a list does: names, times and sizes of its files."""
    try:
        states = [(name, file.stat()) for name, file in _files(path, layout, part)]
    except OSError as error:
        raise _unreadable(path, error) from None
    return tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)


@lru_cache(maxsize=256)
def _digest_once(path: str, layout: Layout, part: str, _state: State) -> str:
    return _digest(path, list(_contents(path, layout, part)))


def _files(path: str, layout: Layout, part: str) -> list[tuple[str, Path]]:
    root = Path(path)
    if not root.is_dir():
        return [("", root)]
    if layout != "ut1":
        raise RecipeError(f"list {path} is a folder; name one of its files, or say `format: ut1` for a folder of UT1")
    found = sorted(file for name in (part, f"{part}.gz") for file in root.rglob(name) if file.is_file())
    if not found:
        raise RecipeError(f"list {path} has no file {part!r} in it; name a folder of UT1 that has one")
    return [(file.relative_to(root).as_posix(), file) for file in found]


def _contents(path: str, layout: Layout, part: str) -> Iterator[tuple[str, bytes]]:
    try:
        for name, file in _files(path, layout, part):
            yield name, file.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _digest(path: str, contents: list[tuple[str, bytes]]) -> str:
    digests = [(name, hashlib.sha256(data).hexdigest()) for name, data in contents]
    return folder_digest(digests) if Path(path).is_dir() else digests[0][1]


def _unpacked(path: str, layout: Layout, part: str, contents: list[tuple[str, bytes]]) -> Iterator[bytes]:
    try:
        for _, packed in contents:
            data = gzip.decompress(packed) if packed.startswith(_GZIP) else packed
            if not data.startswith(_TAR_MAGIC, _TAR_MAGIC_AT):
                yield data
            elif layout == "ut1":
                yield from _members(path, part, data)
            else:
                raise RecipeError(f"list {path} is an archive; say `format: ut1`, or unpack it and name one file")
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise _unreadable(path, error) from None


def _members(path: str, part: str, data: bytes) -> Iterator[bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [member for member in archive if member.isfile() and Path(member.name).name == part]
        if not members:
            raise RecipeError(f"list {path} has no file {part!r} in it; name an archive of UT1 that has one")
        for member in members:
            file = archive.extractfile(member)
            if file is not None:
                yield file.read()


def _unreadable(path: str, error: Exception) -> RecipeError:
    return RecipeError(f"cannot read the list {path} ({type(error).__name__}); mend the path or the file")


@kernel
def _space(byte: int) -> bool:
    return byte == 0x20 or (byte >= 9 and byte <= 13)


@kernel
def _line_end(data: Bytes, start: int) -> tuple[int, int]:
    """Where the line that starts here ends without its comment, and where the next one starts."""
    stop = -1
    i = start
    while i < len(data) and data[i] != 10 and data[i] != 13:
        if data[i] == 0x23 and stop < 0 and (i == start or _space(data[i - 1])):
            stop = i
        i += 1
    return (i if stop < 0 else stop), i + 1


@kernel
def _split(data: Bytes, names: int) -> tuple[Bounds, Bounds]:
    """Trimmed lines; with `names` the fields of a line, without the first where there are several."""
    lines = 1
    for byte in data:
        lines += byte in (10, 13) or (names != 0 and _space(byte))
    starts = np.empty(lines, dtype=np.int64)
    ends = np.empty(lines, dtype=np.int64)
    count = 0
    after = 0
    while after < len(data):
        i = after
        end, after = _line_end(data, i)
        while end > i and _space(data[end - 1]):
            end -= 1
        first = True
        while i < end:
            while _space(data[i]):
                i += 1
            start = i
            i = end
            if names != 0:
                i = start
                while i < end and not _space(data[i]):
                    i += 1
            if names == 0 or not first or i == end:
                starts[count] = start
                ends[count] = i
                count += 1
            first = False
    return starts[:count].copy(), ends[:count].copy()
