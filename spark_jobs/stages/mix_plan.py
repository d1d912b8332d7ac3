"""How often each document is drawn: copies from a plan or a multiplicity, the share of rewrites, the final phase.

The arithmetic is plain integers over a few totals; which documents it falls on is decided by `ordered_cut`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.operators.ordered_cut import best_rank, hash_rank, millionths, take
from spark_jobs.recipe.sections.mixed import FinalPhase, MixedSection, Multiplicity
from spark_jobs.stages.mix_pool import ORIGINAL, best_first

_MILLION = 1_000_000
_ONE = "_all"
MAIN, FINAL = "main", "final"


@dataclass(frozen=True)
class Allotment:
    """Every document of a group is drawn `copies` times; `extra_tokens` more go to its best documents, once each."""

    copies: int
    extra_tokens: int


def allot(*, have: int, quota: int, cap: int) -> Allotment:
    """Draw `quota` tokens from a group that has `have`, no document more than `cap` times: never above the quota."""
    full = min(cap, quota // have) if have > 0 else 0
    return Allotment(full, 0 if full >= cap else quota - full * have)


def quotas(budget_tokens: int, shares: Mapping[str, float]) -> dict[str, int]:
    """The budget divided, each part rounded down."""
    return {name: budget_tokens * millionths(share) // _MILLION for name, share in shares.items()}


def rewrite_budget(original_tokens: int, share: float) -> int:
    """Tokens of rewrites so that they are at most `share` of originals and rewrites together."""
    part = millionths(share)
    return original_tokens * part // (_MILLION - part)


def with_copies(
    documents: DataFrame, section: MixedSection, planned: Mapping[str, int], have: Mapping[str, int]
) -> DataFrame:
    """Selected originals with `copies` and, where that is 0, the `reason`.

    `planned` are the quotas of the plan, `have` the tokens of its sources; both are empty without a plan. Where the
    recipe rehydrates, documents have a `weight`: copies are repeated so often, up to the epoch cap.
    """
    if section.plan is not None:
        allotted = {name: allot(have=have.get(name, 0), quota=q, cap=section.max_epochs) for name, q in planned.items()}
        return _by_plan(documents, allotted)
    copies = _listed(section.multiplicity) if section.multiplicity is not None else F.lit(1)
    if section.rehydration is not None:
        copies = F.least(copies * F.col("weight"), F.lit(section.max_epochs))
    return _reasoned(documents.withColumn("copies", copies.cast("int")), F.lit("left_out")).drop("weight")


def _listed(multiplicity: Multiplicity) -> Column:
    copies: Column = F.lit(multiplicity.others)
    for name, count in sorted(multiplicity.copies.items()):
        copies = F.when(F.col(multiplicity.by) == name, F.lit(count)).otherwise(copies)
    return copies


def _by_plan(documents: DataFrame, allotted: Mapping[str, Allotment]) -> DataFrame:
    spark: SparkSession = documents.sparkSession
    rows = [(name, a.copies, a.extra_tokens) for name, a in sorted(allotted.items())]
    plan = spark.createDataFrame(rows, "_source STRING, _copies INT, budget BIGINT")
    grouped = documents.withColumn("_source", F.coalesce("source", F.lit("")))
    taken = take(
        grouped, plan.select("_source", "budget"), group="_source", rank=best_rank("quality"), order=best_first(),
        weight="tokens", into="_extra",
    )  # fmt: skip
    placed = taken.join(F.broadcast(plan.drop("budget")), "_source", "left")
    copies = F.coalesce("_copies", F.lit(0)) + F.col("_extra").cast("int")
    reason = F.when(F.col("_copies").isNull(), "not_in_plan").otherwise("over_quota")
    return _reasoned(placed.withColumn("copies", copies), reason).drop("_source", "_copies", "_extra")


def _reasoned(documents: DataFrame, reason: Column) -> DataFrame:
    return documents.withColumn("reason", F.when(F.col("copies") < 1, reason))


def _by_hash() -> tuple[Column, ...]:
    return (F.asc("tie"), F.asc("doc_id"), F.asc("snapshot"))


def _take_all(
    frame: DataFrame, budget: int, *, rank: Column, order: tuple[Column, ...], weight: str, into: str
) -> DataFrame:
    """`take` over all rows as one group."""
    budgets = frame.sparkSession.createDataFrame([("", budget)], f"{_ONE} STRING, budget BIGINT")
    grouped = frame.withColumn(_ONE, F.lit(""))
    return take(grouped, budgets, group=_ONE, rank=rank, order=order, weight=weight, into=into).drop(_ONE)


def within_share(rewrites: DataFrame, original_tokens: int, section: MixedSection) -> DataFrame:
    """Eligible rewrites with `copies` 1 while their share lasts, by hash; 0 and `over_share` after it."""
    taken = _take_all(
        rewrites, rewrite_budget(original_tokens, section.rewritten_share), rank=hash_rank(), order=_by_hash(),
        weight="tokens", into="_taken",
    )  # fmt: skip
    return _reasoned(taken.withColumn("copies", F.col("_taken").cast("int")), F.lit("over_share")).drop("_taken")


def with_phases(mixed: DataFrame, total_tokens: int, final: FinalPhase | None) -> DataFrame:
    """Documents of the release with `phase`: the final one holds at most its share of the drawn tokens."""
    if final is None:
        return mixed.withColumn("phase", F.lit(MAIN))
    best = final.choose == "best"
    # Rewrites have scores of another model, which do not compare with those of originals: they come behind.
    comparable = F.when(F.col("origin") == ORIGINAL, F.col("quality"))
    drawn = mixed.withColumns({"_drawn": F.col("tokens") * F.col("copies"), "_quality": comparable})
    taken = _take_all(
        drawn, total_tokens * millionths(final.share) // _MILLION,
        rank=best_rank("_quality") if best else hash_rank(), order=best_first("_quality") if best else _by_hash(),
        weight="_drawn", into="_final",
    )  # fmt: skip
    phase = F.when(F.col("_final"), FINAL).otherwise(MAIN)
    return taken.withColumn("phase", phase).drop("_drawn", "_quality", "_final")
