"""What a release's record says of how it was mixed: counts by reason, fractions, cuts, plan. Small aggregates only."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.stages.mix_pool import ORIGINAL

# Reasons of documents that no selector saw, and of those that it did not take.
_UNSEEN = ("no_tokens", "other_capture")
_UNTAKEN = ("not_selected", "no_score")
_MEASURES = ("documents", "characters", "tokens")


def release_facts(
    decided: DataFrame, *, group: str | None, quotas: Mapping[str, int], rewrite_tokens: int
) -> dict[str, Any]:
    """Facts of all decisions of a release. `rewrite_tokens` is the budget of rewrites, `quotas` those of the plan."""
    counts = _counts(decided)
    originals = [row for row in counts if row["origin"] == ORIGINAL]
    rewrites = [row for row in counts if row["origin"] != ORIGINAL]
    taken = sum(row["drawn_tokens"] for row in rewrites)
    total = taken + sum(row["drawn_tokens"] for row in originals)
    return {
        "decisions": [{k: row[k] for k in ("origin", "reason", *_MEASURES)} for row in counts],
        "selection": {"fractions": selected_fractions(originals), "cuts": _cuts(decided, group)},
        "planned_tokens": dict(quotas) or _drawn_by_source(decided),
        "rewritten": {
            "budget_tokens": rewrite_tokens,
            "offered_tokens": sum(row["tokens"] for row in rewrites if row["reason"] in (None, "over_share")),
            "taken_tokens": taken,
            "share": round(taken / total, 6) if total else 0.0,
        },
    }


def documents_by_benchmark(decided: DataFrame) -> dict[str, int]:
    """Documents that were dropped for each benchmark; one that holds items of two counts for both."""
    named = decided.where(F.col("reason") == "contaminated").select(
        F.explode(F.array_distinct(F.col("matches.benchmark"))).alias("benchmark")
    )
    return {row["benchmark"]: int(row["count"]) for row in named.groupBy("benchmark").count().collect()}


def selected_fractions(originals: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Selected share of what the selector saw: by documents, characters and tokens, three different numbers."""
    seen = [row for row in originals if row["reason"] not in _UNSEEN]
    chosen = [row for row in seen if row["reason"] not in _UNTAKEN]
    sums = {name: (sum(row[name] for row in chosen), sum(row[name] for row in seen)) for name in _MEASURES}
    return {name: round(part / whole, 6) if whole else 0.0 for name, (part, whole) in sums.items()}


def _counts(decided: DataFrame) -> list[dict[str, Any]]:
    rows = decided.groupBy("origin", "reason").agg(
        F.count(F.lit(1)).alias("documents"),
        F.sum("characters").alias("characters"),
        F.sum("tokens").alias("tokens"),
        F.sum(F.col("tokens") * F.col("copies")).alias("drawn_tokens"),
    )
    return [row.asDict() for row in rows.orderBy("origin", F.asc_nulls_first("reason")).collect()]


def _cuts(decided: DataFrame, group: str | None) -> dict[str, float]:
    """The derived thresholds: the lowest score that was selected, over all or by group."""
    chosen = F.col("reason").isNull() | ~F.col("reason").isin(*_UNSEEN, *_UNTAKEN)
    name = F.coalesce(F.col(group), F.lit("")) if group else F.lit("all")
    rows = (
        decided.where((F.col("origin") == ORIGINAL) & chosen & F.col("quality").isNotNull())
        .groupBy(name.alias("group"))
        .agg(F.min("quality").alias("cut"))
    )
    return {row["group"]: float(row["cut"]) for row in rows.orderBy("group").collect()}


def _drawn_by_source(decided: DataFrame) -> dict[str, int]:
    rows = (
        decided.where(F.col("reason").isNull() & (F.col("origin") == ORIGINAL))
        .groupBy(F.coalesce("source", F.lit("")).alias("source"))
        .agg(F.sum(F.col("tokens") * F.col("copies")).alias("tokens"))
    )
    return {row["source"]: int(row["tokens"]) for row in rows.orderBy("source").collect()}
