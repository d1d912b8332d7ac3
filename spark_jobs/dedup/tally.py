"""What a deduped table holds, counted: documents, clusters, known ones, by step. Counts of the publication record.

Nothing here judges, and nothing depends on what is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.order import snapshot_of


@dataclass(frozen=True)
class Tally:
    """`clusters` are distinct ones; `known` documents belong to one whose name is of an earlier snapshot.

    `largest` is how many documents of this snapshot the largest cluster has, `largest_name` its name.
    """

    documents: int
    kept: int
    clusters: int
    known: int
    largest: int
    largest_name: str
    by_step: Mapping[str, int] = field(default_factory=dict)

    @property
    def repeated(self) -> int:
        """Documents beyond the first of each cluster, whichever of them survives."""
        return self.documents - self.clusters


def tally(deduped: DataFrame, snapshot: str) -> Tally:
    """Count one partition of `deduped`."""
    steps = deduped.groupBy("cluster_id", "duplicate_step").agg(
        F.count(F.lit(1)).alias("documents"), F.count_if("kept").alias("kept")
    )
    clusters = steps.groupBy("cluster_id").agg(
        F.sum("documents").alias("documents"),
        F.sum("kept").alias("kept"),
        F.collect_list(F.when(F.col("duplicate_step").isNotNull(), F.struct("duplicate_step", "documents"))).alias(
            "steps"
        ),
    )
    elsewhere = snapshot_of(F.col("cluster_id")) != F.lit(snapshot)
    totals = clusters.agg(
        F.sum("documents").alias("documents"), F.sum("kept").alias("kept"), F.count(F.lit(1)).alias("clusters"),
        F.sum(F.when(elsewhere, F.col("documents")).otherwise(0)).alias("known"),
        F.max(F.struct("documents", F.col("cluster_id").alias("name"))).alias("largest"),
    ).first()  # fmt: skip
    by_step = (
        clusters.select(F.explode("steps").alias("step"))
        .groupBy("step.duplicate_step")
        .agg(F.sum("step.documents").alias("documents"))
    )
    found = totals.asDict() if totals is not None else {}
    largest = found.get("largest")
    return Tally(
        **{name: int(found.get(name) or 0) for name in ("documents", "kept", "clusters", "known")},
        largest=int(largest["documents"]) if largest else 0, largest_name=str(largest["name"]) if largest else "",
        by_step={row["duplicate_step"]: int(row["documents"]) for row in by_step.orderBy("duplicate_step").collect()},
    )  # fmt: skip


def as_counts(tallied: Tally) -> dict[str, Any]:
    """The part of a publication record that later snapshots are compared with."""
    return {
        "clusters": tallied.clusters, "known": tallied.known, "largest_cluster": tallied.largest,
        "by_reason": dict(tallied.by_step),
    }  # fmt: skip


def from_counts(counts: Mapping[str, Any]) -> Tally | None:
    """The inverse; None for a record that was written without these counts."""
    if not {"rows", "kept", "clusters", "known", "largest_cluster", "by_reason"} <= counts.keys():
        return None
    return Tally(
        counts["rows"], counts["kept"], counts["clusters"], counts["known"], counts["largest_cluster"], "",
        counts["by_reason"],
    )  # fmt: skip
