"""Which exports of a release were made, where, and whether their files are still what was written.

An export is files with a manifest beside them (`stages/export.py` writes both); the lake keeps a note of each one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spark_jobs.lake import storage
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.records import canonical_json, sha256_of

MANIFEST = "_manifest.json"


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export as it was made: where, in which format, and the SHA-256 of its manifest."""

    release: str
    out: str
    format: str
    manifest_sha256: str


def note_export(home: str, release: str, out: str, fmt: str) -> Export:
    """Keep a note of an export that was just written; a later one to the same place replaces it."""
    digest = storage.sha256(storage.join(out, MANIFEST))
    export = Export(release=release, out=out, format=fmt, manifest_sha256=digest)
    name = f"{sha256_of(out)[:16]}.json"
    storage.write_text(storage.join(_folder(home, release), name), canonical_json(asdict(export)))
    return export


def exports_of(home: str, release: str) -> tuple[Export, ...]:
    """The exports of a release that the lake knows of."""
    folder = _folder(home, release)
    read = (json.loads(storage.read_text(storage.join(folder, name))) for name in storage.names(folder))
    return tuple(sorted((Export(**values) for values in read), key=lambda export: export.out))


def check_export(out: str, noted: Export | None, *, publication: str) -> list[Mismatch]:
    """The manifest against the note and the release, and every file against the manifest."""
    place = storage.join(out, MANIFEST)
    if not storage.exists(place):
        return [Mismatch(check="export", expected="a manifest", found="no such file", file=place)]
    wrong = []
    if noted is not None and (found := storage.sha256(place)) != noted.manifest_sha256:
        wrong.append(Mismatch(check="export", expected=f"sha256 {noted.manifest_sha256}", found=found, file=place))
    try:
        manifest: Mapping[str, Any] = json.loads(storage.read_text(place))
        files = {str(entry["name"]): entry for entry in manifest["files"]}
    except (ValueError, KeyError, TypeError):
        return [*wrong, Mismatch(check="export", expected="a manifest", found="not the JSON of one", file=place)]
    of = (manifest.get("release") or {}).get("publication")
    if of != publication:
        wrong.append(Mismatch(check="export", expected=f"publication {publication}", found=str(of), file=place))
    return wrong + _files(out, files)


def _files(out: str, files: Mapping[str, Mapping[str, Any]]) -> list[Mismatch]:
    there = storage.sizes(out)
    wrong = []
    for name, entry in sorted(files.items()):
        file = storage.join(out, name)
        if name not in there:
            wrong.append(Mismatch(check="export", expected=f"{entry['bytes']} bytes", found="no such file", file=file))
        elif (found := storage.sha256(file)) != entry["sha256"]:
            wrong.append(Mismatch(check="export", expected=f"sha256 {entry['sha256']}", found=found, file=file))
    wrong += [
        Mismatch(check="export", expected="no such file", found="a file that the manifest does not name",
                 file=storage.join(out, name))
        for name in sorted(there.keys() - files.keys() - {MANIFEST}) if not _beside(name)
    ]  # fmt: skip
    return wrong


def _beside(name: str) -> bool:
    """What file systems and people put beside data, which no reader takes for it."""
    return name.rsplit("/", 1)[-1].startswith((".", "_")) or name.endswith((".md", ".json"))


def _folder(home: str, release: str) -> str:
    return storage.join(home, "releases", release, "exports")
