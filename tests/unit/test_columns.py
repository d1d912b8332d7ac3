"""Columns as Dagster shows them: every column has a description, and lineage names only what is there."""

from pathlib import Path

import dagster as dg
import pytest

from assets.columns import DESCRIPTIONS, column_lineage, column_schema, short_type
from spark_jobs.lake.column_lineage import declared_columns
from spark_jobs.lake.tables import FLOW
from tests.unit.straw_ledger import CATALOG, recipe_of

DECLARED = {table: list(declared_columns(table)) for table in FLOW}


@pytest.mark.parametrize("table", FLOW)
def test_every_column_is_described_and_nothing_else_is(table: str, tmp_path: Path) -> None:
    assert set(DESCRIPTIONS[table]) >= set(DECLARED[table])
    schema = column_schema(table, recipe_of(tmp_path))
    assert [column.name for column in schema.columns][: len(DECLARED[table])] == DECLARED[table]
    assert all(column.description for column in schema.columns)
    assert all(column.type for column in schema.columns)


def test_the_fields_of_structs_are_told_beside_the_type(tmp_path: Path) -> None:
    assert short_type("ARRAY<STRUCT<a: INT, b: ARRAY<STRUCT<c: INT>>>>") == "ARRAY<STRUCT>"
    assert short_type("STRUCT<a: INT>") == "STRUCT"
    assert short_type("ARRAY<STRING>") == "ARRAY<STRING>"
    edits = next(column for column in column_schema("cleaned", recipe_of(tmp_path)).columns if column.name == "edits")
    assert edits.type == "ARRAY<STRUCT>"
    assert "chars_removed: BIGINT" in str(edits.description)
    assert str(edits.description).endswith("; of raw.content_type, raw.http_headers, raw.payload")


def test_signals_and_scores_of_the_recipe_are_columns(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    cleaned = {column.name: column for column in column_schema("cleaned", recipe).columns}
    assert cleaned["gopher_quality__words"].type == "DOUBLE"
    assert any("__" in column.name for column in column_schema("scored", recipe).columns)


@pytest.mark.parametrize("table", FLOW[1:])
def test_lineage_names_columns_of_upstream_tables_only(table: str) -> None:
    lineage = column_lineage(table, [*DECLARED[table], "op__signal"], "s__q")
    assert lineage is not None
    for column, behind in lineage.deps_by_column.items():
        assert column in [*DECLARED[table], "op__signal"]
        for dep in behind:
            upstream = dep.asset_key.to_user_string()
            assert upstream in FLOW[: FLOW.index(table)]
            assert dep.column_name in DECLARED[upstream] or dep.column_name == "s__q", (column, dep)
    unexplained = set(DECLARED[table]) - set(lineage.deps_by_column)
    assert unexplained <= {"release", "phase", "copies", "order_key", "strategy", "model", "prompt_digest", "sample"}
    assert column_lineage("raw", DECLARED["raw"]) is None


def test_the_release_is_made_of_text_cuts_and_rewrites() -> None:
    lineage = column_lineage("mixed", DECLARED["mixed"], "quality__score")
    assert lineage is not None
    assert lineage.deps_by_column["text"] == [
        dg.TableColumnDep(dg.AssetKey("cleaned"), "text"), dg.TableColumnDep(dg.AssetKey("deduped"), "cuts"),
        dg.TableColumnDep(dg.AssetKey("rewritten"), "text"),
    ]  # fmt: skip
    assert lineage.deps_by_column["quality"] == [dg.TableColumnDep(dg.AssetKey("scored"), "quality__score")]


def test_every_layer_of_the_graph_has_its_group() -> None:
    assert {name: table.layer for name, table in CATALOG.items()} == {
        "raw": "crawl", "cleaned": "documents", "scored": "attributes", "deduped": "attributes",
        "rewritten": "rewrites", "mixed": "releases",
    }  # fmt: skip
