"""Verdicts under two sets of filters, counted: by the reasons of a row before and after, and by a column's values.

Reads `drop_reasons`, the signals that rules name, and what is grouped by. Reasons are `annotator.reason`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.analysis.stored import TOKENS, Stored, StoredFilter
from spark_jobs.stages.decide import reasons_column


@dataclass(frozen=True, kw_only=True)
class Group:
    """Documents that break exactly these rules before and after, each in the order of the filters."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    documents: int
    tokens: int


def verdicts(stored: Stored, filters: Sequence[StoredFilter], by: str | None = None) -> DataFrame:
    """One row a document: `before` and `after` (arrays of reasons), `tokens`, and `key`, the value of `by`."""
    own = F.filter("drop_reasons", lambda reason: reason["annotator"] == "extract")
    after = F.concat(own, reasons_column(filters)) if filters != stored.filters else F.col("drop_reasons")
    return stored.rows.select(
        _names(F.col("drop_reasons")).alias("before"),
        _names(after).alias("after"),
        tokens_of(stored).alias("tokens"),
        (F.col(by) if by else F.lit(None).cast("string")).alias("key"),
    )


def tokens_of(stored: Stored) -> Column:
    """Tokens of a row, 0 where none were counted."""
    counted = F.col(f"`{TOKENS}`").cast("long") if stored.has_tokens else F.lit(None).cast("long")
    return F.coalesce(counted, F.lit(0).cast("long"))


def passes(filters: Sequence[StoredFilter]) -> Column:
    """Whether a row has text and breaks no rule of these filters."""
    extracted = ~F.exists("drop_reasons", lambda reason: reason["annotator"] == "extract")
    return extracted & (F.size(reasons_column(filters)) == 0)


def groups(rows: DataFrame) -> tuple[Group, ...]:
    """Rows of `verdicts` counted by what they break, most documents first."""
    counted = rows.groupBy("before", "after").agg(F.count(F.lit(1)).alias("documents"), F.sum("tokens").alias("tokens"))
    found = (
        Group(before=tuple(r["before"]), after=tuple(r["after"]), documents=r["documents"], tokens=r["tokens"])
        for r in counted.collect()
    )
    return tuple(sorted(found, key=lambda group: (-group.documents, group.before, group.after)))


def by_key(rows: DataFrame, top: int) -> list[dict[str, Any]]:
    """Rows of `verdicts` by `key`: the `top` keys with the most documents, counted before and after."""
    kept_before, kept_after = F.size("before") == 0, F.size("after") == 0

    def tokens(kept: Column) -> Column:
        return F.sum(F.when(kept, F.col("tokens")).otherwise(F.lit(0)))

    counted = rows.groupBy("key").agg(
        F.count(F.lit(1)).alias("documents"),
        F.sum("tokens").alias("tokens"),
        F.count_if(kept_before).alias("kept_before"),
        F.count_if(kept_after).alias("kept_after"),
        tokens(kept_before).alias("tokens_before"),
        tokens(kept_after).alias("tokens_after"),
    )
    return [row.asDict() for row in counted.orderBy(F.desc("documents"), "key").limit(top).collect()]


def _names(reasons: Column) -> Column:
    return F.transform(reasons, lambda reason: F.concat_ws(".", reason["annotator"], reason["reason"]))
