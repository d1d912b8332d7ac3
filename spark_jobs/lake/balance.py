"""Counts that balance: from the document records in the files to the documents of a release, every loss by its reason.

From the publication records; what was unreadable is looked up, and only where something is. In each step what went in
is what came out and what was lost. A document with several reasons counts for the first. Where the rows that knew the
reasons are gone, the numbers still stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError, TakenDownError
from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication

_ORIGINAL = "original"
_NO_CAUSE = "unreadable: cause not known any more"
_NO_REASON = "not in the release: reason not known any more"


@dataclass(frozen=True)
class Step:
    """One step of one partition: documents that went in and came out, and the lost ones by reason.

    `may_miss` are rows that a takedown took since the audit: the record does not say of which fate.
    """

    table: str
    partition: str
    given: int
    lost: Mapping[str, int]
    left: int
    may_miss: int = 0

    @property
    def missing(self) -> int:
        """What nothing accounts for."""
        return self.given - self.left - sum(self.lost.values())

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        holds = 0 <= self.missing <= self.may_miss
        lost = dict(self.lost)
        if holds and self.missing:
            lost["taken down"] = self.missing
        return {
            "table": self.table, "partition": self.partition, "in": self.given, "lost": lost, "out": self.left,
            "balanced": holds,
        }  # fmt: skip


def balance(
    lake: Lake, mixed: Publication, pinned: Sequence[Publication], records: Mapping[str, int], *,
    contents: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """The steps of every snapshot and of the release, and their totals. `records`: documents in a snapshot's files.

    `contents` are those of the release's manifest. `incomplete` says what cannot be told, as its rows are gone.
    """
    by_table = {(p.table, p.partition): p for p in pinned}
    snapshots = sorted({p.partition for p in pinned if p.table == "raw"})
    lost_in_reading, incomplete = _unreadable(lake, [by_table["raw", name] for name in snapshots], records)
    steps: list[Step] = []
    for snapshot in snapshots:
        steps += _of_snapshot(snapshot, by_table, records.get(snapshot, 0), lost_in_reading.get(snapshot, {}))
    kept = [_counts(p)["kept"] for p in pinned if p.table == "deduped"]
    accepted = [_counts(p).get("kept", 0) for p in pinned if p.table == "rewritten"]
    late = sum(step.may_miss for step in steps if step.table == "deduped")
    try:
        decisions = _decisions(lake, mixed, pinned)
    except (NotFoundError, TakenDownError) as gone:
        decisions = _left_of(mixed, contents, sum(kept), sum(accepted))
        incomplete.append(f"why documents are not in the release: {gone}")
    originals, rewrites = _of_release(mixed, decisions, sum(kept), sum(accepted), late)
    told = [step.plain() for step in (*steps, originals, rewrites)]
    rows = ContentDigest.parse(mixed.digest).rows
    documents = {"originals": originals.left, "rewrites": rewrites.left, "documents": rows}
    seen = sum(records.get(name, 0) for name in snapshots)
    lost = sum(sum(step["lost"].values()) for step in told[:-1])
    adds_up = originals.left + rewrites.left == rows and seen - lost == originals.left
    unbalanced = [
        f"{s['table']}/{s['partition']}: {s['in']} in, {s['out']} out, {sum(s['lost'].values())} lost"
        for s in told
        if not s["balanced"]
    ]
    if not adds_up and not unbalanced:  # one step that does not balance spoils the sum as well, and says where
        unbalanced = [f"mixed/{mixed.partition}: {documents}, {seen} records, {lost} lost"]
    return {
        "balanced": not unbalanced,
        "records": seen,
        **documents,
        "lost": _totals(told),
        "steps": told,
        "unbalanced": unbalanced,
        "incomplete": incomplete,
    }


def _of_snapshot(
    snapshot: str, by_table: Mapping[tuple[str, str], Publication], records: int, unreadable: Mapping[str, int]
) -> list[Step]:
    raw = by_table["raw", snapshot]
    steps = [Step("raw", snapshot, records, _with_suppressed(unreadable, raw), _rows(raw), _late(raw))]
    given, late = _rows(raw), 0
    for table in ("cleaned", "scored", "deduped"):
        publication = by_table.get((table, snapshot))
        if publication is None:
            break
        counts = _counts(publication)
        left = int(counts["kept"]) if table != "scored" else _rows(publication)
        lost = _with_suppressed(_dropped(table, counts), publication)
        late += _late(publication)  # what came through this step may be missing in the next one as well
        steps.append(Step(table, snapshot, given, lost, left, late))
        given = left
    return steps


def _dropped(table: str, counts: Mapping[str, Any]) -> dict[str, int]:
    """Rows that a table holds and does not keep, each by one reason."""
    if table == "scored":
        return {}
    # Steps of dedup exclude one another; reasons of filters do not, so the first of each document counts.
    reasons = counts.get("by_first_reason") if table == "cleaned" else counts.get("by_reason")
    dropped = int(counts["dropped"])
    if reasons is None:  # a record that was written before first reasons were counted
        return {"dropped": dropped} if dropped else {}
    return {reason: int(number) for reason, number in reasons.items() if number}


def _of_release(
    mixed: Publication, decisions: Iterable[Mapping[str, Any]], kept: int, accepted: int, late: int
) -> tuple[Step, Step]:
    found: dict[bool, dict[str, int]] = {True: {}, False: {}}
    left = {True: 0, False: 0}
    for row in decisions:
        original, number = row["origin"] == _ORIGINAL, int(row["documents"])
        if row["reason"] is None:
            left[original] += number
        else:
            found[original][row["reason"]] = found[original].get(row["reason"], 0) + number
    late += int(mixed.record.get("suppressed", 0))
    return (
        Step("mixed", _ORIGINAL, kept, found[True], left[True], late),
        Step("mixed", "rewrites", accepted, found[False], left[False], late),
    )


def _decisions(lake: Lake, mixed: Publication, pinned: Sequence[Publication]) -> list[Mapping[str, Any]]:
    """Documents by origin and reason: those of the record, or after a takedown those that are left.

    A document that a takedown made the survivor of its cluster was no candidate when the release was mixed.
    """
    if "takedown" not in mixed.record:
        return list(mixed.record.get("facts", {}).get("decisions", ()))
    lake.refuse_gone([mixed])  # rows of `selection` follow the newest revision
    selection = lake.side("selection", [mixed])
    by = selection.groupBy("origin", F.when(~F.col("kept"), F.col("reason")).alias("reason"))
    found: list[Mapping[str, Any]] = [row.asDict() for row in by.agg(F.count(F.lit(1)).alias("documents")).collect()]
    keys = ["snapshot", "doc_id"]
    # In what a takedown destroyed and did not publish again, nobody was elected either.
    standing = [lake.standing(p) for p in pinned if p.table == "deduped"]
    if not (there := [p for p in standing if p is not None]):
        return found
    survivors = lake.read(there).where("kept").select(*keys)
    candidates = selection.where(F.col("origin") == _ORIGINAL).select(*keys)
    if later := survivors.join(candidates, keys, "left_anti").count():
        found.append({"origin": _ORIGINAL, "reason": "survivor since a takedown", "documents": later})
    return found


def _left_of(
    mixed: Publication, contents: Iterable[Mapping[str, Any]], kept: int, accepted: int
) -> list[Mapping[str, Any]]:
    """What is in the release by origin, from its manifest, in the place of decisions that are gone."""
    rewrites = sum(int(row["documents"]) for row in contents if row["origin"] != _ORIGINAL)
    told = ((_ORIGINAL, kept, _rows(mixed) - rewrites), ("rewrite", accepted, rewrites))
    return [
        {"origin": origin, "reason": reason, "documents": number}
        for origin, given, left in told for reason, number in ((None, left), (_NO_REASON, given - left)) if number
    ]  # fmt: skip


def _unreadable(
    lake: Lake, raw: Sequence[Publication], records: Mapping[str, int]
) -> tuple[dict[str, dict[str, int]], list[str]]:
    """By snapshot and cause the document records that no row was made of; asked for only where some are missing.

    And what cannot be told of them.
    """
    lost = {p.id: records.get(p.partition, 0) - _rows(p) - int(p.record.get("suppressed", 0)) for p in raw}
    short = [p for p in raw if lost[p.id]]
    if not short:
        return {}, []
    gone = [p for p in short if p.id in lake.vacuumed("raw")]
    found: dict[str, dict[str, int]] = {p.partition: {_NO_CAUSE: lost[p.id]} for p in gone if lost[p.id] > 0}
    told = [f"why records of raw/{p.partition} could not be read: a vacuum removed the rows of version {p.version}"
            for p in gone]  # fmt: skip
    there = [p for p in short if p not in gone]
    if there:
        errors = lake.side("read_errors", there).where("is_document")
        for row in errors.groupBy("snapshot", "cause").agg(F.count(F.lit(1)).alias("documents")).collect():
            found.setdefault(row["snapshot"], {})[f"unreadable: {row['cause']}"] = int(row["documents"])
    return found, told


def _with_suppressed(lost: Mapping[str, int], publication: Publication) -> dict[str, int]:
    # What the candidate already lacked; what went later is part of the rows that the record counts.
    early = int(_counts(publication).get("suppressed", 0))
    return {**lost, **({"taken down before": early} if early else {})}


def _late(publication: Publication) -> int:
    """Rows that a suppression took after the counts were made."""
    return max(0, int(publication.record.get("suppressed", 0)) - int(_counts(publication).get("suppressed", 0)))


def _rows(publication: Publication) -> int:
    return ContentDigest.parse(publication.digest).rows


def _counts(publication: Publication) -> Mapping[str, Any]:
    counts: Mapping[str, Any] = publication.record.get("counts", {})
    return counts


def _totals(steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Losses over all snapshots, in the order of the flow, most documents first."""
    order: dict[str, dict[str, int]] = {}
    for step in steps:
        place = step["table"] if step["partition"] != "rewrites" else "rewrites"
        merged = order.setdefault(place, {})
        for reason, number in step["lost"].items():
            merged[reason] = merged.get(reason, 0) + number
    return [
        {"table": table, "reason": reason, "documents": number}
        for table, lost in order.items()
        for reason, number in sorted(lost.items(), key=lambda entry: (-entry[1], entry[0]))
    ]
