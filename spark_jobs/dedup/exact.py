"""Exact duplicates: documents with the same bytes, or the same normal form. One group, one leader, no quadratic work.

The leader is the best document of the group by the total order; every other new document is linked to it.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

BYTES, TEXT = "exact_bytes", "exact_text"


def exact_key(steps: Sequence[str]) -> str | None:
    """The column that decides which documents are equal; equal bytes imply an equal normal form."""
    if TEXT in steps:
        return "content_hash"
    return "text_hash" if BYTES in steps else None


def with_leaders(new: DataFrame, old: DataFrame | None, steps: Sequence[str]) -> DataFrame:
    """`new` with `leader`, the best document of the group, and `grouped`, whether the group has another one.

    `leader` is a struct (rank, node, cluster, step), null where the document leads itself or is alone. Both frames have
    node, rank, cluster, text_hash and content_hash (`cluster` null for new documents).
    """
    key = exact_key(steps)
    if key is None:
        return new.withColumns({"leader": F.lit(None).cast(_LEADER), "grouped": F.lit(False)})
    columns = ["rank", "node", "cluster", "text_hash", key] if key != "text_hash" else ["rank", "node", "cluster", key]
    members = new.select(*columns)
    if old is not None:
        members = members.unionByName(old.select(*columns))
    first = F.min(F.struct("rank", "node", "cluster", "text_hash")).alias("first")
    leaders = members.groupBy(key).agg(first, F.count(F.lit(1)).alias("size")).where("size > 1").drop("size")
    step = F.lit(TEXT)
    if BYTES in steps:
        step = F.when(F.col("text_hash") == F.col("first.text_hash"), F.lit(BYTES)).otherwise(step)
    leader = F.struct(
        F.col("first.node").alias("node"), F.col("first.cluster").alias("cluster"), step.alias("step")
    ).cast(_LEADER)
    grouped = F.col("first").isNotNull()
    follows = grouped & (F.col("first.node") != F.col("node"))
    led = new.join(leaders, key, "left").withColumns({"leader": F.when(follows, leader), "grouped": grouped})
    return led.drop("first")


_LEADER = "struct<node: string, cluster: string, step: string>"
