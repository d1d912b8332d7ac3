"""The rows of some captures in every table, read by key, side by side: small queries, most of whose cost is planning.

Text and bytes of the documents are told by their length, never read out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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
        """Attempts to rewrite a document, in the order of their samples."""
        own = (r for r in self.rewritten if (r["parent_snapshot"], r["parent_id"]) == (snapshot, doc_id))
        return [dict(row) for row in sorted(own, key=lambda row: (row["strategy"], row["sample"], row["doc_id"]))]


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
    released = _pinned(lake, snapshots) - {p.id for p in current.values()}
    by_table = [[p for p in current.values() if p.table == table] for table in STAGES]
    earlier = [[p] for table in STAGES for p in lake.history(table) if p.id in released]
    rewritten = [p for snapshot, p in lake.publications("rewritten").items() if snapshot in snapshots]
    of_it = F.col("doc_id").isin(ids) | F.col("parent_id").isin(ids)
    tasks: list[Callable[[], Any]] = [
        *(partial(_by_key, lake, group, ids) for group in (*by_table, *earlier) if group),
        lambda: _plain_rows(lake.read(rewritten).where(of_it).drop("text")) if rewritten else [],
        lambda: _plain_rows(_mixed(lake, of_it)),
        lambda: _plain_rows(_selection(lake, of_it)),
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        *groups, made, mixed, selection = pool.map(lambda task: task(), tasks)
    return Rows(
        publications=current, found={key: row for group in groups for key, row in group.items()}, rewritten=made,
        mixed=mixed, selection=selection,
    )  # fmt: skip


def _pinned(lake: Lake, snapshots: Iterable[str]) -> set[str]:
    """Ids of the publications of these snapshots that a release was made from."""
    return {
        str(pin["publication"])
        for release in lake.publications("mixed").values()
        for pin in release.inputs
        if pin["partition"] in snapshots and pin["table"] in ("cleaned", "deduped")
    }


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
