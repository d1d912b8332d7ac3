"""Clusters: who belongs together, who survives, and for every duplicate the pair that proves it.

A published cluster is one node, named by its survivor: clusters that were published never split, and a document that
bridges several of them leaves all their survivors in place. The bridge is recorded (`joined_clusters`: clusters that
became one, or the one without a survivor that a new one succeeds), so that later snapshots know them as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.dedup.order import DROPPED, SURVIVOR, id_of, node_of, snapshot_of

NEAR = "minhash"
_NO_LABELS = "node STRING, label STRING"


@dataclass(frozen=True, kw_only=True)
class Published:
    """What earlier snapshots published, in sequence order: snapshot, doc_id, kept, cluster_id, joined_clusters."""

    snapshots: tuple[str, ...]
    rows: DataFrame

    def bridges(self) -> DataFrame:
        """Edges (u, v) between clusters that an earlier snapshot found to be one; u is the name of both."""
        joined = self.rows.where("joined_clusters IS NOT NULL")
        return joined.select(F.col("cluster_id").alias("u"), F.explode("joined_clusters").alias("v")).where("u <> v")

    def survivors(self) -> DataFrame:
        """Clusters (cluster) whose survivor is still published."""
        return self.rows.where("kept").select(node_of(F.col("snapshot"), F.col("doc_id")).alias("cluster"))


def assign(new: DataFrame, links: DataFrame | None, labels: DataFrame | None, published: Published | None) -> DataFrame:
    """Every row of `new` with its survivor, cluster_size, what its cluster joins (`clusters`), and its `proof`.

    `new`: node, rank, leader, grouped (exact), ... `links`: verified pairs (node, rank, other, other_cluster,
    other_rank, similarity). `labels`: node, label of the components; None where nothing is linked. Most documents are
    linked to none: they elect nobody, and only what was decided about the others is joined to them.
    """
    session = new.sparkSession
    known = labels if labels is not None else session.createDataFrame([], _NO_LABELS)
    root = F.coalesce("leader.cluster", "leader.node", "node").alias("root")
    found = known.select(F.col("node").alias("root"), F.col("label").alias("found"))
    rows = (
        new.select("node", "rank", "leader", "grouped", root)
        .join(found, "root", "left")
        .where("found IS NOT NULL OR grouped")
        .withColumn("label", F.coalesce("found", "root"))
    )
    members = rows.select(
        "label", "rank", F.col("rank").alias("new_rank"), F.lit(1).cast("bigint").alias("documents"),
        F.lit(None).cast("string").alias("cluster"), "node",
    )  # fmt: skip
    if published is not None:
        members = members.unionByName(_published_members(rows, known, published))
    elected = members.groupBy("label").agg(
        F.min(F.struct("rank", "node")).alias("best"),
        F.min("new_rank").alias("first_new"),
        F.sum("documents").alias("cluster_size"),
        F.sort_array(F.collect_set("cluster")).alias("clusters"),
    )
    # More than the cluster it joins: one row says so for all. A new survivor succeeds a cluster that has none.
    joins = F.size("clusters") > F.when(F.col("best.rank.kind") == SURVIVOR, 1).otherwise(0)
    bridge = (F.col("rank") == F.col("first_new")) & joins
    survivor, joined = F.col("best.node").alias("survivor"), F.when(bridge, F.col("clusters")).alias("clusters")
    settled = rows.select("node", "rank", "label").join(elected, "label")
    linked = _with_evidence(settled.select("node", survivor, "cluster_size", joined), links)
    return new.join(linked, "node", "left").withColumns({
        "survivor": F.coalesce("survivor", "node"), "cluster_size": F.coalesce("cluster_size", F.lit(1)),
    })  # fmt: skip


def deduped_columns(assigned: DataFrame) -> DataFrame:
    """The rows of `deduped`: of the documents that are `taken`, in the columns of the table, with `captured_at`."""
    kept = F.col("survivor") == F.col("node")
    exact = F.col("leader").isNotNull()
    linked = F.coalesce(F.col("leader.node"), F.col("proof.other"))
    duplicate = assigned.where("taken").withColumn("linked", F.when(~kept, linked))
    return duplicate.select(
        "snapshot",
        "doc_id",
        kept.alias("kept"),
        F.col("survivor").alias("cluster_id"),
        "cluster_size",
        F.when(~kept, F.when(exact, F.col("leader.step")).otherwise(F.lit(NEAR))).alias("duplicate_step"),
        snapshot_of(F.col("survivor")).alias("survivor_snapshot"),
        id_of(F.col("survivor")).alias("survivor_id"),
        snapshot_of(F.col("linked")).alias("linked_snapshot"),
        id_of(F.col("linked")).alias("linked_to"),
        F.when(~kept, F.when(exact, F.lit(1.0)).otherwise(F.col("proof.similarity"))).alias("similarity"),
        F.col("clusters").alias("joined_clusters"),
        "captured_at",
        "capture_id",
    )


def _labelled(rows: DataFrame, labels: DataFrame, key: str) -> DataFrame:
    """`rows` with the label of their component; a node without edges is a component of its own."""
    found = labels.select(F.col("node").alias(key), F.col("label").alias("found"))
    return rows.join(found, key, "left").withColumn("label", F.coalesce("found", key)).drop("found")


def _published_members(rows: DataFrame, labels: DataFrame, published: Published) -> DataFrame:
    """Published clusters that new documents touch, as members: the survivor's rank and how many documents."""
    touched = _labelled(
        rows.where("leader.cluster IS NOT NULL")
        .select(F.col("leader.cluster").alias("cluster"))
        .unionByName(labels.select(F.col("node").alias("cluster")))
        .distinct(),
        labels,
        "cluster",
    ).where(snapshot_of(F.col("cluster")).isin(list(published.snapshots)))
    sizes = published.rows.groupBy(F.col("cluster_id").alias("cluster")).agg(F.count(F.lit(1)).alias("documents"))
    alive = published.survivors().withColumn("alive", F.lit(True))
    merged = published.bridges().select(F.col("v").alias("cluster")).distinct().withColumn("merged", F.lit(True))
    found = touched.join(sizes, "cluster").join(alive, "cluster", "left").join(merged, "cluster", "left")
    rank_type = cast(StructType, rows.schema["rank"].dataType)
    return found.select(
        "label",
        _survivor_rank(rank_type.fieldNames(), published.snapshots).cast(rank_type).alias("rank"),
        F.lit(None).cast(rank_type).alias("new_rank"),
        "documents",
        F.when(F.col("merged").isNull(), F.col("cluster")).alias("cluster"),
        F.col("cluster").alias("node"),
    )


