"""What must hold of `scored`: one row for each kept cleaned row, every score a number in [0, 1]."""

from collections.abc import Callable

from pyspark.sql import functions as F

from expectations.common_laws import columns, keys, no_nan, no_row, numeric_columns, row_count
from expectations.gate import Audited, Law


def _kept_rows(audited: Audited) -> int:
    return audited.inputs.partition("cleaned", audited.partition).where(F.col("kept")).count() - audited.suppressed


def _any_score(test: str) -> Callable[[Audited], str]:
    def tests(audited: Audited) -> str:
        return " OR ".join(test.format(column=f"`{name}`") for name in numeric_columns(audited.candidate)) or "true"

    return tests


LAWS: tuple[Law, ...] = (
    columns("snapshot", "doc_id"),
    *keys(),
    row_count("conserved", "rows = kept rows of cleaned", _kept_rows),
    no_nan(),
    no_row(
        "scores_are_in_range",
        "every score lies in [0, 1]",
        _any_score("({column} < 0 OR {column} > 1) AND NOT isnan({column})"),
    ),
    no_row("scores_are_there", "every document has every score", _any_score("{column} IS NULL")),
    no_row(
        "documents_are_kept_ones",
        "only documents that the filters kept are scored",
        "found IS NULL",
        frame=lambda audited: audited.candidate.join(
            audited.inputs.partition("cleaned", audited.partition)
            .where(F.col("kept"))
            .select("snapshot", "doc_id", F.lit(True).alias("found")),
            ["snapshot", "doc_id"],
            "left",
        ),
    ),
)
