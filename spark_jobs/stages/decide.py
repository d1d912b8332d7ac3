"""Rules over stored signals, as Spark columns: the same decisions as `text/decide.py`, without touching any text.

So a threshold can be moved, and a filter taken out, over a published table.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.tables import DROP_REASONS
from spark_jobs.operators.base import Rule
from spark_jobs.text.decide import Limits

_TABLE = "ARRAY<MAP<STRING, STRUCT<minimum: DOUBLE, maximum: DOUBLE>>>"


@dataclass(frozen=True)
class _Bounds:
    """The bounds that apply to a row, as columns of doubles; null is off."""

    minimum: Column
    maximum: Column


def signal_column(operator: Any, signal: str) -> str:
    """Name of the column that stores a signal."""
    return f"{operator.name}__{signal}"


def rule_to_column(rule: Rule, operator: Any) -> Column:
    """True where the stored signal breaks the rule, False where it does not or is null."""
    value, bounds = F.col(signal_column(operator, rule.signal)), _bounds(rule)
    broken = _below(rule, value, bounds) | _above(rule, value, bounds)
    return F.coalesce(broken & ~F.isnan(value), F.lit(False))


def reasons_column(operators: Sequence[Any]) -> Column:
    """`drop_reasons` of these filters: all broken rules, in the order of the filters and of their rules."""
    entries = [_entry(rule, operator) for operator in operators for rule in operator.rules()]
    broken = F.filter(F.array(*entries), lambda entry: entry.isNotNull()) if entries else F.array()
    return broken.cast(DROP_REASONS)


def redecide(cleaned: DataFrame, operators: Sequence[Any]) -> DataFrame:
    """`kept` and `drop_reasons` anew under these filters; reasons of what ran before the steps (extraction) stay."""
    own = F.filter("drop_reasons", lambda reason: reason["annotator"] == "extract")
    decided = cleaned.withColumn("drop_reasons", F.concat(own, reasons_column(operators)))
    return decided.withColumn("kept", F.size("drop_reasons") == 0)


def _bounds(rule: Rule) -> _Bounds:
    own = _Bounds(_number(rule.minimum), _number(rule.maximum))
    if rule.limits is None:
        return own
    listed = _listed(rule.limits)
    return _Bounds(
        F.when(listed.isNotNull(), listed["minimum"]).otherwise(own.minimum),
        F.when(listed.isNotNull(), listed["maximum"]).otherwise(own.maximum),
    )


def _listed(limits: Limits) -> Column:
    """The listed bounds of a row, null where none of its values is listed.

    The table is one literal, hashed by CRC-32: Spark looks a key of a map up by going through all of it.
    """
    size = max(len(limits.bounds), 1)
    buckets: list[dict[str, dict[str, float | None]]] = [{} for _ in range(size)]
    for value, (minimum, maximum) in limits.bounds.items():
        buckets[zlib.crc32(value.encode()) % size][value] = {"minimum": minimum, "maximum": maximum}
    table = F.from_json(F.lit(json.dumps(buckets, allow_nan=False)), _TABLE)
    found = []
    for depth in range(len(limits.by), 0, -1):
        columns = [F.col(name) for name in limits.by[:depth]]
        parts = [part for column in columns for part in (F.lit("_"), column)][1:]
        key = F.concat(*parts)
        bucket = F.get(table, (F.crc32(key) % F.lit(size)).cast("int"))
        found.append(F.element_at(bucket, key))
    return F.coalesce(*found)


def _number(bound: float | None) -> Column:
    return F.lit(None if bound is None else float(bound)).cast("double")


def _below(rule: Rule, value: Column, bounds: _Bounds) -> Column:
    return F.coalesce(value <= bounds.minimum if rule.exclusive else value < bounds.minimum, F.lit(False))


def _above(rule: Rule, value: Column, bounds: _Bounds) -> Column:
    return F.coalesce(value >= bounds.maximum if rule.exclusive else value > bounds.maximum, F.lit(False))


def _entry(rule: Rule, operator: Any) -> Column:
    value, bounds = F.col(signal_column(operator, rule.signal)), _bounds(rule)
    entry = F.struct(
        F.lit(operator.name).alias("annotator"),
        F.lit(operator.version).cast("int").alias("version"),
        F.lit(rule.reason).alias("reason"),
        value.alias("value"),
        F.when(_below(rule, value, bounds), bounds.minimum).otherwise(bounds.maximum).alias("bound"),
    )
    return F.when(rule_to_column(rule, operator), entry)
