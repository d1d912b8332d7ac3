"""Selecting: taking until a budget is spent, and the best share of a pool, against sorted prefixes in plain Python."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.operators import registry
from spark_jobs.operators.ordered_cut import take
from tests.spark.published import doc

Rows = list[tuple[Any, ...]]


def reference(rows: Rows, budget: int, *, crossing: bool) -> set[str]:
    taken, total = set(), 0
    for key, _rank, weight in sorted(rows, key=lambda r: (r[1], r[0])):
        if total >= budget if crossing else total + weight > budget:
            break
        total += weight
        taken.add(key)
    return taken


@pytest.mark.parametrize("crossing", [True, False])
def test_taking_is_the_sorted_prefix_for_every_budget(spark: SparkSession, *, crossing: bool) -> None:
    rows, budgets = [], []
    for group in range(24):
        count = group % 7
        rows += [(f"{group:02d}", f"{group:02d}-{i}", (i * 5 + group) % 3, (i * 11 + group) % 6) for i in range(count)]
        if group != 5:  # a group without a budget takes nothing
            budgets.append((f"{group:02d}", (group * 3) % 17))
    source = spark.createDataFrame(rows, "g STRING, key STRING, rank INT, weight BIGINT").repartition(3)
    taken = take(
        source, spark.createDataFrame(budgets, "g STRING, budget BIGINT"), group="g", rank=F.col("rank"),
        order=(F.asc("key"),), weight="weight", into="taken", crossing=crossing,
    )  # fmt: skip
    found = taken.collect()
    assert len(found) == len(rows)
    for group, budget in budgets:
        mine = [(key, rank, weight) for g, key, rank, weight in rows if g == group]
        # Weights of 0 at a spent budget are the one place where prefixes of equal weight differ.
        expected = reference(mine, budget, crossing=crossing)
        got = {row["key"] for row in found if row["g"] == group and row["taken"]}
        assert got == expected, (group, budget)
    assert not [row for row in found if row["g"] == "05" and row["taken"]]


def pool(spark: SparkSession, qualities: Sequence[float | None]) -> tuple[Rows, DataFrame]:
    rows = [
        ("s", doc(n), 5 + n % 9, quality, hashlib.sha256(str(n).encode()).hexdigest()[:32], "en", f"src{n % 4}", "h")
        for n, quality in enumerate(qualities)
    ]
    schema = "snapshot STRING, doc_id STRING, tokens BIGINT, quality DOUBLE, tie STRING, language STRING, "
    return rows, spark.createDataFrame(rows, schema + "source STRING, host STRING").repartition(3)


def best(rows: Rows, fraction: float) -> set[str]:
    scored = [row for row in rows if row[3] is not None]
    total, spent, taken = sum(row[2] for row in scored), 0, set()
    for row in sorted(scored, key=lambda r: (-r[3], r[4], r[1])):
        if spent >= fraction * total:
            break
        spent += row[2]
        taken.add(row[1])
    return taken


def selected(frame: DataFrame, **params: Any) -> set[str]:
    selector = registry.build("selectors", "top_fraction", params)
    return {row["doc_id"] for row in selector.select(frame).where("selected").collect()}


QUALITIES = [None if n % 17 == 0 else round(((n * 37) % 40) / 40, 3) for n in range(120)]


@pytest.mark.parametrize("bins", [2, 10_000])
def test_the_top_fraction_is_exact_whatever_the_bins(spark: SparkSession, bins: int) -> None:
    rows, source = pool(spark, QUALITIES)
    assert selected(source, fraction=0.3, bins=bins) == best(rows, 0.3)


def test_the_top_fraction_of_each_group(spark: SparkSession) -> None:
    rows, source = pool(spark, QUALITIES)
    expected = set().union(*(best([r for r in rows if r[6] == f"src{i}"], 0.25) for i in range(4)))
    assert selected(source, fraction=0.25, group="source") == expected


def test_a_higher_score_never_drops_a_document(spark: SparkSession) -> None:
    rows, source = pool(spark, QUALITIES)
    before = selected(source, fraction=0.3)
    # The taken document nearest to the cut is the one that a change could cost.
    chosen = min(before, key=lambda name: QUALITIES[int(name, 16)] or 0.0)
    raised = [q + 0.05 if q is not None and r[1] == chosen else q for q, r in zip(QUALITIES, rows, strict=True)]
    assert chosen in selected(pool(spark, raised)[1], fraction=0.3)


def test_the_whole_pool_is_every_scored_document(spark: SparkSession) -> None:
    rows, source = pool(spark, QUALITIES)
    assert selected(source, fraction=1.0) == {row[1] for row in rows if row[3] is not None}
