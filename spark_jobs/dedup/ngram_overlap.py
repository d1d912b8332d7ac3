"""Paragraphs and documents that mostly repeat earlier ones, by their n-grams: the rule "old-both" of allenai/bff.

With an exact set of hashes where BFF has a Bloom filter, so that who holds an n-gram has a name, and nothing is taken
for seen that was not. A paragraph is a line; one that is cut adds nothing to the set, a document that goes does.
"""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.holders import HOLDER, Found, Order
from spark_jobs.dedup.levels import Overlap
from spark_jobs.dedup.scratch import Scratch
from spark_jobs.dedup.settle import CHUNK, ROUNDS, settle

# Paragraphs in order as one number: the place of the document, then the line, for which a text of 1 GB has room.
_LINE_BITS = 30


def overlapping(
    lines: DataFrame, level: Overlap, order: Order, scratch: Scratch, *, chunk: int = CHUNK, rounds: int = ROUNDS,
    say: Callable[[str], None] = lambda _: None,
) -> Found:  # fmt: skip
    """`lines`: place, line, shard, grams, of the documents as the levels before left them."""
    at = F.shiftleft("place", _LINE_BITS) + F.col("line")
    total = F.size("grams").cast("bigint").alias("total")
    paragraphs = lines.where(F.size("grams") > 0)
    grams = paragraphs.select(at.alias("at"), total, F.explode("grams").alias("gram"), "shard")
    grams = grams.select("at", "total", _sharded(F.col("gram"), level).alias("hash"))
    seen = scratch.keep(_seen(grams, level, order), "seen")
    marked = settle(
        seen.select("hash", "at", "total", F.col("old").isNotNull().alias("old")), level.threshold, scratch,
        chunk=chunk, rounds=rounds, say=say,
    )  # fmt: skip
    held = scratch.keep(_held(seen, marked, order), "held")
    whole = paragraphs.groupBy("place").agg(F.sum(total).alias("total"))
    distinct = paragraphs.select(at.alias("at"), "place", "shard", F.explode(F.array_distinct("grams")).alias("gram"))
    stays = distinct.join(marked, "at", "left_anti")
    return Found(
        cuts=_cuts(held, marked, order),
        dropped=_dropped(held, whole, level, order),
        stored=stays.select(_sharded(F.col("gram"), level).alias("hash"), "place"),
    )


def _sharded(gram: Column, level: Overlap) -> Column:
    """N-grams of two shards are never the same."""
    return F.xxhash64(gram, F.col("shard")) if level.shards > 1 else gram


def _seen(grams: DataFrame, level: Overlap, order: Order) -> DataFrame:
    """N-grams that two paragraphs have, or one and a published document, whose first is `old`: hash, at, total, old."""
    spread = grams.groupBy("hash").agg(F.min("at").alias("first"), F.max("at").alias("last"))
    nobody = F.lit(None).cast(HOLDER)
    if order.earlier is None:
        shared = spread.where("first < last").select("hash", nobody.alias("old"))
    else:
        old = order.earlier(level.step, spread.select("hash")).groupBy("hash").agg(F.min("holder").alias("old"))
        shared = spread.join(old, "hash", "left").where("first < last OR old IS NOT NULL").select("hash", "old")
    return grams.join(shared, "hash")


def _held(seen: DataFrame, marked: DataFrame, order: Order) -> DataFrame:
    """By paragraph and holder: how many of its n-grams the holder had first; place, at, total, holder, shared, given.

    `given` is the first paragraph of this snapshot that had one of them.
    """
    given = seen.where("old IS NULL").join(marked, "at", "left_anti").groupBy("hash").agg(F.min("at").alias("given"))
    met = seen.join(given, "hash", "left").where("old IS NOT NULL OR given < at")
    holder = F.coalesce("old", order.holder(F.shiftright("given", _LINE_BITS)))
    return (
        met.select("at", "total", holder.alias("holder"), F.when(F.col("old").isNull(), F.col("given")).alias("given"))
        .groupBy("at", "total", "holder")
        .agg(F.count(F.lit(1)).alias("shared"), F.min("given").alias("given"))
        .withColumn("place", F.shiftright("at", _LINE_BITS))
    )


def _is_itself(order: Order) -> Column:
    return order.is_here() & (F.col("holder.place") == F.col("place"))


def _cuts(held: DataFrame, marked: DataFrame, order: Order) -> DataFrame:
    """Each marked paragraph with the document that holds most of it."""
    most = F.min(F.struct((-F.col("shared")).alias("fewer"), "holder", "given", "total")).alias("most")
    best = held.join(marked, "at", "left_semi").groupBy("at", "place").agg(most)
    line = F.lit((1 << _LINE_BITS) - 1).cast("bigint")
    found = best.select("place", "at", "most.holder", "most.given", "most.fewer", "most.total")
    return found.select(
        "place", F.col("at").bitwiseAND(line).cast("int").alias("line"), "holder",
        (-F.col("fewer") / F.col("total")).alias("similarity"),
        F.when(_is_itself(order), F.col("given").bitwiseAND(line)).alias("linked_line"),
    )  # fmt: skip


def _dropped(held: DataFrame, whole: DataFrame, level: Overlap, order: Order) -> DataFrame:
    """Documents over the threshold as a whole, a row for each other document that holds n-grams of it.

    One that nobody else holds anything of only repeats itself: its first paragraphs stay. (BFF would empty it.)
    """
    others = F.when(~_is_itself(order), F.col("shared"))
    counted = F.sum("shared") if level.count_own_repeats else F.coalesce(F.sum(others), F.lit(0))
    over = (
        held.groupBy("place")
        .agg(counted.alias("present"), F.sum(others).alias("others"))
        .join(whole, "place")
        .where((F.col("present") / F.col("total") > level.threshold) & F.col("others").isNotNull())
        .select("place", F.col("total").alias("whole"))
    )
    rows = held.where(~_is_itself(order)).join(over, "place").groupBy("place", "holder", "whole")
    return rows.agg(F.sum("shared").alias("shared")).select(
        "place", "holder", (F.col("shared") / F.col("whole")).alias("share")
    )
