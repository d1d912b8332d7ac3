"""Documents in the order in which the levels of text look at them, and how one of them is named as a holder of a piece.

The order is by data alone: earlier snapshots first, then the survivor's rank, which ends with the id.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.dedup.scratch import Scratch

# Compares as the order does. `position`: of the snapshot; `place`: in it, from 1. `node` and `survivor` (its own, or of
# what it is a duplicate of) are those of published documents; null for documents of the snapshot being deduped.
HOLDER = "STRUCT<position: INT, place: BIGINT, node: STRING, survivor: STRING>"

# Rows of earlier snapshots (hash, holder) that store one of these hashes (hash) for a level.
Earlier = Callable[[str, DataFrame], DataFrame]


@dataclass(frozen=True, kw_only=True)
class Order:
    """Where the snapshot stands among all, and how earlier ones are asked; `earlier` is None for the first."""

    position: int
    earlier: Earlier | None = None

    def holder(self, place: Column) -> Column:
        """A document of this snapshot as a holder."""
        nobody = F.lit(None).cast("string")
        return F.struct(
            F.lit(self.position).alias("position"), place.cast("bigint").alias("place"), nobody.alias("node"),
            nobody.alias("survivor"),
        ).cast(HOLDER)  # fmt: skip

    def is_here(self, holder: str = "holder") -> Column:
        """Whether a holder is of this snapshot."""
        return F.col(f"{holder}.position") == self.position


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a level found.

    `cuts`: place, line, holder, similarity (share of the piece that the holder holds), linked_line (where the holder is
    the document itself). `dropped`: place, holder, share, of documents that go as a whole, one row for each holder.
    `stored`: hash, place, of what later snapshots are compared with.
    """

    cuts: DataFrame
    dropped: DataFrame | None
    stored: DataFrame


def numbered(documents: DataFrame, order: Sequence[str], scratch: Scratch, name: str) -> DataFrame:
    """`documents` with their `place`, from 1, by columns that order them totally; no task sees them all."""
    cut = documents.repartitionByRange(*order).withColumn("_part", F.spark_partition_id())
    # Written down first: where the ranges are cut is a sample's business, what is in them must not change after.
    parts = scratch.keep(cut, name)
    sizes = parts.groupBy("_part").agg(F.count(F.lit(1)).alias("_size"))
    before = F.sum("_size").over(Window.orderBy("_part")) - F.col("_size")
    first = sizes.select("_part", before.alias("_before"))
    within = F.row_number().over(Window.partitionBy("_part").orderBy(*order))
    placed = parts.withColumn("_within", within).join(F.broadcast(first), "_part")
    return placed.withColumn("place", (F.col("_before") + F.col("_within")).cast("bigint")).drop(
        "_part", "_within", "_before"
    )
