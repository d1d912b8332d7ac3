"""What became of given documents in a release: how far they came in its pinned publications, and what stopped them.

Keys and verdicts only, no text; one row a document, the furthest if a release's snapshots hold it more than once.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.analysis.released import ORIGINAL, Released

# How far a document came: dropped by cleaning, kept without a later verdict, a duplicate, a survivor that was no
# candidate, not chosen, in the release.
DROPPED, UNDEDUPED, DUPLICATE, SURVIVOR, OUT, IN = 1, 2, 3, 4, 5, 6
_KEYS = ["snapshot", "doc_id"]


def fates(released: Released, ids: DataFrame) -> DataFrame:
    """For documents of `ids` (doc_id) that the release's snapshots hold: doc_id and `fate`, a struct.

    Fields of `fate`: stage, snapshot, reasons (of cleaning, `filter.reason`), step, survivor_snapshot, reason (of
    selection), instead_snapshot, quality, benchmarks.
    """
    cleaned = _of(released.rows("cleaned"), ids).select(*_KEYS, "kept", _reasons().alias("reasons"))
    deduped = _of(released.rows("deduped"), ids).select(
        *_KEYS, F.col("kept").alias("_survives"), F.col("duplicate_step").alias("step"), "survivor_snapshot"
    )
    chosen = _of(released.selection().where(F.col("origin") == ORIGINAL), ids).select(
        *_KEYS, F.col("kept").alias("_chosen"), "reason", "instead_snapshot", "quality",
        F.array_distinct(F.col("matches.benchmark")).alias("benchmarks"),
    )  # fmt: skip
    joined = cleaned.join(deduped, _KEYS, "left").join(chosen, _KEYS, "left")
    fate = F.struct(
        _stage().alias("stage"), "snapshot", "reasons", "step", "survivor_snapshot", "reason", "instead_snapshot",
        "quality", "benchmarks",
    )  # fmt: skip
    ranked = joined.select("doc_id", fate.alias("fate"), F.struct(_stage(), "snapshot").alias("_rank"))
    return ranked.groupBy("doc_id").agg(F.max_by("fate", "_rank").alias("fate"))


def rewrite_fates(released: Released, ids: DataFrame) -> DataFrame:
    """For rewrites of `ids` that were attempted for the release: doc_id and `rewrite` (kept, reason of selection)."""
    attempts = _of(released.rows("rewritten"), ids).select(*_KEYS, "kept")
    chosen = _of(released.selection().where(F.col("origin") != ORIGINAL), ids).select(
        *_KEYS, "reason", "quality", F.array_distinct(F.col("matches.benchmark")).alias("benchmarks")
    )
    found = attempts.join(chosen, _KEYS, "left")
    return found.select("doc_id", F.struct("kept", "reason", "quality", "benchmarks").alias("rewrite")).dropDuplicates(
        ["doc_id"]
    )


def _of(frame: DataFrame, ids: DataFrame) -> DataFrame:
    return frame.join(ids, "doc_id", "left_semi")


def _reasons() -> Column:
    return F.transform("drop_reasons", lambda r: F.concat_ws(".", r["annotator"], r["reason"]))


def _stage() -> Column:
    return (
        F.when(~F.col("kept"), DROPPED)
        .when(F.col("_survives").isNull(), UNDEDUPED)
        .when(~F.col("_survives"), DUPLICATE)
        .when(F.col("_chosen"), IN)
        .when(F.col("reason").isNotNull(), OUT)
        .otherwise(SURVIVOR)
    )
