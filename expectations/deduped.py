"""What must hold of `deduped`: nothing lost, every duplicate names a kept survivor and the evidence."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.common_laws import columns, holds, keys, no_nan, no_nulls, no_row, row_count
from expectations.gate import Audited, Law


def _scored_rows(audited: Audited) -> int:
    return audited.inputs.partition("scored", audited.partition).count() - audited.suppressed


def _earlier(audited: Audited) -> tuple[str, ...]:
    order = audited.inputs.snapshots()
    return order[: order.index(audited.partition)] if audited.partition in order else ()


def _with_survivors(audited: Audited) -> DataFrame:
    """Duplicates beside their survivor's row, from this snapshot or an earlier one."""
    survivors = audited.candidate.select("snapshot", "doc_id", "kept")
    earlier = _earlier(audited)
    if earlier:
        survivors = survivors.unionByName(
            audited.inputs.partitions("deduped", earlier).select("snapshot", "doc_id", "kept")
        )
    named = survivors.select(
        F.col("snapshot").alias("survivor_snapshot"),
        F.col("doc_id").alias("survivor_id"),
        F.col("kept").alias("survivor_kept"),
    )
    return audited.candidate.where(~F.col("kept")).join(named, ["survivor_snapshot", "survivor_id"], "left")


def _threshold(audited: Audited) -> float:
    return float(audited.facts.get("min_similarity", 0.0))


LAWS: tuple[Law, ...] = (
    columns(
        "snapshot",
        "doc_id",
        "kept",
        "cluster_id",
        "duplicate_step",
        "survivor_snapshot",
        "survivor_id",
        "linked_to",
        "similarity",
    ),
    *keys(),
    row_count("conserved", "kept + duplicates = scored rows", _scored_rows),
    no_nan(),
    no_nulls("verdicts_are_there", "every row has a verdict", "kept"),
    no_row(
        "survivors_are_kept",
        "every survivor exists and is kept itself",
        "survivor_kept IS NULL OR NOT survivor_kept",
        frame=_with_survivors,
    ),
    no_row(
        "duplicates_have_evidence",
        "every duplicate names its step, its survivor, what it was linked to and how similar that is",
        "NOT kept AND (duplicate_step IS NULL OR survivor_snapshot IS NULL OR survivor_id IS NULL "
        "OR linked_to IS NULL OR similarity IS NULL)",
    ),
    no_row(
        "kept_rows_have_no_survivor_but_themselves",
        "a kept document is nobody's duplicate",
        "kept AND (duplicate_step IS NOT NULL OR (survivor_id IS NOT NULL AND survivor_id <> doc_id))",
    ),
    no_row(
        "similarities_are_in_range",
        "similarity lies in [0, 1]",
        "(similarity < 0 OR similarity > 1) AND NOT isnan(similarity)",
    ),
    no_row(
        "links_are_similar_enough",
        "every pair that links a cluster was verified at or above the threshold",
        lambda audited: f"NOT kept AND similarity < {_threshold(audited)}",
    ),
    holds(
        "not_everything_is_a_duplicate",
        "the first snapshot keeps at least one document in twenty",
        lambda audited: f"{'true' if _earlier(audited) else 'false'} OR count_if(kept) * 20 >= count(1)",
        severity="warning",
    ),
)
