"""Input that breaks other tools, at full size: a million copies, a star of a million, a long chain, 100 MB."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

CASES = import_module("benchmarks.dedup.extremes").CASES

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(3_000)]

FOUND = {
    "identical": r"2 kept, [01] candidate pairs",
    "star": r"1,000,001 nodes in 1 component\(s\) after \d rounds",
    "chain": r"10,000 nodes in 1 component\(s\) after \d+ rounds",
    "huge": r"1,001 rows, the longest of \d\d,\d{3},\d{3} words",
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_it_is_settled_and_nothing_is_lost(case: str, spark: SparkSession, tmp_path: Path) -> None:
    found = CASES[case](spark, tmp_path)
    assert re.fullmatch(FOUND[case], found), found
