"""The best documents that hold a stated share of the pool's tokens. The threshold is derived, never typed in."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Params
from spark_jobs.operators.ordered_cut import RANKS, at_least_share_of, best_rank, take


class TopFractionParams(Params):
    """Which share, by which score, within what."""

    fraction: float = Field(gt=0, le=1, description="share of the pool's tokens to take, best documents first")
    score: str | None = Field(default=None, description="column of `scored`, <scorer>__<score>; none: its only score")
    group: Literal["language", "source"] | None = Field(
        None, description="take the share within each language or source instead of over the pool"
    )
    bins: int = Field(default=RANKS, ge=2, le=1_000_000, description="steps of the histogram that finds the cut")


class TopFraction:
    """Sort by score, take until the share of tokens is reached, the crossing document included.

    Equal scores are decided by a hash, so the share is met to one document. A document without a score is never taken.
    """

    name: ClassVar[str] = "top_fraction"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.11794 (DCLM), arXiv 2506.04689 (REWIRE): the best 10 %"
    Params: ClassVar[type[Params]] = TopFractionParams
    examples: ClassVar[tuple[Example, ...]] = ()

    def __init__(self, params: TopFractionParams) -> None:
        """Take the share."""
        self.params = params

    def score_column(self, available: Sequence[str]) -> str | None:
        """The named score, or the only one."""
        asked = self.params.score
        if asked is not None and asked in available:
            return asked
        if asked is None and len(available) == 1:
            return available[0]
        problem = f"no score {asked}" if asked else "several scores to choose from" if available else "no score at all"
        raise RecipeError(
            f"mixed.select: top_fraction: {problem}; scored has {', '.join(available) or 'none'}: "
            "name one as `score`, or select with `everything`"
        )

    def select(self, pool: DataFrame) -> DataFrame:
        """The pool with `selected`."""
        group = F.coalesce(F.col(self.params.group), F.lit("")) if self.params.group else F.lit("")
        grouped = pool.withColumn("_group", group)
        scored = grouped.where(F.col("quality").isNotNull())
        total = F.sum("tokens")
        budgets = scored.groupBy("_group").agg(at_least_share_of(total, self.params.fraction).alias("budget"))
        taken = take(
            scored, budgets, group="_group", rank=best_rank("quality", ranks=self.params.bins),
            order=(F.desc("quality"), F.asc("tie"), F.asc("doc_id"), F.asc("snapshot")),
            weight="tokens", into="selected", crossing=True,
        )  # fmt: skip
        unscored = grouped.where(F.col("quality").isNull()).withColumn("selected", F.lit(False))
        return taken.unionByName(unscored).drop("_group")
