"""Rules over stored signals, as Spark columns: the same decisions as `text/decide.py`, without touching any text.

So a threshold can be moved, and a filter taken out, over a published table.
"""

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.tables import DROP_REASONS
from spark_jobs.operators.base import Rule

# For each bucket the listed values with their bounds: minimum and maximum of the first rule, of the second, ...
_TABLE = "ARRAY<MAP<STRING, ARRAY<DOUBLE>>>"


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
    return _with_bounds([rule], lambda bounds: _broken(rule, operator, bounds[0]))


def reasons_column(operators: Sequence[Any]) -> Column:
    """`drop_reasons` of these filters: all broken rules, in the order of the filters and of their rules."""
    stated = [(rule, operator) for operator in operators for rule in operator.rules()]
    if not stated:
        return F.array().cast(DROP_REASONS)

    def entries(bounds: Sequence[_Bounds]) -> Column:
        return F.array(*(_entry(rule, operator, own) for (rule, operator), own in zip(stated, bounds, strict=True)))

    found = _with_bounds([rule for rule, _ in stated], entries)
    return F.filter(found, lambda entry: entry.isNotNull()).cast(DROP_REASONS)


def redecide(cleaned: DataFrame, operators: Sequence[Any]) -> DataFrame:
    """`kept` and `drop_reasons` anew under these filters; reasons of what ran before the steps (extraction) stay."""
    own = F.filter("drop_reasons", lambda reason: reason["annotator"] == "extract")
    decided = cleaned.withColumn("drop_reasons", F.concat(own, reasons_column(operators)))
    return decided.withColumn("kept", F.size("drop_reasons") == 0)


def _with_bounds(rules: Sequence[Rule], decide: Callable[[Sequence[_Bounds]], Column]) -> Column:
    """A decision from the bounds of each rule that apply to a row, looked up once for all rules that list alike.

    The rows of the tables are bound by a lambda: written out at each use, long tables would make a plan of gigabytes.
    """
    tables: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Rule]] = {}
    for rule in rules:
        if rule.limits is not None:
            tables.setdefault((rule.limits.by, rule.limits.known), []).append(rule)
    if not tables:
        return decide([_own_bounds(rule) for rule in rules])

    def bound(listed: Column) -> Column:
        place = {
            id(rule): (listed[f"_{number}"], 2 * k)
            for number, of_table in enumerate(tables.values())
            for k, rule in enumerate(of_table)
        }
        return decide([_listed_bounds(rule, *place[id(rule)]) if rule.limits else _own_bounds(rule) for rule in rules])

    rows = [_row_of_table(of_table).alias(f"_{number}") for number, of_table in enumerate(tables.values())]
    return F.get(F.transform(F.array(F.struct(*rows)), bound), F.lit(0))


def _own_bounds(rule: Rule) -> _Bounds:
    return _Bounds(_number(rule.minimum), _number(rule.maximum))


def _listed_bounds(rule: Rule, row: Column, place: int) -> _Bounds:
    """The bounds in the row of a table from `place` on, those of the rule itself where there is no row."""
    own, listed = _own_bounds(rule), row.isNotNull()
    return _Bounds(
        F.when(listed, F.get(row, F.lit(place))).otherwise(own.minimum),
        F.when(listed, F.get(row, F.lit(place + 1))).otherwise(own.maximum),
    )


def _row_of_table(rules: Sequence[Rule]) -> Column:
    """The bounds of rules that list the same values of the same columns; null where none of a row's values is listed.

    The table is one literal, hashed by CRC-32: Spark looks a key of a map up by going through all of it.
    """
    tables = [rule.limits for rule in rules if rule.limits is not None]
    by, known = tables[0].by, tables[0].known
    size = max(len(known), 1)
    buckets: list[dict[str, list[float | None]]] = [{} for _ in range(size)]
    for value in known:
        row = [bound for limits in tables for bound in limits.bounds[value]]
        buckets[zlib.crc32(value.encode()) % size][value] = row
    table = F.from_json(F.lit(json.dumps(buckets, allow_nan=False)), _TABLE)
    found = []
    for depth in range(len(by), 0, -1):
        parts = [part for name in by[:depth] for part in (F.lit("_"), F.col(name))][1:]
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


def _broken(rule: Rule, operator: Any, bounds: _Bounds) -> Column:
    value = F.col(signal_column(operator, rule.signal))
    broken = _below(rule, value, bounds) | _above(rule, value, bounds)
    return F.coalesce(broken & ~F.isnan(value), F.lit(False))


def _entry(rule: Rule, operator: Any, bounds: _Bounds) -> Column:
    value = F.col(signal_column(operator, rule.signal))
    entry = F.struct(
        F.lit(operator.name).alias("annotator"),
        F.lit(operator.version).cast("int").alias("version"),
        F.lit(rule.reason).alias("reason"),
        value.alias("value"),
        F.when(_below(rule, value, bounds), bounds.minimum).otherwise(bounds.maximum).alias("bound"),
    )
    return F.when(_broken(rule, operator, bounds), entry)
