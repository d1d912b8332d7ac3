"""What a release's record says of how it was mixed: counts by reason, fractions, cuts, plan. One small aggregate."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.scratch import totals
from spark_jobs.stages.mix_pool import ORIGINAL

# Reasons of documents that no selector saw, and of those that it did not take.
_UNSEEN = ("no_tokens", "other_capture", "other_sample")
_BARRED = "parent_"  # how reasons of rewrites begin whose parent cannot have one
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


def selected_fractions(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Selected share of what the selector saw: by documents, characters and tokens, three different numbers."""
    seen = [row for row in rows if _seen(row)]
    chosen = [row for row in seen if _taken(row)]
    sums = {name: (sum(row[name] for row in chosen), sum(row[name] for row in seen)) for name in _MEASURES}
    return {name: round(part / whole, 6) if whole else 0.0 for name, (part, whole) in sums.items()}


@dataclass(frozen=True)
class Sources:
    """Source documents of the rewrites that their filter took; `outside` are those not selected themselves."""

    documents: int
    outside: int


def count_sources(decided: DataFrame) -> Sources:
    """Counted over documents, each once, however many rewrites it has. Columns: those of decided documents."""
    seen = ~F.col("reason").isin(*_UNSEEN, *_UNTAKEN) & ~F.col("reason").startswith(_BARRED)
    taken = decided.where(F.coalesce(seen, F.lit(True)))
    keys = ["parent_snapshot", "parent_id"]
    raw = taken.where(F.col("origin") == ORIGINAL).select(
        F.col("snapshot").alias("parent_snapshot"), F.col("doc_id").alias("parent_id"), F.lit(True).alias("_raw")
    )
    sources = taken.where(F.col("origin") != ORIGINAL).select(*keys).distinct().join(raw, keys, "left")
    counted = totals(
        sources.agg(F.count(F.lit(1)).alias("documents"), F.count_if(F.col("_raw").isNull()).alias("outside"))
    )
    return Sources(counted["documents"], counted["outside"])


def rewrite_selection(counts: Counts, sources: Sources) -> dict[str, Any]:
    """What the filter of rewrites took of its pool, its derived threshold, and how far it recycles."""
    originals = [row for row in counts if row["origin"] == ORIGINAL]
    rewrites = [row for row in counts if row["origin"] != ORIGINAL]
    taken = [row["lowest"] for row in rewrites if _taken(row) and row["lowest"] is not None]
    seen, selected = (sum(row["documents"] for row in originals if test(row)) for test in (_seen, _taken))
    return {
        "fractions": selected_fractions(rewrites),
        "cut": min(taken, default=None),
        "recycled": recycled(sources, selected=selected, seen=seen),
    }


def recycled(sources: Sources, *, selected: int, seen: int) -> dict[str, Any]:
    r"""|S_rew \ S_raw| / |S_rew| over documents, beside what two independent choices give: 1 - p (arXiv 2506.04689).

    S_raw are the `selected` of the `seen` originals, p their share; S_rew the sources of the selected rewrites. The
    share alone says nothing: it is high by chance where p is small. Null where there is nothing to divide by.
    """
    return {
        "sources": sources.documents,
        "not_selected_themselves": sources.outside,
        "share": round(sources.outside / sources.documents, 6) if sources.documents else None,
        "share_if_independent": round(1 - selected / seen, 6) if seen else None,
    }


def _seen(row: Mapping[str, Any]) -> bool:
    """Whether a selector saw the documents of this row."""
    reason = row["reason"]
    return reason is None or not (reason in _UNSEEN or reason.startswith(_BARRED))


def _taken(row: Mapping[str, Any]) -> bool:
    return _seen(row) and row["reason"] not in _UNTAKEN


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
        if _taken(row) and row["lowest"] is not None:
            cuts[row["group"]] = min(row["lowest"], cuts.get(row["group"], row["lowest"]))
    return dict(sorted(cuts.items()))


def _summed(rows: Counts, key: str, value: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row[key]] = sums.get(row[key], 0) + int(row[value])
    return dict(sorted(sums.items()))
