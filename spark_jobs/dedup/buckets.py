"""Candidate pairs from LSH buckets, without comparing all with all and without skipping large buckets.

Up to `full_pairs` members every pair is a candidate. In a larger bucket each member is paired with the bucket's best
member; those whose pair is not confirmed are paired with the next 2, 4, 8 leaders, for a bounded number of rounds. So a
bucket of n members costs at most n * (2^rounds - 1) comparisons, and what is left unpaired is counted.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

_BUCKET = ("band", "band_hash")
# Of the clusters of earlier snapshots, a new document is compared with at most this many a bucket and round.
_MOST_LEADERS = 64


def bands_of(documents: DataFrame) -> DataFrame:
    """One row a band: the document's other columns, `band` and `band_hash`; documents without bands have none."""
    return documents.select("*", F.posexplode("bands").alias("band", "band_hash")).drop("bands")


def members(new: DataFrame, old: DataFrame | None) -> DataFrame:
    """Members of buckets in which a new document meets another.

    Both frames are rows of bands with node, cluster (null for new documents) and rank. Of a published cluster only the
    best member in a bucket counts: the others are its duplicates already. Added: `place` (from 1, by rank), and by
    bucket `size` and `fresh` (how many are new).
    """
    columns = (*_BUCKET, "node", "cluster", "rank")
    rows = new.select(*columns)
    if old is not None:
        best = old.groupBy(*_BUCKET, "cluster").agg(F.min(F.struct("rank", "node")).alias("best"))
        rows = rows.unionByName(
            best.select(*_BUCKET, F.col("best.node").alias("node"), "cluster", F.col("best.rank").alias("rank"))
        )
    return _placed(rows)


def pairs(placed: DataFrame, *, full_pairs: int, leaders: int) -> DataFrame:
    """Distinct pairs of a new document (node, rank) with a better one (other, other_cluster, other_rank)."""
    best = placed.where((F.col("size") <= full_pairs) | _leads(leaders)).select(
        *_BUCKET, F.col("node").alias("other"), F.col("cluster").alias("other_cluster"),
        F.col("rank").alias("other_rank"), F.col("place").alias("other_place"),
    )  # fmt: skip
    met = placed.where(F.col("cluster").isNull()).join(best, list(_BUCKET))
    return (
        met.where(F.col("place") > F.col("other_place"))
        .select("node", "rank", "other", "other_cluster", "other_rank")
        .dropDuplicates(["node", "other"])
    )


def unresolved(placed: DataFrame, similar: DataFrame, *, full_pairs: int, leaders: int) -> DataFrame:
    """Members of large buckets that no leader of this round confirmed, placed again for the next round.

    `similar` has the confirmed pairs so far (node, other). Leaders are done: everyone was compared with them.
    """
    large = placed.where(F.col("size") > full_pairs)
    led = large.where(_leads(leaders)).select(*_BUCKET, F.col("node").alias("other"))
    confirmed = (
        large.select(*_BUCKET, "node")
        .join(led, list(_BUCKET))
        .join(similar.select("node", "other"), ["node", "other"])
        .select(*_BUCKET, "node")
        .distinct()
    )
    left = large.where(~_leads(leaders)).join(confirmed, [*_BUCKET, "node"], "left_anti")
    return _placed(left.drop("size", "fresh", "place"))


def _placed(rows: DataFrame) -> DataFrame:
    bucket = Window.partitionBy(*_BUCKET)
    sized = rows.withColumn("size", F.count(F.lit(1)).over(bucket)).withColumn(
        "fresh", F.count(F.when(F.col("cluster").isNull(), True)).over(bucket)
    )
    meeting = sized.where("size > 1 AND fresh > 0")
    return meeting.withColumn("place", F.row_number().over(bucket.orderBy("rank")))


def _leads(leaders: int) -> Column:
    """The first members by rank; more where few new documents meet many clusters, for the same work a bucket."""
    share = F.floor(F.col("size") * leaders / F.col("fresh"))
    return F.col("place") <= F.greatest(F.lit(leaders), F.least(share, F.lit(_MOST_LEADERS)))
