"""Pieces of text that too many documents hold: lines or paragraphs, counted over this snapshot and all earlier ones.

The first documents of the order keep the piece; documents that are published already always do.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.dedup.holders import Found, Order
from spark_jobs.dedup.levels import Frequency
from spark_jobs.dedup.scratch import Scratch

# A piece that a million documents hold is sorted in so many parts, of which only the first few go on.
_PARTS = 64


def held_by_many(lines: DataFrame, level: Frequency, order: Order, scratch: Scratch) -> Found:
    """`lines`: place, line, hash, chars, paragraph, of the documents as the levels before left them."""
    rows = scratch.keep(_pieces(lines, level), f"{level.step}_pieces")
    holders = rows.select("hash", "place").distinct()
    counted = holders.groupBy("hash").agg(F.count(F.lit(1)).alias("documents"), F.min("place").alias("first"))
    if order.earlier is None:
        counted = counted.select("*", F.lit(0).alias("published"), order.holder(F.col("first")).alias("holder"))
    else:
        old = order.earlier(level.step, counted.select("hash"))
        old = old.groupBy("hash").agg(F.count(F.lit(1)).alias("published"), F.min("holder").alias("old"))
        counted = counted.join(old, "hash", "left").select(
            "hash", "documents", "first", F.coalesce("published", F.lit(0)).alias("published"),
            F.coalesce("old", order.holder(F.col("first"))).alias("holder"),
        )  # fmt: skip
    many = scratch.keep(
        counted.where(F.col("documents") + F.col("published") > level.max_documents).select(
            "hash", "first", "holder", (F.lit(level.keep) - F.col("published")).alias("room")
        ),
        f"{level.step}_many",
    )
    cut = rows.join(_last_to_keep(holders, many, level.keep), "hash").where("place > last")
    nothing = F.lit(None).cast("bigint").alias("linked_line")
    found = cut.select("place", F.explode("lines").alias("line"), "holder", F.lit(1.0).alias("similarity"), nothing)
    return Found(cuts=found, dropped=None, stored=holders)


def _pieces(lines: DataFrame, level: Frequency) -> DataFrame:
    """hash, place and lines of every piece that is long enough and has a word."""
    if level.step == "lines":
        pieces = lines.select("place", "hash", "chars", F.array("line").alias("lines"))
    else:
        # In the order of the lines; those without words do not count, but go with the paragraph.
        worded = F.when(F.col("hash").isNotNull(), F.struct("line", "hash"))
        pieces = (
            lines.groupBy("place", "paragraph")
            .agg(
                F.sort_array(F.collect_list(worded)).alias("worded"),
                F.sum(F.when(F.col("hash").isNotNull(), F.col("chars"))).alias("chars"),
                F.sort_array(F.collect_list("line")).alias("lines"),
            )
            .select(
                "place",
                F.when(F.size("worded") > 0, F.xxhash64(F.col("worded.hash"))).alias("hash"),
                "chars",
                "lines",
            )
        )
    return pieces.where(F.col("hash").isNotNull() & (F.col("chars") >= level.min_chars)).select(
        "hash", "place", "lines"
    )


def _last_to_keep(holders: DataFrame, many: DataFrame, keep: int) -> DataFrame:
    """hash, holder, last: the last place that keeps the piece; 0 where published documents are enough."""
    if keep == 1:
        return many.select("hash", "holder", F.when(F.col("room") > 0, F.col("first")).otherwise(0).alias("last"))
    placed = holders.join(many.where("room > 0").select("hash", "room"), "hash")
    part = Window.partitionBy("hash", F.pmod("place", F.lit(_PARTS))).orderBy("place")
    few = placed.withColumn("_turn", F.row_number().over(part)).where("_turn <= room").drop("_turn")
    turn = F.row_number().over(Window.partitionBy("hash").orderBy("place"))
    last = few.withColumn("_turn", turn).where("_turn <= room").groupBy("hash").agg(F.max("place").alias("last"))
    return many.select("hash", "holder").join(last, "hash", "left").withColumn("last", F.coalesce("last", F.lit(0)))
