"""Rehydration of a release: counts clusters and what filters dropped of them, and gives each document its weight.

The arithmetic is in `dedup.rehydration`. A row of the counts is a language and a cluster size, so they are small.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.dedup.membership import members
from spark_jobs.dedup.rehydration import VERSION, SizeRow, Weights, weights
from spark_jobs.dedup.scratch import Scratch
from spark_jobs.errors import RecipeError
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.mixed import Rehydration
from spark_jobs.stages.mix_pool import KEYS, ORIGINAL, best_first
from spark_jobs.stages.stage import PinnedReader

_DIGITS = 6


def rehydration_parts(section: Rehydration) -> Mapping[str, Any]:
    """What determines the weights, for the fingerprint."""
    return {"version": VERSION, "section": section.model_dump(mode="json")}


def check_clusters(recipe: Recipe) -> None:
    """Weights come from what filters dropped of a cluster, so clusters must hold it. Raises RecipeError."""
    if recipe.mixed.rehydration is not None and recipe.deduped.participants != "cleaned":
        raise RecipeError(
            "mixed.rehydration needs clusters that also hold what filters dropped: set deduped.participants to cleaned"
        )


@dataclass(frozen=True)
class Rehydrated:
    """Clusters over all snapshots of a release, and the weights that follow from them."""

    inputs: PinnedReader
    snapshots: tuple[str, ...]
    section: Rehydration
    scratch: Scratch

    @cached_property
    def clustered(self) -> DataFrame:
        """Every document with words, kept or dropped: snapshot, doc_id, language, dropped, cluster, cluster_size.

        Documents without a word are only equal to each other: they would be one large cluster that says nothing.
        """
        signed = self.inputs.partitions("signatures", self.snapshots).where("words > 0")
        deduped = self.inputs.partitions("deduped", self.snapshots).select("cluster_id", "joined_clusters")
        placed = members(signed.select(*KEYS, "cluster_id"), deduped, self.scratch)
        cleaned = self.inputs.partitions("cleaned", self.snapshots).select(
            *KEYS, F.coalesce("language", F.lit("")).alias("language"), (~F.col("kept")).alias("dropped")
        )
        return self.scratch.keep(placed.join(cleaned, list(KEYS)), "clustered")

    @cached_property
    def rows(self) -> Mapping[str, list[SizeRow]]:
        """Counts by language, a row a cluster size."""
        counted = self.clustered.groupBy("language", "cluster_size").agg(
            F.count(F.lit(1)).alias("documents"), F.count_if("dropped").alias("dropped")
        )
        found: dict[str, list[SizeRow]] = {}
        for row in counted.orderBy("language", "cluster_size").collect():
            made = SizeRow.of(int(row["cluster_size"]), int(row["documents"]), int(row["dropped"]))
            found.setdefault(row["language"], []).append(made)
        return found

    @cached_property
    def tables(self) -> Mapping[str, Weights]:
        """The table of each language."""
        said = self.section
        return {
            language: weights(
                rows, maximum=said.max_weight, rule=said.rule, min_clusters=said.min_clusters, tail_size=said.tail_size
            )
            for language, rows in self.rows.items()
        }

    def weighed(self, documents: DataFrame) -> DataFrame:
        """Documents of the release with `weight`: how often each is drawn. Columns: those of a pool.

        A weight is the number of copies of a cluster. Where a bridge left it several survivors they share it, one copy
        each and the rest to the best of them.
        """
        listed = [
            (language, row.first_size, self.tables[language].of(row.first_size))
            for language, rows in self.rows.items()
            for row in rows
        ]
        spark = documents.sparkSession
        table = spark.createDataFrame(listed, "language STRING, cluster_size BIGINT, _weight INT")
        placed = self.clustered.select(*KEYS, "language", "cluster", "cluster_size")
        keyed = documents.select(*KEYS, "quality", "tie").join(placed, list(KEYS))
        whole = Window.partitionBy("cluster")
        shared = keyed.join(F.broadcast(table), ["language", "cluster_size"]).withColumns(
            {
                "_place": F.row_number().over(whole.orderBy(*best_first())),
                "_others": F.count(F.lit(1)).over(whole) - 1,
            }
        )
        rest = F.greatest(F.col("_weight") - F.col("_others"), F.lit(1)).cast("int")
        copies = shared.select(*KEYS, F.when(F.col("_place") == 1, rest).otherwise(F.lit(1)).alias("weight"))
        return documents.join(copies, list(KEYS), "left").withColumn("weight", F.coalesce("weight", F.lit(1)))

    def facts(self, decided: DataFrame) -> dict[str, Any]:
        """The tables, a row a run of sizes, and how many documents are drawn how often."""
        drawn = decided.where((F.col("origin") == ORIGINAL) & F.col("reason").isNull()).groupBy("copies").count()
        copies = {str(row["copies"]): int(row["count"]) for row in drawn.orderBy("copies").collect()}
        return {"rehydration": {**rehydration_parts(self.section), "documents_by_copies": copies,
                                "table": [row for language, made in sorted(self.tables.items())
                                          for row in _table(language, made)]}}  # fmt: skip


def _table(language: str, made: Weights) -> list[dict[str, Any]]:
    """Rates are shares; `rows` and `documents` are those of the run, `clusters` its support."""
    return [
        {
            "language": language, "first_size": run.first_size, "weight": run.weight, "max_weight": made.maximum,
            "global_rate": round(float(made.global_rate), _DIGITS),
            "lowest_rate": round(float(made.lowest_rate), _DIGITS),
            "rows": run.rows, "documents": run.documents, "dropped": run.dropped,
            "clusters": round(float(run.clusters), _DIGITS),
        }
        for run in made.runs
    ]  # fmt: skip
