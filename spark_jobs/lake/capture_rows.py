"""The rows of some captures in every table, read by key, side by side: small queries, most of whose cost is planning.

Text and bytes of the documents are told by their length, never read out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import OWNERS
from spark_jobs.lake.records import Publication

STAGES = ("raw", "cleaned", "scored", "deduped")
_BODIES = ("payload", "text")
_AT_ONCE = 4
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What was read: rows by publication and document, and of `mixed` and `selection` all that name one of them."""

    publications: Mapping[tuple[str, str], Publication]
    releases: Mapping[str, Publication]
    found: Mapping[tuple[str, str], Mapping[str, Any]]
    rewritten: Sequence[Mapping[str, Any]]
    mixed: Sequence[Mapping[str, Any]]
    selection: Sequence[Mapping[str, Any]]

    def row(self, table: str, snapshot: str, doc_id: str) -> dict[str, Any] | None:
        """The current row of a capture in a table."""
        publication = self.publications.get((table, snapshot))
        return None if publication is None else self.of(publication, doc_id)

    def of(self, publication: Publication, doc_id: str) -> dict[str, Any] | None:
        """The row of a document in a publication."""
        row = self.found.get((publication.id, doc_id))
        return None if row is None else dict(row)

    def rewrites(self, snapshot: str, doc_id: str) -> list[dict[str, Any]]:
        """Attempts to rewrite a document in the order of their samples, each verdict as it was published last."""
        own = (r for r in self.rewritten if (r["parent_snapshot"], r["parent_id"]) == (snapshot, doc_id))
        last = {(row["doc_id"], row["kept"]): row for row in sorted(own, key=lambda row: row["published"]["version"])}
        return [dict(row) for row in sorted(last.values(), key=_place_of_rewrite)]


def published(publication: Publication) -> dict[str, Any]:
    """Which publication something stands in: id, version, time, run and recipe."""
    record = publication.record
    recipe = record.get("recipe") or {}
    return {
        "publication": publication.id,
        "version": publication.version,
        "published_at": str(publication.published_at),
        "run_id": record.get("run_id"),
        "recipe": recipe.get("name"),
        "recipe_fingerprint": recipe.get("fingerprint"),
        "fingerprint": publication.fingerprint,
    }


def _place_of_rewrite(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return -row["published"]["version"], row["strategy"], row["sample"], row["doc_id"]


def rows_of(lake: Lake, captures: Sequence[Key]) -> Rows:
    """The rows of some captures: as they are now, and as the releases pinned them where that is another publication."""
    ids = sorted({doc_id for _snapshot, doc_id in captures})
    snapshots = {snapshot for snapshot, _doc_id in captures}
    current = {
        (table, snapshot): publication
        for table in STAGES
        for snapshot, publication in lake.publications(table).items()
        if snapshot in snapshots
    }
    releases = lake.publications("mixed")
    wanted = [*current.values(), *standing(lake, ("cleaned", "deduped"), releases.values(), snapshots)]
    rewritten = [p for snapshot, p in lake.publications("rewritten").items() if snapshot in snapshots]
    rewritten += standing(lake, ("rewritten",), releases.values(), snapshots)
    of_it = F.col("doc_id").isin(ids) | F.col("parent_id").isin(ids)
    tasks: list[Callable[[], Any]] = [
        *(partial(_by_key, lake, group, ids) for group in _readable(wanted)),
        *(partial(_attempts, lake, group, of_it) for group in _readable(rewritten)),
        lambda: _plain_rows(_mixed(lake, of_it)),
        lambda: _plain_rows(_selection(lake, of_it)),
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        *groups, mixed, selection = pool.map(lambda task: task(), tasks)
    return Rows(
        publications=current, releases=releases, mixed=mixed, selection=selection,
        found={key: row for group in groups if isinstance(group, dict) for key, row in group.items()},
        rewritten=[row for group in groups if isinstance(group, list) for row in group],
    )  # fmt: skip


def standing(
    lake: Lake, tables: Sequence[str], releases: Iterable[Publication], snapshots: Iterable[str]
) -> list[Publication]:  # fmt: skip
    """What some snapshots' publications that releases were made from are by now; those that are lost are left out."""
    ids = {
        str(pin["publication"])
        for release in releases
        for pin in release.inputs
        if pin["partition"] in snapshots and pin["table"] in tables
    }
    found = (lake.standing(p) for table in tables for p in lake.history(table) if p.id in ids)
    return [p for p in found if p is not None]


def _readable(publications: Iterable[Publication]) -> list[list[Publication]]:
    """Each publication once, in groups of one table in which no snapshot comes twice: those are read in one query."""
    left = sorted({p.id: p for p in publications}.values(), key=lambda p: (p.table, p.partition, -p.version))
    ranked = [(p.table, place, p) for _, same in groupby(left, lambda p: (p.table, p.partition))
              for place, p in enumerate(same)]  # fmt: skip
    by_group = groupby(sorted(ranked, key=lambda one: (one[0], one[1], one[2].partition)), lambda one: one[:2])
    return [[p for _table, _place, p in group] for _, group in by_group]


def _attempts(lake: Lake, publications: Sequence[Publication], of_it: Column) -> list[dict[str, Any]]:
    """Rewrites, each with its publication; the publications are of different snapshots."""
    owner = {p.partition: p for p in publications}
    rows = _plain_rows(lake.read(publications).where(of_it).drop("text"))
    return [{**row, "published": published(owner[row["snapshot"]])} for row in rows]


def _by_key(lake: Lake, publications: Sequence[Publication], ids: Sequence[str]) -> dict[Key, dict[str, Any]]:
    """Rows by publication and document; the publications are of one table, and each of another snapshot."""
    owner = {p.partition: p.id for p in publications}
    frame = lake.read(publications).where(F.col("doc_id").isin(list(ids)))
    return {(owner[row["snapshot"]], row["doc_id"]): row for row in _plain_rows(_shown(frame))}


def _mixed(lake: Lake, of_it: Column) -> DataFrame:
    wanted = ("release", "snapshot", "doc_id", "parent_snapshot", "parent_id", "origin", "phase", "copies", "tokens",
              "quality")  # fmt: skip
    return lake.published("mixed").where(of_it).select(*wanted)


def _selection(lake: Lake, of_it: Column) -> DataFrame:
    rows = lake.side("selection", lake.publications(OWNERS["selection"]).values())
    return rows.where(of_it & ~F.col("kept")).drop("publication")


def _shown(frame: DataFrame) -> DataFrame:
    return frame.select(*(
        F.length(name).alias(f"{name}_length") if name in _BODIES else F.col(f"`{name}`")
        for name in frame.columns
        if name != "http_headers"
    ))  # fmt: skip


def _plain_rows(frame: DataFrame) -> list[dict[str, Any]]:
    return [plain(row.asDict(recursive=True)) for row in frame.collect()]


def plain(value: Any) -> Any:
    """A value of a row as JSON has it."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)
