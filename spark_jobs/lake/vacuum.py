"""Retention: files that no kept release and nothing current needs are removed, after commits that say so.

First the plan, then the commits by which readers are refused, then the files; killed in between, the next vacuum ends
it. Registry, caches, models, ledger and audits are never touched, nor is any record: Delta's own VACUUM knows no pins.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spark_jobs.errors import UsageError
from spark_jobs.lake import quarantine, storage
from spark_jobs.lake.ancestors import with_ancestors
from spark_jobs.lake.file_log import DataFile
from spark_jobs.lake.files import files_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import OWNERS
from spark_jobs.lake.publish import retire
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import RETIRED, Release, register_state, releases
from spark_jobs.lake.tables import FLOW, TABLES

_TABLES = (*FLOW, *OWNERS)
_HOUR = 3600.0


@dataclass(frozen=True)
class Removal:
    """One file that goes, by its place below the lake; `why`: it was replaced, is in no version, or a candidate's."""

    path: str
    bytes: int
    table: str
    why: str


@dataclass
class Plan:
    """What a vacuum does: which releases stay and go, which publications' rows go, and files.

    `rows` are what tables still list of them: releases of `mixed`, ids of publications of side tables.
    """

    keep: tuple[str, ...]
    retire: tuple[Release, ...] = ()
    publications: tuple[Publication, ...] = ()
    rows: dict[str, tuple[str, ...]] = field(default_factory=dict)
    removals: list[Removal] = field(default_factory=list)
    kept_files: int = 0
    kept_bytes: int = 0


def plan(
    lake: Lake, keep: Sequence[Release], *, older_than_hours: float, wanted: str | None = None
) -> Plan:  # fmt: skip
    """What may go when these releases stay.

    The newest release and the current publications of all snapshots stay too, with all that they were made from. What
    no commit pins counts as left over from that age on, since somebody may be writing it. `wanted` is the release that
    the recipe asks for now: a candidate of it stays.
    """
    # Files before commits: what somebody publishes from here on is then in neither.
    listed = {table: lake.file_log(table).files() for table in _TABLES}
    lake.refresh()
    published = [release for release in releases(lake) if release.state == "published"]
    if not published:
        raise UsageError(f"{lake.home}: no release yet; a vacuum keeps what releases need, so build one first")
    staying = {release.name: release for release in (*keep, published[-1])}
    needed = _needed(lake, staying.values())
    ids = {(p.table, p.id) for p in needed}
    kept = {(file.table, file.path): file for p in needed for file in files_of(lake, p)}
    made = Plan(
        keep=tuple(sorted(staying)), retire=tuple(r for r in published if r.name not in staying),
        kept_files=len(kept), kept_bytes=sum(file.bytes for file in kept.values()),
    )  # fmt: skip
    made.publications = tuple(
        p for table in FLOW for p in lake.history(table)
        if (table, p.id) not in ids and p.id not in lake.vacuumed(table)
    )  # fmt: skip
    before = time.time() - older_than_hours * _HOUR
    for table in _TABLES:
        unkept = {file.path: file for file in listed[table] if (table, file.path) not in kept}
        removals = list(_files(lake, table, unkept, before))
        made.removals += removals
        made.rows[table] = _still_listed(table, unkept, removals)
    made.removals += _candidates(lake, before, wanted)
    return made


def _needed(lake: Lake, staying: Iterable[Release]) -> list[Publication]:
    of_releases = {release.publication for release in staying}
    heads = [p for p in lake.history("mixed") if p.id in of_releases]
    heads += [p for table in FLOW if table != "mixed" for p in lake.publications(table).values()]
    pinned = [p for p in with_ancestors(lake, heads) if p.table in FLOW]
    # Where a takedown destroyed files of an ancestor, readers of the release read what it left.
    return list({(p.table, p.id): p for p in (*pinned, *filter(None, map(lake.standing, pinned)))}.values())


def _files(lake: Lake, table: str, unkept: Mapping[str, DataFile], before: float) -> Iterator[Removal]:
    """Files of a table that some version lists and nothing needs; and old ones that belong to no publication."""
    pinned = {p.side_id for p in lake.history(OWNERS[table])} if table in OWNERS else None
    listed = {file.path for file in lake.file_log(table).files()}
    for path, size in storage.sizes(lake.location(table)).items():
        place = f"tables/{table}/{path}"
        file = unkept.get(path)
        if file is not None and (pinned is None or file.publication in pinned):
            yield Removal(place, size, table, "replaced")
        elif _is_data(path) and (file or path not in listed) and _changed(lake, place) < before:
            yield Removal(place, size, table, "leftover")


def _is_data(path: str) -> bool:
    return path.endswith(".parquet") and not path.startswith("_delta_log/")


def _changed(lake: Lake, place: str) -> float:
    return storage.changed_at(storage.join(lake.home, place))


def _still_listed(table: str, unkept: Mapping[str, DataFile], removals: Sequence[Removal]) -> tuple[str, ...]:
    """The partitions, or publications of a side table, whose files go and that the newest version lists."""
    going = {removal.path.removeprefix(f"tables/{table}/") for removal in removals}
    files = [file for path, file in unkept.items() if path in going and file.listed_at(None)]
    values = {file.publication if table in OWNERS else file.partition for file in files}
    return tuple(sorted(value for value in values if value is not None))


def _candidates(lake: Lake, before: float, wanted: str | None) -> Iterator[Removal]:
    """Candidates that can no longer be approved, and what killed runs left."""
    held = {attempt.folder: attempt for attempt in quarantine.attempts(lake)}
    for folder in quarantine.folders(lake):
        attempt = held.get(folder)
        sizes = storage.sizes(storage.join(lake.home, folder))
        if attempt is None and any(_changed(lake, f"{folder}/{name}") >= before for name in sizes):
            continue  # somebody may be writing it
        if attempt is None or quarantine.closed(lake, attempt, wanted=wanted) is not None:
            yield Removal(folder, sum(sizes.values()), folder.split("/")[1], "candidate")


def carry_out(lake: Lake, made: Plan, *, run_id: str) -> None:
    """Do what the plan says. Raises what storage raises; what was not done is in the plan of the next vacuum."""
    for release in made.retire:
        register_state(lake, replace(release, state=RETIRED), run_id=run_id)
    for table in _TABLES:
        ids = [p.id for p in made.publications if p.table == table]
        rows = made.rows.get(table, ())
        if ids or rows:
            column = "publication" if table in OWNERS else str(TABLES[table].scope)
            record = {"kept": list(made.keep), "run_id": run_id, "publications": ids}
            retire(lake, table, record, condition=_among(column, rows) if rows else None)
    for removal in made.removals:
        place = storage.join(lake.home, removal.path)
        folder, _, name = place.rpartition("/")
        storage.remove(place)
        storage.remove(f"{folder}/.{name}.crc")


def _among(column: str, values: Sequence[str]) -> str:
    listed = ", ".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values)
    return f"{column} IN ({listed})"
