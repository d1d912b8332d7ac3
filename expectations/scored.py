"""What must hold of `scored`: one row for each kept cleaned row, every score a number in [0, 1]."""

import great_expectations.expectations as gxe
from pyspark.sql import functions as F

from expectations.common_laws import columns, keys, no_nan, no_rows, numeric_columns, row_count
from expectations.gate import Audited, Law


def _kept_rows(audited: Audited) -> int:
    return audited.inputs.partition("cleaned", audited.partition).where(F.col("kept")).count() - audited.suppressed


def _scores(audited: Audited, test: str) -> gxe.UnexpectedRowsExpectation:
    tests = " OR ".join(test.format(column=f"`{name}`") for name in numeric_columns(audited.candidate)) or "true"
    return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"SELECT 1 AS broken FROM {{batch}} WHERE {tests}")


LAWS: tuple[Law, ...] = (
    columns("snapshot", "doc_id"),
    *keys(),
    row_count("conserved", "rows = kept rows of cleaned", _kept_rows),
    no_nan(),
    Law(
        name="scores_are_in_range",
        says="every score lies in [0, 1]",
        expect=lambda audited: _scores(audited, "({column} < 0 OR {column} > 1) AND NOT isnan({column})"),
    ),
    Law(
        name="scores_are_there",
        says="every document has every score",
        expect=lambda audited: _scores(audited, "{column} IS NULL"),
    ),
    no_rows(
        "documents_are_kept_ones",
        "only documents that the filters kept are scored",
        "SELECT 1 AS broken FROM {batch} WHERE found IS NULL",
        frame=lambda audited: audited.candidate.join(
            audited.inputs.partition("cleaned", audited.partition)
            .where(F.col("kept"))
            .select("snapshot", "doc_id", F.lit(True).alias("found")),
            ["snapshot", "doc_id"],
            "left",
        ),
    ),
)
