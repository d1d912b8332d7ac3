"""Laws that every table shares: schema, keys, well-formed ids, conservation, no NaN."""

from collections.abc import Callable

import great_expectations.expectations as gxe
from pyspark.sql import DataFrame

from expectations.gate import Audited, Law

DOC_ID = r"^[0-9a-f]{32}$"


def keys(scope: str = "snapshot", id_column: str = "doc_id") -> tuple[Law, ...]:
    """Every row belongs to the partition, has a well-formed id, and no id comes twice."""
    return (
        Law(
            name="partition_is_right",
            says=f"every row carries the {scope} that is being published",
            expect=lambda audited: gxe.ExpectColumnValuesToBeInSet(column=scope, value_set=[audited.partition]),
        ),
        Law(
            name="partition_is_set",
            says=f"no row lacks its {scope}",
            expect=lambda _: gxe.ExpectColumnValuesToNotBeNull(column=scope),
        ),
        Law(
            name="ids_are_set",
            says="no row lacks its document id",
            expect=lambda _: gxe.ExpectColumnValuesToNotBeNull(column=id_column),
        ),
        Law(
            name="ids_are_well_formed",
            says="document ids are 128 bits in hex",
            expect=lambda _: gxe.ExpectColumnValuesToMatchRegex(column=id_column, regex=DOC_ID),
        ),
        Law(
            name="ids_are_unique",
            says="no document comes twice",
            expect=lambda _: gxe.ExpectColumnValuesToBeUnique(column=id_column),
        ),
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
    name: str, says: str, query: str, *, frame: Callable[[Audited], DataFrame] | None = None, severity: str = "error"
) -> Law:
    """A query over the batch that must find nothing; `{batch}` stands for the audited frame."""
    return Law(
        name=name,
        says=says,
        expect=lambda _: gxe.UnexpectedRowsExpectation(unexpected_rows_query=query),
        frame=frame,
        severity="error" if severity == "error" else "warning",
    )


def numeric_columns(frame: DataFrame) -> list[str]:
    """Signals and scores: the double columns of a frame."""
    return [name for name, kind in frame.dtypes if kind == "double"]


def no_nan() -> Law:
    """NaN sorts above everything and compares with nothing: a signal that does not apply is null."""

    def expect(audited: Audited) -> gxe.UnexpectedRowsExpectation:
        tests = " OR ".join(f"isnan(`{name}`)" for name in numeric_columns(audited.candidate)) or "false"
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"SELECT 1 AS broken FROM {{batch}} WHERE {tests}")

    return Law(name="no_nan", says="no number is NaN; what does not apply is null", expect=expect)
