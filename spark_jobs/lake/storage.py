"""Files beside the tables (candidates, long records), on any file system that fsspec knows. No Delta here."""

import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path

import fsspec
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

_BLOCK = 1 << 20
_REMOVALS = 5


def join(base: str, *parts: str) -> str:
    """A location below another, for paths and URIs alike."""
    return "/".join([base.rstrip("/"), *parts])


def exists(location: str) -> bool:
    """Whether a file or folder is there."""
    system, path = url_to_fs(location)
    return bool(system.exists(path))


def remove(location: str) -> None:
    """Delete a file or folder with all it holds; nothing happens when it is absent, or goes away meanwhile."""
    system, path = url_to_fs(location)
    for attempt in range(_REMOVALS):
        if not system.exists(path):
            return
        try:
            system.rm(path, recursive=True)
        except FileNotFoundError:  # another program that removes the same was here first; again, for what is left
            if attempt == _REMOVALS - 1:
                raise


def names(location: str) -> tuple[str, ...]:
    """Names directly below a folder, sorted; empty when it is absent."""
    system, path = url_to_fs(location)
    system.invalidate_cache(path)  # object stores remember listings
    if not system.exists(path):
        return ()
    return tuple(sorted(str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in system.ls(path, detail=False)))


def sizes(location: str) -> Mapping[str, int]:
    """Bytes of every file below a folder, by its path relative to it; empty when it is absent."""
    system, path = url_to_fs(location)
    system.invalidate_cache(path)
    if not system.exists(path):
        return {}
    base = path.rstrip("/") + "/"
    found = system.find(path, detail=True)
    return {str(name).removeprefix(base): int(info["size"]) for name, info in sorted(found.items())}


def sha256(location: str) -> str:
    """Hex SHA-256 of a file's bytes, read as a stream."""
    digest = hashlib.sha256()
    with fsspec.open(location, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def changed_at(location: str) -> float:
    """When a file was last written, in seconds since 1970 by the clock of its storage."""
    system, path = url_to_fs(location)
    return float(system.modified(path).timestamp())


def write_text(location: str, text: str) -> None:
    """Write a small UTF-8 file, making its folder. Whole or not at all: object stores do so by themselves."""
    system, path = url_to_fs(location)
    system.makedirs(path.rpartition("/")[0], exist_ok=True)
    if not isinstance(system, LocalFileSystem):
        with fsspec.open(location, "w", encoding="utf-8") as file:
            file.write(text)
        return
    beside = Path(f"{path}.{uuid.uuid4().hex}.tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def replace_text(location: str, text: str) -> None:
    """Write a small UTF-8 file so that readers find the old or the new text, never a part of one."""
    system, path = url_to_fs(location)
    write_text(f"{location}.new", text)
    system.mv(f"{path}.new", path)


def below(location: str) -> tuple[str, ...]:
    """All files below a folder, as paths relative to it, sorted; empty when it is absent."""
    system, path = url_to_fs(location)
    system.invalidate_cache(path)  # object stores remember listings
    if not system.exists(path):
        return ()
    root = path.rstrip("/") + "/"
    return tuple(sorted(str(name).removeprefix(root) for name in system.find(path)))


def size(location: str) -> int:
    """Bytes of a file."""
    system, path = url_to_fs(location)
    return int(system.size(path))


def read_text(location: str) -> str:
    """Read a small UTF-8 file."""
    with fsspec.open(location, "r", encoding="utf-8") as file:
        return str(file.read())
