"""What a release's record says of how it was mixed: counts by reason, fractions, cuts, plan. One small aggregate."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.stages.mix_pool import ORIGINAL

# Reasons of documents that no selector saw, and of those that it did not take.
_UNSEEN = ("no_tokens", "other_capture")
_UNTAKEN = ("not_selected", "no_score")
_MEASURES = ("documents", "characters", "tokens")

Counts = Sequence[Mapping[str, Any]]


def count_decisions(decided: DataFrame, group: str | None) -> Counts:
    """One row per origin, reason, source and group of the selector: documents, characters, tokens, lowest score."""
    source = F.coalesce("source", F.lit("")).alias("source")
    name = F.coalesce(F.col(group), F.lit("")) if group else F.lit("all")
    rows = decided.groupBy("origin", "reason", source, name.alias("group")).agg(
        F.count(F.lit(1)).alias("documents"),
        F.sum("characters").alias("characters"),
        F.sum("tokens").alias("tokens"),
        F.sum(F.col("tokens") * F.col("copies")).alias("drawn_tokens"),
        F.min("quality").alias("lowest"),
    )
    found = [row.asDict() for row in rows.collect()]
    return sorted(found, key=lambda r: (r["origin"], r["reason"] or "", r["source"], r["group"]))


def drawn_tokens(counts: Counts) -> int:
    """Tokens of the release, every copy counted."""
    return sum(int(row["drawn_tokens"]) for row in counts)


def release_facts(counts: Counts, *, quotas: Mapping[str, int], rewrite_tokens: int) -> dict[str, Any]:
    """Facts of all decisions of a release. `rewrite_tokens` is the budget of rewrites, `quotas` those of the plan."""
    originals = [row for row in counts if row["origin"] == ORIGINAL]
    rewrites = [row for row in counts if row["origin"] != ORIGINAL]
    taken, total = drawn_tokens(rewrites), drawn_tokens(counts)
    kept = [row for row in originals if row["reason"] is None]
    return {
        "decisions": _by_reason(counts),
        "selection": {"fractions": selected_fractions(originals), "cuts": _cuts(originals)},
        "planned_tokens": dict(quotas) or _summed(kept, "source", "drawn_tokens"),
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


def _by_reason(counts: Counts) -> list[dict[str, Any]]:
    merged: dict[tuple[str, str | None], dict[str, Any]] = {}
    for row in counts:
        start = {"origin": row["origin"], "reason": row["reason"], **dict.fromkeys(_MEASURES, 0)}
        entry = merged.setdefault((row["origin"], row["reason"]), start)
        for name in _MEASURES:
            entry[name] += int(row[name])
    return list(merged.values())


def _cuts(originals: Counts) -> dict[str, float]:
    """The derived thresholds: the lowest score that was selected, over all or by group of the selector."""
    cuts: dict[str, float] = {}
    for row in originals:
        if row["reason"] not in (*_UNSEEN, *_UNTAKEN) and row["lowest"] is not None:
            cuts[row["group"]] = min(row["lowest"], cuts.get(row["group"], row["lowest"]))
    return dict(sorted(cuts.items()))


def _summed(rows: Counts, key: str, value: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0) + int(row[value])
    return dict(sorted(sums.items()))
