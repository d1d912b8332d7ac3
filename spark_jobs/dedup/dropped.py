"""Documents that went as a whole because of their text: of which document each is a duplicate, and who survives it.

A document is linked to the one that holds most of it; if that went itself, the survivor is the one that this leads to.
Links lead to earlier documents only, so they end at one that is kept.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.holders import Order
from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.errors import ProvenderError

# Paths halve each round: 2^40 documents.
_MOST_ROUNDS = 40


def resolved(candidates: DataFrame, order: Order, scratch: Scratch) -> DataFrame:
    """`candidates` (place, step, holder, share) -> place, step, holder, share, survivor.

    One row a document; `holder` is one that is kept, if there is one. `survivor` is a struct (place, node): node for a
    published document, place for one of this snapshot.
    """
    gone = candidates.select(F.col("place").alias("other"), F.lit(True).alias("gone")).distinct()
    other = F.when(order.is_here(), F.col("holder.place"))
    judged = candidates.withColumn("other", other).join(gone, "other", "left")
    here = order.is_here()
    published = F.col("holder.survivor") == F.col("holder.node")
    stays = F.when(here, F.col("gone").isNull()).otherwise(published)
    best = F.min(F.struct((~stays).alias("not_kept"), (-F.col("share")).alias("less"), "holder", "step")).alias("best")
    linked = judged.groupBy("place").agg(best).select(
        "place", "best.step", "best.holder", (-F.col("best.less")).alias("share"), "best.not_kept"
    )  # fmt: skip
    onward = F.when(here & F.col("not_kept"), F.col("holder.place"))
    survivor = F.when(
        onward.isNull(),
        F.struct(F.when(here, F.col("holder.place")).alias("place"), F.col("holder.survivor").alias("node")),
    )
    chains = scratch.keep(linked.withColumns({"onward": onward, "survivor": survivor}).drop("not_kept"), "chains_0")
    for number in range(1, _MOST_ROUNDS + 1):
        if not totals(chains.agg(F.count("onward").alias("open")))["open"]:
            return chains.drop("onward")
        ahead = chains.select(
            F.col("place").alias("onward"), F.col("onward").alias("further"), F.col("survivor").alias("found")
        )
        moved = chains.join(ahead, "onward", "left").select(
            "place", "step", "holder", "share", F.col("further").alias("onward"),
            F.coalesce("survivor", "found").alias("survivor"),
        )  # fmt: skip
        chains = scratch.keep(moved, f"chains_{number}")
    raise ProvenderError(f"dedup: duplicates of duplicates did not end; the state lies at {scratch.location}")
