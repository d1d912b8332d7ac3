"""Exports, to a takedown: those below HOME go where they hold a document; of the others only notes are known.

An export is known by the manifest beside its files, by the folder that one which was killed left, or by its place below
`releases/`. Other files of a person are never touched.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fsspec.core import url_to_fs

from spark_jobs.lake import storage
from spark_jobs.lake.exports import MANIFEST, exports_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.takedown_beside import DATA, HOLDING, Judged, Wanted, judge, judged

_RELEASES = "releases"
# Rooms of HOME that the program alone writes; none has exports.
_OWN = frozenset({
    "tables", "candidates", "reports", "takedowns", "models", "records", "recipes", "dagster", "scratch",
})  # fmt: skip
_WRITING = "_writing"  # what an export has while it is written
_NAMED = re.compile(r"-\d{5}-of-\d{5}\.(parquet|jsonl\.gz)$")
_NOTE = re.compile(r"[0-9a-f]{16}\.json")
_TOLD = ("manifest.json", "README.md")  # beside the exports of a release: what it is, written again for a revision


def exports_with(lake: Lake, wanted: Wanted) -> Judged:
    """Folders of exports, or lone files below `releases/`, below HOME that hold such rows; as paths below HOME."""
    files = list(_files(lake))
    folders = _folders(lake, files)
    return judged(
        ((goes, storage.join(lake.home, name)) for name in files if (goes := _of_export(name, folders)) is not None),
        wanted,
    )


def like_exports(lake: Lake, wanted: Wanted) -> list[str]:
    """Files below HOME that are named as an export's and hold such rows, where nothing else says that they are one."""
    files = list(_files(lake))
    folders = _folders(lake, files)
    left = (name for name in files if _of_export(name, folders) is None and _NAMED.search(name))
    return [name for name in left if judge(storage.join(lake.home, name), wanted) == HOLDING]


def _files(lake: Lake) -> Iterator[str]:
    """Files below HOME that may be part of an export, as paths below it."""
    rooms = {name for name in storage.names(lake.home) if name not in _OWN and not name.startswith(".")}
    elsewhere = {place for out in _noted(lake) if (place := _below(lake.home, out))}
    seen: set[str] = set()
    for place in sorted(rooms | elsewhere):
        for name in storage.below(storage.join(lake.home, place)):
            path = f"{place}/{name}"
            if path not in seen and path.endswith((*DATA, MANIFEST)):
                seen.add(path)
                yield path


def _folders(lake: Lake, files: Sequence[str]) -> frozenset[str]:
    """Folders of exports: with a manifest, or with what was being written."""
    whole = {name.rpartition("/")[0] for name in files if name.endswith(f"/{MANIFEST}") and _is_ours(lake, name)}
    begun = {name.partition(f"/{_WRITING}/")[0] for name in files if f"/{_WRITING}/" in name}
    return frozenset(whole | begun)


def _is_ours(lake: Lake, manifest: str) -> bool:
    """Whether an export wrote a manifest. Below `releases/` one that cannot be read was cut short."""
    if manifest.startswith(f"{_RELEASES}/"):
        return True
    try:
        said = json.loads(storage.read_text(storage.join(lake.home, manifest)))
    except (ValueError, OSError):
        return False
    return isinstance(said, dict) and {"files", "release", "format"} <= said.keys()


def _of_export(name: str, folders: frozenset[str]) -> str | None:
    """What goes if a file must: the folder of its export, or a lone file below `releases/`; None where it is neither.

    A part of an export is no export: its manifest would speak of files that are gone.
    """
    if not name.endswith(DATA):
        return None
    begun, writing, _ = name.partition(f"/{_WRITING}/")
    folder = begun if writing else name.rpartition("/")[0]
    if folder in folders:
        return folder
    return name if name.startswith(f"{_RELEASES}/") else None


# notes ------------------------------------------------------------------------------------------------------------


def _noted(lake: Lake) -> set[str]:
    """Where the noted exports of all releases lie."""
    names = storage.names(storage.join(lake.home, _RELEASES))
    return {export.out for name in names for export in exports_of(lake.home, name)}


def withdraw(lake: Lake, release: str, withdrawn: str) -> None:
    """Take from a revised release what speaks of the revision before it.

    Notes of exports outside of HOME are kept under the name `withdrawn`; the manifest and the card go. Again: nothing.
    """
    folder = storage.join(lake.home, _RELEASES, release)
    for name in filter(_NOTE.fullmatch, storage.names(storage.join(folder, "exports"))):
        place = storage.join(folder, "exports", name)
        note = json.loads(storage.read_text(place))
        if not _below(lake.home, note["out"]):
            kept = json.dumps({**note, "release": withdrawn}, sort_keys=True)
            storage.write_text(storage.join(lake.home, _RELEASES, withdrawn, "exports", name), kept)
        storage.remove(place)
    for name in _TOLD:
        storage.remove(storage.join(folder, name))


def noted_elsewhere(lake: Lake, releases: Iterable[str]) -> list[dict[str, Any]]:
    """The noted exports of some releases outside of HOME: release, out, format, and whether one is found there now."""
    exports = (export for name in sorted(set(releases)) for export in exports_of(lake.home, name))
    return [
        {"release": one.release, "out": one.out, "format": one.format, "found": _found(one.out)}
        for one in exports if not _below(lake.home, one.out)
    ]  # fmt: skip


def _found(out: str) -> bool:
    try:
        return storage.exists(storage.join(out, MANIFEST))
    except Exception:  # noqa: BLE001 - a storage that does not answer, of any kind: nobody knows
        return False


def _below(home: str, out: str) -> str:
    """Where a place lies below HOME; "" where it does not."""
    root, path = f"{_plain(home)}/", _plain(out)
    return path.removeprefix(root) if path.startswith(root) else ""


def _plain(place: str) -> str:
    """A URI as it is, a local path without links."""
    local = "://" not in place or place.startswith("file:")
    return os.path.realpath(url_to_fs(place)[1]) if local else place.rstrip("/")
