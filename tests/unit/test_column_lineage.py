"""Column lineage is declared for every column there is, from columns that there are, of tables that the stage reads."""

import re

import pytest

from assets.catalog import tables
from spark_jobs.lake import column_lineage
from spark_jobs.lake.column_lineage import OPEN, Origin, columns_from, declared_columns, rows_from
from spark_jobs.lake.tables import FLOW, TABLES

UPSTREAM = {"cleaned": ("text", "gopher_quality__words"), "scored": ("doc_id", "q__score", "r__score")}


@pytest.mark.parametrize("table", TABLES)
def test_the_types_of_columns_are_those_of_the_table(table: str) -> None:
    declared = declared_columns(table)
    text = " ".join(TABLES[table].columns.split()).lower()
    assert ", ".join(f"{name} {kind}" for name, kind in declared.items()).lower() == text
    assert all(re.fullmatch(r"[a-z_0-9]+", name) for name in declared)


@pytest.mark.parametrize("table", [name for name in FLOW if name != "raw"])
def test_every_column_says_what_it_is_made_of(table: str) -> None:
    declared = declared_columns(table)
    found = columns_from(table, declared, UPSTREAM)
    without = set(declared) - set(found)
    assert without == set(), "a new column needs a line in column_lineage.py"
    assert set(column_lineage._COLUMNS[table]) - {OPEN} <= set(declared), "a line for a column that is gone"


@pytest.mark.parametrize("table", FLOW)
def test_origins_are_columns_of_tables_that_the_stage_reads(table: str) -> None:
    upstream = tables()[table].stage.upstream
    listed = [origin for origins in column_lineage._COLUMNS[table].values() for origin in origins]
    for origin in [*listed, *column_lineage._ROWS[table]]:
        assert origin.table in upstream, origin
        if origin.column == OPEN:
            assert TABLES[origin.table].open, origin
        else:
            assert origin.column in declared_columns(origin.table), origin


def test_columns_of_the_recipe_are_named_from_what_was_read() -> None:
    found = columns_from("mixed", ["quality", "text", "unheard_of"], UPSTREAM)
    assert found["quality"] == (Origin("scored", "q__score", "IDENTITY"), Origin("scored", "r__score", "IDENTITY"))
    assert Origin("deduped", "cuts", "TRANSFORMATION") in found["text"]
    assert "unheard_of" not in found
    assert columns_from("mixed", ["quality"], {}) == {}, "nothing is made up"
    signal = columns_from("cleaned", ["gopher_quality__words"], {})["gopher_quality__words"]
    assert {(o.table, o.column) for o in signal} >= {("raw", "payload")}
    assert Origin("deduped", "kept", "FILTER") in rows_from("mixed", UPSTREAM)
    assert columns_from("raw", declared_columns("raw"), UPSTREAM) == {}, "raw is made of files"
