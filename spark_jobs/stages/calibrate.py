"""Quantiles of scores, weighted by tokens, documents or characters: exact under any partitioning.

Scores are quantised into integer bins and weights are integers, so sums are the same in any order. A threshold belongs
to a pool (arXiv 2406.11794: its .018112 is the top 10 % of one pool), so it is always computed here and never typed in.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

BINS = 10_000


def score_bin(score: str, bins: int = BINS) -> Column:
    """Bin 0..bins-1 of a score in [0, 1]; 1.0 falls into the last. Null for a score that is null or NaN.

    A threshold is a bin: compare bins, not the score with the bin's edge, which rounding can put on the other side.
    """
    place = F.floor(F.col(score) * F.lit(bins)).cast("int")
    # `least` and `greatest` pass over nulls, and `isnan` of a null is false: a null must not become a bin.
    there = F.col(score).isNotNull() & ~F.isnan(score)
    return F.when(there, F.greatest(F.lit(0), F.least(F.lit(bins - 1), place)))


def weighted_cut(
    frame: DataFrame, *, score: str, weight: str, fraction: float, bins: int = BINS, group: Sequence[str] = ()
) -> DataFrame:
    """The bin at which the best documents hold `fraction` of the weight; one row (a group).

    Columns: the group's, `cut_bin` (the highest bin with weight in bins >= it at least `fraction` of `total`),
    `threshold` (its lower edge), `above` (weight in bins beyond), `inside` (weight in the bin), `total`. Documents
    without a score have no part. A pool without any gives no row.
    """
    share = Fraction(Decimal(str(fraction)))
    totals = Window.partitionBy(*group, F.lit(0))
    from_above = totals.orderBy(F.desc("cut_bin")).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    histogram = (
        frame.select(*group, score_bin(score, bins).alias("cut_bin"), F.col(weight).cast("bigint").alias("_weight"))
        .where("cut_bin IS NOT NULL AND _weight > 0")
        .groupBy(*group, "cut_bin")
        .agg(F.sum("_weight").alias("inside"))
        .withColumn("_reached", F.sum("inside").over(from_above))
        .withColumn("total", F.sum("inside").over(totals))
    )
    # Integers of 38 digits: reached / total >= numerator / denominator without a division.
    reached = F.col("_reached").cast("decimal(38,0)") * F.lit(share.denominator)
    wanted = F.col("total").cast("decimal(38,0)") * F.lit(share.numerator)
    first = Window.partitionBy(*group, F.lit(0)).orderBy(F.desc("cut_bin"))
    return (
        histogram.where(reached >= wanted)
        .withColumn("_first", F.row_number().over(first))
        .where("_first = 1")
        .select(
            *group,
            "cut_bin",
            (F.col("cut_bin") / F.lit(bins)).alias("threshold"),
            (F.col("_reached") - F.col("inside")).alias("above"),
            "inside",
            "total",
        )
    )


def cut_of(rows: Iterable[tuple[float | None, int]], *, fraction: float, bins: int = BINS) -> int | None:
    """`cut_bin` of (score, weight) rows in plain Python: the meaning of `weighted_cut`, for tests and small pools."""
    weights: dict[int, int] = {}
    for score, weight in rows:
        if score is not None and score == score and weight > 0:  # noqa: PLR0124 - NaN is not equal to itself
            place = max(0, min(bins - 1, floor(score * bins)))
            weights[place] = weights.get(place, 0) + weight
    wanted, reached = Fraction(Decimal(str(fraction))) * sum(weights.values()), 0
    for place in sorted(weights, reverse=True):
        reached += weights[place]
        if reached >= wanted:
            return place
    return None
