"""Which exports of a release were made, where, and whether their files are still what was written.

An export is files with a manifest beside them (`stages/export.py` writes both); the lake keeps a note of each one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spark_jobs.lake import storage
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.records import canonical_json, sha256_of
from spark_jobs.lake.releases import Release

MANIFEST = "_manifest.json"
_COUNTED = (("copies", "tokens"), ("documents", "unique_tokens"))  # in the totals of a release


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export as it was made: where, in which format, and the SHA-256 of its manifest.

    `earlier` are those of the manifests that were written to the same place before: they may lie elsewhere by now.
    """

    release: str
    out: str
    format: str
    manifest_sha256: str
    earlier: tuple[str, ...] = ()


def note_export(home: str, release: str, out: str, fmt: str) -> Export:
    """Keep a note of an export that was just written; a later one to the same place takes over its note."""
    digest = storage.sha256(storage.join(out, MANIFEST))
    before = [export for export in exports_of(home, release) if export.out == out]
    digests = dict.fromkeys(one for export in before for one in (*export.earlier, export.manifest_sha256))
    export = Export(
        release=release, out=out, format=fmt, manifest_sha256=digest,
        earlier=tuple(one for one in digests if one != digest),
    )  # fmt: skip
    name = f"{sha256_of(out)[:16]}.json"
    storage.write_text(storage.join(_folder(home, release), name), canonical_json(asdict(export)))
    return export


def exports_of(home: str, release: str) -> tuple[Export, ...]:
    """The exports of a release that the lake knows of."""
    folder = _folder(home, release)
    read = (json.loads(storage.read_text(storage.join(folder, name))) for name in storage.names(folder))
    found = (Export(**{**values, "earlier": tuple(values.get("earlier", ()))}) for values in read)
    return tuple(sorted(found, key=lambda export: export.out))


def check_export(out: str, noted: Sequence[Export], release: Release) -> list[Mismatch]:
    """The manifest against the release and what was noted of its exports, and every file against the manifest.

    Where something was noted of this place the manifest must be that one, anywhere else one of those that were noted;
    where nothing was noted at all only the release tells.
    """
    place = storage.join(out, MANIFEST)
    if not storage.exists(place):
        return [_wrong(place, "a manifest", "no such file")]
    wrong = _as_noted(out, place, noted)
    try:
        manifest = _Manifest.read(place)
    except (ValueError, KeyError, TypeError):
        return [*wrong, _wrong(place, "a manifest", "not the JSON of one")]
    return [*wrong, *_of_release(place, manifest, release), *_files(out, manifest.files)]


def _wrong(file: str, expected: str, found: str) -> Mismatch:
    return Mismatch(check="export", expected=expected, found=found, file=file)


def _as_noted(out: str, place: str, noted: Sequence[Export]) -> list[Mismatch]:
    found = storage.sha256(place)
    here = [export.manifest_sha256 for export in noted if export.out == out]
    if here:
        return [_wrong(place, f"sha256 {wanted}", found) for wanted in here if wanted != found]
    if not noted or any(found in (export.manifest_sha256, *export.earlier) for export in noted):
        return []
    return [_wrong(place, "the manifest of an export of this release", f"{found}, with which no export was noted")]


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """What an export says of itself. `files` are those that it must hold, the card among them, by name."""

    release: Mapping[str, Any]
    documents: int
    tokens: int
    summed: tuple[int, int]
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, place: str) -> "_Manifest":
        """Raises ValueError, KeyError or TypeError for what is no manifest."""
        body = json.loads(storage.read_text(place))
        data, card = body["files"], body.get("card")
        named = [*data, *([] if card is None else [card])]
        return cls(
            release=dict(body.get("release") or {}), documents=int(body["documents"]), tokens=int(body["tokens"]),
            summed=(sum(int(file["documents"]) for file in data), sum(int(file["tokens"]) for file in data)),
            files={str(file["name"]): {"bytes": file["bytes"], "sha256": file["sha256"]} for file in named},
        )  # fmt: skip


def _of_release(place: str, manifest: _Manifest, release: Release) -> list[Mismatch]:
    """The manifest against that of the release; of another release nothing more is compared."""
    if (of := manifest.release.get("publication")) != release.publication:
        return [_wrong(place, f"publication {release.publication}", str(of))]
    said = {key for key in {*manifest.release, *release.manifest}
            if manifest.release.get(key) != release.manifest.get(key)}  # fmt: skip
    wrong = [_wrong(place, "the manifest of the release", f"another {key}") for key in sorted(said)]
    counts, totals = (manifest.documents, manifest.tokens), release.manifest.get("totals", {})
    # Copies are written one by one, or told by a column.
    expanded, once = (tuple(totals.get(name) for name in names) for names in _COUNTED)
    if counts not in (expanded, once):
        wanted = _told(expanded) if expanded == once else f"{_told(expanded)}, or without copies {_told(once)}"
        wrong.append(_wrong(place, wanted, _told(counts)))
    if counts != manifest.summed:
        wrong.append(_wrong(place, f"{_told(counts)} in its files", _told(manifest.summed)))
    return wrong


def _told(counts: Sequence[object]) -> str:
    documents, tokens = counts
    return f"{documents} documents with {tokens} tokens"


def _files(out: str, files: Mapping[str, Mapping[str, Any]]) -> list[Mismatch]:
    there = storage.sizes(out)
    wrong = []
    for name, entry in sorted(files.items()):
        file = storage.join(out, name)
        if name not in there:
            wrong.append(_wrong(file, f"{entry['bytes']} bytes", "no such file"))
        elif (found := storage.sha256(file)) != entry["sha256"]:
            wrong.append(_wrong(file, f"sha256 {entry['sha256']}", found))
    foreign = sorted(name for name in there.keys() - files.keys() - {MANIFEST} if not _beside(name))
    return wrong + [
        _wrong(storage.join(out, name), "no such file", "a file that the manifest does not name") for name in foreign
    ]


def _beside(name: str) -> bool:
    """What file systems and people put beside data, which no reader takes for it."""
    return name.rsplit("/", 1)[-1].startswith((".", "_")) or name.endswith((".md", ".json"))


def _folder(home: str, release: str) -> str:
    return storage.join(home, "releases", release, "exports")