def _survivor_rank(fields: Sequence[str], snapshots: Sequence[str]) -> Column:
    """A cluster whose survivor is gone (taken down) does not elect: the best new document becomes the survivor."""
    values = {
        "kind": F.when(F.col("alive"), F.lit(SURVIVOR)).otherwise(F.lit(DROPPED)),
        "position": F.array_position(F.array(*map(F.lit, snapshots)), snapshot_of(F.col("cluster"))) - 1,
        "doc_id": id_of(F.col("cluster")),
    }
    return F.struct(*(values.get(name, F.lit(0.0)).alias(name) for name in fields))


def _with_evidence(settled: DataFrame, links: DataFrame | None) -> DataFrame:
    """Adds `proof` (other, similarity): the pair with the survivor if there is one, else the most similar pair."""
    if links is None:
        return settled.withColumn("proof", F.lit(None).cast("struct<other: string, similarity: double>"))
    seen = links.select("node", "other", "similarity", F.col("other_rank").alias("its_rank"))
    back = links.where("other_cluster IS NULL").select(
        F.col("other").alias("node"), F.col("node").alias("other"), "similarity", F.col("rank").alias("its_rank")
    )
    asked = seen.unionByName(back).join(settled.select("node", "survivor"), "node")
    best = asked.groupBy("node").agg(
        F.min(
            F.struct(
                (F.col("other") != F.col("survivor")).alias("indirect"),
                (-F.col("similarity")).alias("distance"),
                "its_rank",
                "other",
                "similarity",
            )
        ).alias("best")
    )
    proof = F.struct(F.col("best.other").alias("other"), F.col("best.similarity").alias("similarity"))
    # `settled` has a `best` of its own: only the proof goes back.
    return settled.join(best.select("node", proof.alias("proof")), "node", "left")
