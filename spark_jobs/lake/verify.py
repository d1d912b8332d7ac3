"""Verification of a release: its pins, records, files, bytes, rows and counts, back to the registry; models; exports.

What was published is known from the commits; whether it is still there is seen in the data pages. Nothing is written.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.errors import LakeError, VerificationError
from spark_jobs.lake import models, storage
from spark_jobs.lake.ancestors import Pin, pins, with_ancestors
from spark_jobs.lake.check_content import Checked, check_amendment, check_publication, check_record, check_sealed
from spark_jobs.lake.check_release import check_figures, check_manifest, check_row
from spark_jobs.lake.exports import check_export, exports_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch, mismatch
from spark_jobs.lake.receipts import Destruction, destructions
from spark_jobs.lake.records import Publication, canonical_json
from spark_jobs.lake.releases import Release

_PINNED = ("table", "partition", "version", "digest")
_LEDGER = "publications"
_ALWAYS = ("mixed", "releases", _LEDGER, "models")  # tables that are looked at, whatever is behind a release


@dataclass
class Verification:
    """All that was looked at; the release is what was published if there is no mismatch. Notes are no mismatches."""

    release: str
    publications: int = 0
    files: int = 0
    bytes: int = 0
    rows: int = 0
    models: int = 0
    exports: list[str] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"ok": not self.mismatches, **asdict(self)}


def verify(
    lake: Lake, release: Release, *, exported_to: Sequence[str] = (), say: Callable[[str], None] = lambda _: None
) -> Verification:
    """Check a release. `exported_to` are folders of exports beside those that the lake knows of."""
    lake.refresh()
    found = Verification(release.name)
    head = next((p for p in lake.history("mixed") if p.id == release.publication), None)
    registered = lake.current("releases", release.name)
    heads = [head] if head is not None else _named(lake, release, found)
    ancestors, pinned = with_ancestors(lake, heads), pins(lake, heads)
    found.mismatches += [*_logs(lake, ancestors, pinned), *_pins(pinned)]
    found.mismatches += [] if head is None else check_manifest(release, head)
    if registered is None:
        found.mismatches.append(_lost("releases", release.name, "the row of the release"))
    _publications(lake, release, [*ancestors, *filter(None, [registered])], found, say)
    _models(lake, ancestors, found)
    _exports(lake, release, exported_to, found)
    return found


def _lost(table: str, partition: str, expected: str) -> Mismatch:
    return Mismatch(
        check="publication", expected=expected, found="not among the commits", table=table, partition=partition
    )


def _named(lake: Lake, release: Release, found: Verification) -> list[Publication]:
    """What the manifest says the release was made from: all that tells where its own publication is lost."""
    found.mismatches.append(_lost("mixed", release.name, release.publication))
    heads = []
    for pin in release.manifest.get("ancestors", ()):
        there = next((p for p in lake.history(pin["table"]) if p.id == pin["publication"]), None)
        if there is None:
            found.mismatches.append(_lost(pin["table"], pin["partition"], pin["publication"]))
        else:
            heads.append(there)
    return heads


def _logs(lake: Lake, publications: Sequence[Publication], pinned: Sequence[Pin]) -> list[Mismatch]:
    """Commits that are missing in the log of any table that is looked at."""
    tables = {str(pin.named["table"]) for pin in pinned}
    for publication in publications:
        tables |= {publication.table, *publication.record.get("side", ())}
    return [
        Mismatch(check="log", expected=f"commit {version}", found="no such file", table=table, version=version)
        for table in sorted({*tables, *_ALWAYS}) for version in lake.file_log(table).missing()
    ]  # fmt: skip


def _publications(
    lake: Lake, release: Release, publications: Sequence[Publication], found: Verification, say: Callable[[str], None]
) -> None:
    """Each publication, or what takedowns left of it: record, files, rows; and what the release says of its own."""
    _ledger(lake, publications, found)
    gone = destructions(lake.home)
    standing = {(p.table, p.id): p for p in (_standing(lake, one, found) for one in publications)}
    replaced = [p for p in publications if (p.table, p.id) not in standing]
    found.mismatches += [wrong for p in replaced for wrong in check_record(p)]
    unsealed = 0
    for publication in standing.values():
        say(f"{publication.table}/{publication.partition} version {publication.version}")
        checked = _checked(lake, publication, gone.get(publication.id), found)
        unsealed += checked.unsealed
        if checked.proved and publication.id == release.publication:
            found.mismatches += check_figures(release, publication, lake.read([publication]))
        if checked.proved and publication.table == "releases":
            found.mismatches += check_row(release, publication, lake.read([publication]))
    if unsealed:
        found.notes.append(f"{unsealed} files were published without a digest of their bytes: only their rows count")


def _checked(lake: Lake, publication: Publication, gone: Destruction | None, found: Verification) -> Checked:
    """One publication, and what was found added up."""
    try:
        checked = check_publication(lake, publication, gone)
    except (LakeError, VerificationError) as error:
        checked = check_sealed(lake, publication, gone, why=str(error))
    found.publications += 1
    found.files += checked.files
    found.bytes += checked.bytes
    found.rows += checked.rows
    found.mismatches += checked.mismatches
    if gone is not None:
        found.notes.append(
            f"{publication.table}/{publication.partition} version {publication.version}: {', '.join(gone.receipts)} "
            f"destroyed files of it ({checked.destroyed}), so its rows cannot be proved; its other files "
            f"({checked.files}) were checked by their bytes"
        )
    return checked


def _standing(lake: Lake, publication: Publication, found: Verification) -> Publication:
    """The publication, or where takedowns destroyed files of it, what they left, if its digest follows from it.

    Where it does not, or nothing stands for it, the files that are left of the publication itself are looked at.
    """
    standing = lake.standing(publication)
    chain = [] if standing is None else lake.amendments(publication)
    notes = []
    for before, after in pairwise([publication, *chain]):
        said, name = after.record["takedown"], f"{before.table}/{before.partition} version {before.version}"
        if wrong := [*check_record(after), *check_amendment(before, after)]:
            found.mismatches += wrong
            return publication
        notes.append(
            f"{name}: {said['receipt']} took documents out; version {after.version}, the rest of it by the digests, "
            "was checked instead"
        )
    found.notes += notes
    return publication if standing is None else standing


def _pins(pinned: Sequence[Pin]) -> list[Mismatch]:
    wrong = []
    for pin in pinned:
        place = f"pin {pin.named['table']}/{pin.named['partition']} version {pin.named['version']}"
        if pin.found is None:
            wrong.append(mismatch(pin.of, place, pin.named["publication"], "no such publication"))
            continue
        told = {key: getattr(pin.found, key) for key in _PINNED}
        wrong += [
            mismatch(pin.of, f"{place}, {key}", pin.named[key], told[key])
            for key in _PINNED if key in pin.named and pin.named[key] != told[key]
        ]  # fmt: skip
    return wrong


def _ledger(lake: Lake, publications: Sequence[Publication], found: Verification) -> None:
    """The ledger's rows say what the commits say; what it lacks is only told, as the next run adds it."""
    tables = sorted({p.table for p in publications})
    try:
        rows = lake.rows(_LEDGER, pc.field("table").isin(tables))
    except (LakeError, VerificationError, OSError, pa.ArrowInvalid) as error:
        found.mismatches.append(Mismatch(check="ledger", expected="readable", found=str(error), table=_LEDGER))
        return
    held = {(row["table"], row["version"]): row["record"] for row in rows}
    missing = [p for p in publications if (p.table, p.version) not in held]
    if missing:
        found.notes.append(f"the ledger lacks {len(missing)} of these publications; the next run adds them")
    for p in publications:
        if held.get((p.table, p.version), wanted := canonical_json(p.record)) != wanted:
            found.mismatches.append(mismatch(p, "record in the ledger", "that of the commit", "another one"))


