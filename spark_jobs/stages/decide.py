"""Rules over stored signals, as Spark columns: the same decisions as `text/decide.py`, without touching any text.

So a threshold can be moved, and a filter taken out, over a published table.
"""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.tables import DROP_REASONS
from spark_jobs.operators.base import Rule


def signal_column(operator: Any, signal: str) -> str:
    """Name of the column that stores a signal."""
    return f"{operator.name}__{signal}"


def rule_to_column(rule: Rule, operator: Any) -> Column:
    """True where the stored signal breaks the rule, False where it does not or is null."""
    value = F.col(signal_column(operator, rule.signal))
    return F.coalesce((_below(rule, value) | _above(rule, value)) & ~F.isnan(value), F.lit(False))


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


def _below(rule: Rule, value: Column) -> Column:
    if rule.minimum is None:
        return F.lit(False)
    return value <= F.lit(float(rule.minimum)) if rule.exclusive else value < F.lit(float(rule.minimum))


def _above(rule: Rule, value: Column) -> Column:
    if rule.maximum is None:
        return F.lit(False)
    return value >= F.lit(float(rule.maximum)) if rule.exclusive else value > F.lit(float(rule.maximum))


def _entry(rule: Rule, operator: Any) -> Column:
    value = F.col(signal_column(operator, rule.signal))
    minimum = F.lit(None if rule.minimum is None else float(rule.minimum)).cast("double")
    maximum = F.lit(None if rule.maximum is None else float(rule.maximum)).cast("double")
    entry = F.struct(
        F.lit(operator.name).alias("annotator"),
        F.lit(operator.version).cast("int").alias("version"),
        F.lit(rule.reason).alias("reason"),
        value.alias("value"),
        F.when(F.coalesce(_below(rule, value), F.lit(False)), minimum).otherwise(maximum).alias("bound"),
    )
    return F.when(rule_to_column(rule, operator), entry)
