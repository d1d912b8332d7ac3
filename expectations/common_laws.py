"""Laws that every table shares: schema, keys, well-formed ids, conservation, no NaN; and how a law is stated in SQL."""

from collections.abc import Callable

import great_expectations.expectations as gxe
from pyspark.sql import DataFrame

from expectations.aggregate import ExpectAggregateToHold
from expectations.gate import Audited, Law, Severity

DOC_ID = "^[0-9a-f]{32}$"


def holds(
    name: str, says: str, aggregate: str | Callable[[Audited], str], *,
    frame: Callable[[Audited], DataFrame] | None = None, severity: Severity = "error",
) -> Law:  # fmt: skip
    """A SQL expression of aggregates that is true over the batch; or how to make it from what is audited."""

    def expect(audited: Audited) -> ExpectAggregateToHold:
        return ExpectAggregateToHold(aggregate=aggregate if isinstance(aggregate, str) else aggregate(audited))

    return Law(name=name, says=says, expect=expect, frame=frame, severity=severity)


def no_row(
    name: str, says: str, broken: str | Callable[[Audited], str], *,
    frame: Callable[[Audited], DataFrame] | None = None, severity: Severity = "error",
) -> Law:  # fmt: skip
    """No row of the batch meets this SQL condition; null is not met."""

    def aggregate(audited: Audited) -> str:
        return f"count_if({broken if isinstance(broken, str) else broken(audited)}) = 0"

    return holds(name, says, aggregate, frame=frame, severity=severity)


def no_nulls(name: str, says: str, column: str) -> Law:
    """A column that every row has a value in."""
    return no_row(name, says, f"`{column}` IS NULL")


def literal(text: str) -> str:
    """A string as SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def keys(scope: str = "snapshot", id_column: str = "doc_id") -> tuple[Law, ...]:
    """Every row belongs to the partition, has a well-formed id, and no id comes twice."""
    return (
        no_row(
            "partition_is_right",
            f"every row carries the {scope} that is being published",
            lambda audited: f"{scope} <> {literal(audited.partition)}",
        ),
        no_nulls("partition_is_set", f"no row lacks its {scope}", scope),
        no_nulls("ids_are_set", "no row lacks its document id", id_column),
        no_row("ids_are_well_formed", "document ids are 128 bits in hex", f"NOT {id_column} RLIKE '{DOC_ID}'"),
        holds("ids_are_unique", "no document comes twice", f"count({id_column}) = count(DISTINCT {id_column})"),
    )


def columns(*names: str) -> Law:
    """The contract's columns are there."""
    return Law(
        name="columns_are_there",
        says="every column that readers may count on is there",
        expect=lambda _: gxe.ExpectTableColumnsToMatchSet(column_set=list(names), exact_match=False),
    )


def row_count(name: str, says: str, rows: Callable[[Audited], int]) -> Law:
    """The candidate has exactly as many rows as a count of its inputs says."""
    return Law(name=name, says=says, expect=lambda audited: gxe.ExpectTableRowCountToEqual(value=rows(audited)))


def no_rows(
    name: str, says: str, query: str | Callable[[Audited], str], *,
    frame: Callable[[Audited], DataFrame] | None = None, severity: Severity = "error",
) -> Law:  # fmt: skip
    """A query over the batch that must find nothing, for what one aggregate cannot say; `{batch}` is the frame."""

    def expect(audited: Audited) -> gxe.UnexpectedRowsExpectation:
        asked = query if isinstance(query, str) else query(audited)
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=asked)

    return Law(name=name, says=says, expect=expect, frame=frame, severity=severity)


def numeric_columns(frame: DataFrame) -> list[str]:
    """Signals and scores: the double columns of a frame."""
    return [name for name, kind in frame.dtypes if kind == "double"]


def no_nan() -> Law:
    """NaN sorts above everything and compares with nothing: a signal that does not apply is null."""

    def tests(audited: Audited) -> str:
        return " OR ".join(f"isnan(`{name}`)" for name in numeric_columns(audited.candidate)) or "false"

    return no_row("no_nan", "no number is NaN; what does not apply is null", tests)
