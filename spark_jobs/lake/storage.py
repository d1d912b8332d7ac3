"""Files beside the tables (candidates, long records), on any file system that fsspec knows. No Delta here."""

import fsspec
from fsspec.core import url_to_fs


def join(base: str, *parts: str) -> str:
    """A location below another, for paths and URIs alike."""
    return "/".join([base.rstrip("/"), *parts])


def exists(location: str) -> bool:
    """Whether a file or folder is there."""
    system, path = url_to_fs(location)
    return bool(system.exists(path))


def remove(location: str) -> None:
    """Delete a file or folder with all it holds; nothing happens when it is absent."""
    system, path = url_to_fs(location)
    if system.exists(path):
        system.rm(path, recursive=True)


def names(location: str) -> tuple[str, ...]:
    """Names directly below a folder, sorted; empty when it is absent."""
    system, path = url_to_fs(location)
    system.invalidate_cache(path)  # object stores remember listings
    if not system.exists(path):
        return ()
    return tuple(sorted(str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in system.ls(path, detail=False)))


def write_text(location: str, text: str) -> None:
    """Write a small UTF-8 file, making its folder."""
    system, path = url_to_fs(location)
    system.makedirs(path.rpartition("/")[0], exist_ok=True)
    with fsspec.open(location, "w", encoding="utf-8") as file:
        file.write(text)


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
