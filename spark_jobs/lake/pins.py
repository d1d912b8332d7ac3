"""The pinned view of the lake that one run of a stage reads through: every read is recorded as an input."""

from collections.abc import Callable, Mapping
from typing import Any

from pyspark.sql import DataFrame

from spark_jobs.errors import NotFoundError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import made_from
from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import TABLES

# Which main table pins the rows of a side table.
OWNERS: Mapping[str, str] = {
    "read_errors": "raw", "locator": "raw", "signatures": "deduped", "band_index": "deduped", "units": "deduped",
    "selection": "mixed",
}  # fmt: skip


class Pins:
    """Resolves publications once; what a stage reads later is what was current then."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._pinned: dict[tuple[str, str], Publication] = {}
        self._compared: dict[tuple[str, str], Publication] = {}
        self._order: tuple[str, ...] | None = None

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """What was read, for the record: table, partition, version, publication, digest."""
        return [_pin(p) for _key, p in sorted(self._pinned.items())]

    @property
    def publications(self) -> tuple[Publication, ...]:
        """What was read, as publications."""
        return tuple(p for _key, p in sorted(self._pinned.items()))

    @property
    def compared_with(self) -> list[dict[str, Any]]:
        """What the audit compared with, for the record. No inputs: the data does not depend on them."""
        return [_pin(p) for _key, p in sorted(self._compared.items())]

    def earlier(self, table: str, partition: str, fits: Callable[[Publication], bool]) -> Publication | None:
        """The current publication of the nearest earlier snapshot that fits, noted as compared with; None without."""
        order = self.snapshots()
        before = order[: order.index(partition)] if partition in order else ()
        current = self.lake.publications(table)
        found = next((p for s in reversed(before) if (p := current.get(s)) is not None and fits(p)), None)
        if found is not None:
            self._compared[table, found.partition] = found
        return found

    def publication(self, table: str, partition: str) -> Publication:
        """Pin the current publication of a partition. Raises NotFoundError when there is none."""
        key = (table, partition)
        if key not in self._pinned:
            found = self.lake.current(table, partition)
            if found is None:
                raise NotFoundError(
                    f"{table}: nothing is published for {partition!r}; build it first with ./provender run"
                )
            self._pinned[key] = found
        return self._pinned[key]

    def _several(self, table: str, partitions: tuple[str, ...] | None) -> list[Publication]:
        current = self.lake.publications(table)
        wanted = tuple(sorted(current)) if partitions is None else partitions
        return [self.publication(table, partition) for partition in wanted]

    def partition(self, table: str, partition: str) -> DataFrame:
        """Rows of one partition, of a main table or of a side table that it pins."""
        if TABLES[table].side:
            return self.lake.side(table, [self.publication(OWNERS[table], partition)])
        return self.lake.read([self.publication(table, partition)])

    def partitions(self, table: str, partitions: tuple[str, ...] | None = None) -> DataFrame:
        """Rows of several partitions (None: all published), united; empty when none is published."""
        if TABLES[table].side:
            return self.lake.side(table, self._several(OWNERS[table], partitions))
        listed = self._several(table, partitions)
        return self.lake.read(listed) if listed else self.lake.published(table, ())

    def behind(self, of: str, table: str, partitions: tuple[str, ...]) -> DataFrame:
        """Rows of `table` that the publications of `of` were made from, in exactly those versions.

        They are no inputs of their own: the publications of `of`, which are pinned, stand for them.
        """
        listed = [made_from(self.lake, self.publication(of, partition), table) for partition in partitions]
        return self.lake.read(listed) if listed else self.lake.published(table, ())

    def whole(self, table: str) -> DataFrame:
        """A table as it is now; what of it matters is part of the fingerprint or keyed by request."""
        return self.lake.at(table)

    def snapshots(self) -> tuple[str, ...]:
        """Snapshot ids in the order of their sequence numbers, as they were when first asked for."""
        if self._order is None:
            rows = sorted(self.lake.rows("snapshots"), key=lambda row: row["sequence"])
            self._order = tuple(row["snapshot"] for row in rows)
        return self._order


def _pin(p: Publication) -> dict[str, Any]:
    return {"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id, "digest": p.digest}
