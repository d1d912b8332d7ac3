"""The recipes that come with the project: each loads, and its cleaning runs over pages of a real crawl."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest

from spark_jobs.crawl.inputs import expand_inputs
from spark_jobs.crawl.read import read_file
from spark_jobs.crawl.records import Record
from spark_jobs.recipe.load import load_recipe
from spark_jobs.stages.clean import plan_of
from spark_jobs.stages.clean_pass import INPUT, CleanPass
from spark_jobs.stages.mix import check_tokens

ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
PAGES = 300


def test_the_published_recipes_are_there() -> None:
    names = {path.stem for path in RECIPES}
    assert names >= {"default", "gopher", "c4", "fineweb", "fineweb2", "dclm", "refinedweb"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_loads_under_its_own_name_and_says_how_it_differs(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    check_tokens(recipe)
    said = path.read_text(encoding="utf-8")
    assert "arXiv" in said
    assert path.stem == "default" or "Differs from the paper" in said


def records(folder: Path) -> Iterator[Record]:
    for file in expand_inputs([str(folder)]):
        yield from islice((item for item in read_file(file) if isinstance(item, Record)), PAGES // 2)


@pytest.fixture(scope="module")
def pages(shared_data: Path) -> pa.RecordBatch:
    """The first pages of both files of the newest crawl, as rows of `raw`."""
    rows = [
        {
            "snapshot": "s", "doc_id": record.identity, "url": record.url, "canonical_url": record.url,
            "captured_at": record.captured_at, "source": "s", "licence": None, "content_type": record.content_type,
            "payload": record.payload,
            "http_headers": [{"name": n, "value": v} for n, v in record.http_headers or ()],
        }
        for record in records(shared_data / "crawls" / "DEV-MAIN-2025-32")
    ]  # fmt: skip
    assert len(rows) == PAGES
    return pa.RecordBatch.from_pylist([{name: row[name] for name in INPUT} for row in rows])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_its_cleaning_runs_over_a_real_crawl(path: Path, pages: pa.RecordBatch) -> None:
    section = load_recipe(path).cleaned
    (cleaned,) = CleanPass(plan_of(section))(iter([pages]))
    assert cleaned["doc_id"].to_pylist() == pages["doc_id"].to_pylist()
    kept = [row for row in cleaned.to_pylist() if row["kept"]]
    dropped = [row for row in cleaned.to_pylist() if not row["kept"]]
    assert kept, "a recipe that keeps nothing of sound documentation is wrong"
    assert all(row["text"].strip() for row in kept)
    assert all(row["drop_reasons"] for row in dropped)
    annotators = {reason["annotator"] for row in dropped for reason in row["drop_reasons"]}
    assert annotators <= {"extract", *(step.name for step in section.steps)}
    assert len(annotators) > 1, "more than one filter has a say"
