"""Further faces of a publication that a report shows: edits by editor, and documents drawn at random for reading."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.analysis.stored import Stored
from spark_jobs.stages.tally import edits_by_editor


def edits(stored: Stored) -> dict[str, Mapping[str, int]]:
    """By editor: documents touched, edits made, characters removed (negative where an editor made texts longer)."""
    counted = (
        stored.rows.select(F.explode(edits_by_editor()).alias("edit"))
        .groupBy("edit.editor")
        .agg(
            F.count(F.lit(1)).alias("documents"),
            F.sum("edit.count").alias("edits"),
            F.sum("edit.chars_removed").alias("chars_removed"),
        )
    )
    return {row["editor"]: {key: int(row[key]) for key in ("documents", "edits", "chars_removed")}
            for row in counted.collect()}  # fmt: skip


def characters(stored: Stored) -> int | None:
    """Characters of all texts after the edits; None where the recipe did not count them."""
    column = "token_count__characters"
    if column not in stored.signals:
        return None
    (row,) = stored.rows.agg(F.sum(F.col(column)).cast("long").alias("characters")).collect()
    return int(row["characters"] or 0)


def examples(stored: Stored, *, kept: bool, number: int, seed: int, chars: int) -> list[dict[str, Any]]:
    """`number` kept or dropped documents in the order of a hash of id and seed, with the first `chars` of their text.

    This alone reads text.
    """
    drawn = (
        stored.rows.where(F.col("kept") == F.lit(kept))
        .withColumn("draw", F.sha2(F.concat_ws("/", F.lit(str(seed)), "doc_id"), 256))
        .orderBy("draw")
        .limit(number)
        .select(
            "doc_id", "url", "language", F.substring("text", 1, chars).alias("text"),
            F.length("text").alias("chars"),
            F.transform("drop_reasons", lambda r: F.concat_ws(".", r["annotator"], r["reason"])).alias("reasons"),
        )
    )  # fmt: skip
    return [row.asDict() for row in drawn.collect()]