def _models(lake: Lake, publications: Sequence[Publication], found: Verification) -> None:
    used = {o.get("artefact") for p in publications for o in p.record.get("operators", ())}
    try:
        stored = {m.digest for m in models.stored(lake)}
    except (LakeError, VerificationError, OSError, pa.ArrowInvalid) as error:
        found.mismatches.append(Mismatch(check="model", expected="readable", found=str(error), table="models"))
        return
    for digest in sorted(stored & used):
        location = storage.join(lake.home, "models", digest)
        held = storage.sha256(location) if storage.exists(location) else "no such file"
        found.models += 1
        if held != digest:
            found.mismatches.append(
                Mismatch(check="model", expected=f"sha256 {digest}", found=held, file=f"models/{digest}")
            )


def _exports(lake: Lake, release: Release, exported_to: Sequence[str], found: Verification) -> None:
    noted = exports_of(lake.home, release.name)
    known = [export.out for export in noted]
    for out in dict.fromkeys([*known, *exported_to]):
        if out in known and out not in exported_to and not storage.exists(out):
            found.notes.append(f"the export at {out} is not there any more; where it is now, --export DIR checks it")
            continue
        found.exports.append(out)
        found.mismatches += check_export(out, noted, release)
        if not noted:
            found.notes.append(
                f"the lake has no note of any export of {release.name}: the export at {out} was checked by its own "
                "manifest and by that of the release"
            )
