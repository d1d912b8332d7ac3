"""Taking documents in a total order until a budget of tokens is spent: exact, and without sorting the corpus.

The order is coarse first (an integer rank), so whole ranks are decided by exact integer sums of a histogram; only the
one rank that crosses the budget is sorted. The result does not depend on partitioning. What selects, mixes or splits a
release into phases by tokens uses this.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

RANKS = 10_000
_MILLION = 1_000_000


def hash_rank(tie: str = "tie") -> Column:
    """Rank of a uniform hex string: its first 16 bits."""
    return F.conv(F.substring(tie, 1, 4), 16, 10).cast("int")


def best_rank(score: str, *, low: float = 0.0, high: float = 1.0, ranks: int = RANKS) -> Column:
    """Rank of a score, best first; a score outside of the range falls into an outermost rank, none into the last."""
    place = F.floor((F.col(score) - F.lit(low)) / F.lit(high - low) * ranks).cast("int")
    within = F.greatest(F.lit(0), F.least(F.lit(ranks - 1), place))
    # greatest and least skip nulls, so a missing score would come first.
    return F.when(F.col(score).isNull(), F.lit(ranks - 1)).otherwise(F.lit(ranks - 1) - within)


def share_of(total: Column, share: float) -> Column:
    """A share of a whole number, rounded down; exact, as shares are millionths."""
    return F.floor(total.cast("decimal(38,0)") * F.lit(millionths(share)) / F.lit(_MILLION)).cast("long")


def at_least_share_of(total: Column, share: float) -> Column:
    """A share of a whole number, rounded up."""
    return F.ceil(total.cast("decimal(38,0)") * F.lit(millionths(share)) / F.lit(_MILLION)).cast("long")


def millionths(share: float) -> int:
    """A share as a whole number of millionths, so that what decides is an integer."""
    return round(share * _MILLION)


def take(
    frame: DataFrame,
    budgets: DataFrame,
    *,
    group: str,
    rank: Column,
    order: Sequence[Column],
    weight: str,
    into: str,
    crossing: bool = False,
) -> DataFrame:
    """The frame with the boolean `into`: true for the head of each group's order whose weights fit the budget.

    `budgets` has the columns `group` (named as in the frame, never null) and `budget` (long); a group without a budget
    takes nothing. `order` is total inside a rank. With `crossing` the document that reaches the budget is taken too,
    else the first that does not fit ends the head. The frame is read three times: give one that is cheap to read.
    """
    ranked = frame.withColumn("_rank", rank)
    cuts = _cuts(ranked, budgets, group=group, weight=weight, crossing=crossing)
    placed = ranked.join(F.broadcast(cuts), group, "left")
    here = F.col("_rank") == F.col("_cut")
    edge = placed.where(here)
    running = Window.partitionBy(group).orderBy(*order).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    reached = F.col("_before") + F.sum(weight).over(running)
    fits = reached - F.col(weight) < F.col("budget") if crossing else reached <= F.col("budget")
    # No budget for the group: nothing. No cut: the whole group fits.
    whole = F.col("budget").isNotNull() & (F.col("_cut").isNull() | (F.col("_rank") < F.col("_cut")))
    rest = placed.where(~F.coalesce(here, F.lit(False))).withColumn(into, whole)
    return rest.unionByName(edge.withColumn(into, fits)).drop("_rank", "_cut", "_before", "budget")


def _cuts(ranked: DataFrame, budgets: DataFrame, *, group: str, weight: str, crossing: bool) -> DataFrame:
    """Per group with a budget: the rank in which it is crossed (null: never), and the weight of all ranks before."""
    earlier = Window.partitionBy(group).orderBy("_rank").rowsBetween(Window.unboundedPreceding, -1)
    histogram = ranked.groupBy(group, "_rank").agg(F.sum(weight).alias("_weight"))
    summed = histogram.withColumn("_before", F.coalesce(F.sum("_weight").over(earlier), F.lit(0)))
    after = F.col("_before") + F.col("_weight")
    crossed = after >= F.col("budget") if crossing else after > F.col("budget")
    first = F.min(F.when(crossed, F.struct("_rank", "_before"))).alias("_first")
    found = summed.join(F.broadcast(budgets), group).groupBy(group, "budget").agg(first)
    return found.select(group, "budget", F.col("_first._rank").alias("_cut"), F.col("_first._before").alias("_before"))
