"""Verdicts under two sets of filters, counted: by the reasons of a row before and after, and by a column's values.

Reads `drop_reasons`, the signals that rules name, and what is grouped by. Reasons are `annotator.reason`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.analysis.overlap import EXTRACTION
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
    return stored.rows.select(
        _names(F.col("drop_reasons")).alias("before"),
        _names(reasons_under(stored, filters)).alias("after"),
        tokens_of(stored).alias("tokens"),
        (F.col(by) if by else F.lit(None).cast("string")).alias("key"),
    )


def tokens_of(stored: Stored) -> Column:
    """Tokens of a row, 0 where none were counted."""
    counted = F.col(f"`{TOKENS}`").cast("long") if stored.has_tokens else F.lit(None).cast("long")
    return F.coalesce(counted, F.lit(0).cast("long"))


def reasons_under(stored: Stored, filters: Sequence[StoredFilter]) -> Column:
    """`drop_reasons` under these filters: stored ones where a filter is as it was, else from its signals.

    In the order of a run. What is as it was is not computed again, so only the signals of moved filters are read.
    """
    published = {one.name: one for one in stored.filters}
    pieces: list[Column] = []
    same = [EXTRACTION]
    for one in filters:
        if one == published.get(one.name):
            same.append(one.name)
            continue
        pieces += [_stored_reasons(same)] if same else []
        pieces.append(reasons_column([one]))
        same = []
    pieces += [_stored_reasons(same)] if same else []
    return F.concat(*pieces) if len(pieces) > 1 else pieces[0]


def _stored_reasons(names: Sequence[str]) -> Column:
    return F.filter("drop_reasons", lambda reason: reason["annotator"].isin(list(names)))


def passes(stored: Stored, filters: Sequence[StoredFilter]) -> Column:
    """Whether a row breaks no rule of these filters, and has text."""
    return F.size(reasons_under(stored, filters)) == 0


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
