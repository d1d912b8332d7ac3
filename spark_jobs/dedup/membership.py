"""Who belongs to which cluster now, over all snapshots: what each of them published, with the bridges found later.

A row of `deduped` says what was known when its snapshot was published: the cluster may have grown and been bridged.
"""

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.clusters import Published
from spark_jobs.dedup.components import components
from spark_jobs.dedup.scratch import Scratch, totals


def members(
    placed: DataFrame, deduped: DataFrame, scratch: Scratch, *, say: Callable[[str], None] = lambda _: None
) -> DataFrame:
    """`placed` with `cluster`, one name for all that is one cluster now, and its `cluster_size` in rows of `placed`.

    `placed`: any rows with the `cluster_id` that was published for them; where it is null they are left out.
    `deduped`: the rows of all snapshots (cluster_id, joined_clusters).
    """
    bridges = Published(snapshots=(), rows=deduped).bridges()
    known = placed.where("cluster_id IS NOT NULL")
    count = totals(bridges.agg(F.count(F.lit(1)).alias("bridges")))["bridges"]
    if count:
        labels = scratch.keep(components(bridges, scratch, count=count, say=say), "bridged")
        renamed = labels.select(F.col("node").alias("cluster_id"), F.col("label").alias("cluster"))
        known = known.join(renamed, "cluster_id", "left").withColumn("cluster", F.coalesce("cluster", "cluster_id"))
    else:
        known = known.withColumn("cluster", F.col("cluster_id"))
    sizes = known.groupBy("cluster").agg(F.count(F.lit(1)).alias("cluster_size"))
    return known.drop("cluster_id").join(sizes, "cluster")
