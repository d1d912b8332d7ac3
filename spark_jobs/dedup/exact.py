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


def exact_groups(new: DataFrame, old: DataFrame | None, steps: Sequence[str]) -> DataFrame:
    """(number, leader) of the documents that are not alone in their group; `leader` is null for the best of them.

    `new`: number (smaller is better), node, text_hash, content_hash; `old`, published documents, which are better than
    any new one: rank, node, cluster, text_hash, content_hash. `leader` is a struct (node, cluster, step).
    """
    key = exact_key(steps)
    if key is None:
        return new.sparkSession.createDataFrame([], f"number BIGINT, leader {_LEADER}")
    # Numbers are aggregated by hash, structs only by sorting: that is left to the few published ones.
    several = new.groupBy(key).agg(F.min("number").alias("first"), F.count(F.lit(1)).alias("size")).where("size > 1")
    named = new.select(F.col("number").alias("first"), F.col("node").alias("lead"), F.col("text_hash").alias("bytes"))
    leaders = several.select(key, "first").join(named, "first").withColumn("cluster", F.lit(None).cast("string"))
    if old is not None:
        best = F.min(F.struct("rank", "node", "cluster", F.col("text_hash").alias("bytes"))).alias("best")
        found = old.groupBy(key).agg(best).select(
            key, F.lit(None).cast("bigint").alias("first"), F.col("best.node").alias("lead"), "best.bytes",
            "best.cluster",
        )  # fmt: skip
        leaders = leaders.join(found, key, "left_anti").unionByName(found)
    step = F.lit(TEXT)
    if BYTES in steps:
        step = F.when(F.col("text_hash") == F.col("bytes"), F.lit(BYTES)).otherwise(step)
    leader = F.struct(F.col("lead").alias("node"), "cluster", step.alias("step")).cast(_LEADER)
    follows = F.col("first").isNull() | (F.col("first") != F.col("number"))
    members = new.select(*dict.fromkeys(("number", "text_hash", key))).join(leaders, key)
    return members.select("number", F.when(follows, leader).alias("leader"))


def with_leaders(new: DataFrame, groups: DataFrame) -> DataFrame:
    """`new` with the `leader` of its group, and `grouped`: whether it has one or is one."""
    joined = new.join(groups.withColumn("grouped", F.lit(True)), "number", "left")
    return joined.withColumn("grouped", F.coalesce("grouped", F.lit(False)))


_LEADER = "struct<node: string, cluster: string, step: string>"
