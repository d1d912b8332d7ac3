"""Verification of a release: its pins, records, files, bytes, rows and counts, back to the registry; models; exports.

What was published is known from the commits; whether it is still there is seen in the data pages. Nothing is written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.lake import commits, models, storage
from spark_jobs.lake.ancestors import pins, with_ancestors
from spark_jobs.lake.check_content import check_publication
from spark_jobs.lake.exports import check_export, exports_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch, mismatch
from spark_jobs.lake.receipts import Successor, successors
from spark_jobs.lake.records import Publication, canonical_json
from spark_jobs.lake.releases import Release

_PINNED = ("table", "partition", "version", "digest")


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
    if head is None:
        found.mismatches.append(_lost(release))
        return found
    ancestors = with_ancestors(lake, [head])
    found.mismatches += [*_logs(lake, ancestors), *_manifest(release, head), *_pins(lake, head)]
    _ledger(lake, ancestors, found)
    unsealed = 0
    taken = successors(lake.home)
    standing = [_standing(lake, ancestor, taken, found) for ancestor in ancestors]
    for publication in {(p.table, p.id): p for p in standing}.values():
        say(f"{publication.table}/{publication.partition} version {publication.version}")
        checked = check_publication(lake, publication)
        found.publications += 1
        found.files += checked.files
        found.bytes += checked.bytes
        found.rows += checked.rows
        found.mismatches += checked.mismatches
        unsealed += checked.unsealed
    if unsealed:
        found.notes.append(f"{unsealed} files were published without a digest of their bytes: only their rows count")
    _models(lake, ancestors, found)
    _exports(lake, release, exported_to, found)
    return found


def _lost(release: Release) -> Mismatch:
    return Mismatch(
        check="publication", expected=release.publication, found="not among the commits", table="mixed",
        partition=release.name,
    )  # fmt: skip


def _logs(lake: Lake, publications: Sequence[Publication]) -> list[Mismatch]:
    wrong = []
    for table in sorted({p.table for p in publications}):
        there = set(commits.versions(lake.location(table)))
        gaps = sorted(set(range(max(there) + 1)) - there)
        wrong += [
            Mismatch(check="log", expected=f"commit {version}", found="no such file", table=table, version=version)
            for version in gaps
        ]
    return wrong


def _standing(lake: Lake, publication: Publication, taken: Mapping[str, Successor], found: Verification) -> Publication:
    """The publication, or where takedowns destroyed files of it, the one they left, if its digest follows from it.

    Where it does not, the publication itself is looked at, and its missing files are mismatches.
    """
    standing = publication
    while (left := taken.get(standing.id)) is not None:
        there = next((p for p in lake.history(standing.table) if p.id == left.publication), None)
        told = (str(left.before), str(left.after))
        if there is None or not left.holds or told != (standing.digest, there.digest):
            wanted = f"{standing.digest}, and from it {left.after if there is None else there.digest}"
            found.mismatches.append(mismatch(standing, f"digests in {left.receipt}", wanted, ", then ".join(told)))
            return publication
        found.notes.append(
            f"{standing.table}/{standing.partition} version {standing.version}: {left.receipt} took documents out; "
            f"version {there.version}, the rest of it by the digests, was checked instead"
        )
        standing = there
    return standing


def _manifest(release: Release, head: Publication) -> list[Mismatch]:
    manifest = release.manifest
    wanted = {"digest": head.digest, "publication": head.id, "fingerprint": head.fingerprint}
    wrong = [
        mismatch(head, f"{key} in the manifest", value, manifest.get(key))
        for key, value in wanted.items() if manifest.get(key) != value
    ]  # fmt: skip
    named = {(p["table"], p["partition"]): p["publication"] for p in manifest.get("ancestors", ())}
    pinned = {(p["table"], p["partition"]): p["publication"] for p in head.inputs}
    wrong += [
        mismatch(head, f"{table}/{partition} in the manifest", pinned.get((table, partition)), named.get(
            (table, partition)))
        for table, partition in sorted(named.keys() | pinned.keys())
        if named.get((table, partition)) != pinned.get((table, partition))
    ]  # fmt: skip
    return wrong


def _pins(lake: Lake, head: Publication) -> list[Mismatch]:
    wrong = []
    for pin in pins(lake, [head]):
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
    rows = lake.at("publications").where(F.col("table").isin(tables)).select("table", "version", "record").collect()
    held = {(row["table"], row["version"]): row["record"] for row in rows}
    missing = [p for p in publications if (p.table, p.version) not in held]
    if missing:
        found.notes.append(f"the ledger lacks {len(missing)} of these publications; the next run adds them")
    for p in publications:
        if held.get((p.table, p.version), wanted := canonical_json(p.record)) != wanted:
            found.mismatches.append(mismatch(p, "record in the ledger", "that of the commit", "another one"))


def _models(lake: Lake, publications: Sequence[Publication], found: Verification) -> None:
    used = {o.get("artefact") for p in publications for o in p.record.get("operators", ())}
    for digest in sorted({m.digest for m in models.stored(lake)} & used):
        location = storage.join(lake.home, "models", digest)
        held = storage.sha256(location) if storage.exists(location) else "no such file"
        found.models += 1
        if held != digest:
            found.mismatches.append(
                Mismatch(check="model", expected=f"sha256 {digest}", found=held, file=f"models/{digest}")
            )


def _exports(lake: Lake, release: Release, exported_to: Sequence[str], found: Verification) -> None:
    known = {export.out: export for export in exports_of(lake.home, release.name)}
    for out in dict.fromkeys([*known, *exported_to]):
        noted = known.get(out)
        if noted is not None and out not in exported_to and not storage.exists(out):
            found.notes.append(f"the export at {out} is not there any more; where it is now, --export DIR checks it")
            continue
        found.exports.append(out)
        found.mismatches += check_export(out, noted, publication=release.publication)
