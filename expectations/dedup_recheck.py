"""The re-check of a snapshot's duplicates: a sample of the removed documents, judged again by their texts alone.

Text is read of the snapshot and of one earlier one, in the versions that were deduped, so the cost does not grow with
the lake. How it is judged is in `spark_jobs.dedup.recheck`.
"""

from collections.abc import Mapping

from pyspark.sql import functions as F

from expectations.figures import Figure
from expectations.gate import Audited
from spark_jobs.dedup.recheck import CHECKED, STEPS, check
from spark_jobs.recipe.sections.dedup_gates import DedupGates
from spark_jobs.stages.dedup import minhash_params

# Stored and true similarity are quotients of the same two numbers.
EXACT = 1e-9


def earlier_of(audited: Audited) -> tuple[str, ...]:
    """The snapshots before, in sequence order."""
    order = audited.inputs.snapshots()
    return order[: order.index(audited.partition)] if audited.partition in order else ()


def snapshots_named(audited: Audited, column: str) -> tuple[str, ...]:
    """The earlier snapshots that duplicates name in a column, the most often named one first."""
    rows = audited.candidate.where("NOT kept").groupBy(column).count().collect()
    counted = {row[column]: row["count"] for row in rows}
    return tuple(sorted((s for s in earlier_of(audited) if s in counted), key=lambda s: (-counted[s], s)))


def rechecked(audited: Audited, gates: DedupGates) -> dict[str, Figure]:
    """The share of wrong ones in the sample, and how many similarities are not those of the texts."""
    names = ("wrong_share", "untrue_similarities")
    if not gates.recheck.documents:
        return dict.fromkeys(names, Figure(0.0, "not checked: the recipe asks for no documents"))
    # Text is read of this snapshot and of one earlier one: what is checked does not grow with the lake.
    earlier = snapshots_named(audited, "linked_snapshot")[:1]
    sampled = _sample(audited, gates, (audited.partition, *earlier))
    if not sampled:
        return dict.fromkeys(names, Figure(0.0, "no document was removed whose evidence is text"))
    checked = _checked(audited, gates, sampled, earlier)
    judged = {name: true for name, true in checked.items() if true is not None}
    least = audited.recipe.deduped.minhash.min_similarity
    wrong = {name for name, true in judged.items() if true < (least if sampled[name][0] == "minhash" else 1.0) - EXACT}
    untrue = sum(abs(true - sampled[name][1]) > EXACT for name, true in judged.items() if name not in wrong)
    read = ", ".join((audited.partition, *earlier))
    told = f"of {len(judged):,} removed documents checked against the texts of {read}"
    return {
        "wrong_share": Figure(len(wrong) / len(judged) if judged else 0.0, f"{len(wrong):,} wrong {told}"),
        "untrue_similarities": Figure(untrue, f"{untrue:,} with another similarity {told}"),
    }


def _sample(audited: Audited, gates: DedupGates, snapshots: tuple[str, ...]) -> dict[str, tuple[str, float, str, str]]:
    """By document: step, similarity, and what it is linked to. The first by a hash of id and seed."""
    draw = F.sha2(F.concat_ws("/", F.lit("recheck"), F.lit(str(gates.recheck.seed)), "doc_id"), 256)
    rows = (
        audited.candidate.where(~F.col("kept") & F.col("duplicate_step").isin(*STEPS))
        .where(F.col("linked_snapshot").isin(*snapshots) & F.col("linked_to").isNotNull())
        .orderBy(draw, "doc_id")
        .limit(gates.recheck.documents)
        .select("doc_id", "duplicate_step", "similarity", "linked_snapshot", "linked_to")
    )
    return {r["doc_id"]: (r["duplicate_step"], float(r["similarity"]), r["linked_snapshot"], r["linked_to"])
            for r in rows.collect() if r["similarity"] is not None}  # fmt: skip


def _checked(
    audited: Audited, gates: DedupGates, sampled: Mapping[str, tuple[str, float, str, str]], earlier: tuple[str, ...]
) -> dict[str, float | None]:
    session, params = audited.candidate.sparkSession, minhash_params(audited.recipe.deduped)
    pairs = session.createDataFrame(
        [(name, step, other_snapshot, other) for name, (step, _, other_snapshot, other) in sampled.items()],
        "doc_id STRING, step STRING, linked_snapshot STRING, linked_to STRING",
    )
    wanted = sorted({*sampled, *(other for *_, other in sampled.values())})
    own = audited.inputs.partition("cleaned", audited.partition)
    texts = own if not earlier else own.unionByName(
        audited.inputs.behind("deduped", "cleaned", earlier), allowMissingColumns=True
    )  # fmt: skip
    texts = texts.where(F.col("doc_id").isin(wanted)).select("snapshot", "doc_id", "text")
    mine = texts.where(F.col("snapshot") == audited.partition).select("doc_id", "text")
    its = texts.select(
        F.col("snapshot").alias("linked_snapshot"), F.col("doc_id").alias("linked_to"), F.col("text").alias("other")
    )
    beside = F.broadcast(pairs).join(mine, "doc_id", "left").join(its, ["linked_snapshot", "linked_to"], "left")
    most = gates.recheck.max_chars
    found = beside.select("doc_id", "step", "text", "other").mapInArrow(lambda b: check(b, params, most), CHECKED)
    return {row["doc_id"]: row["true_similarity"] for row in found.collect()}
