"""A small crawl, a recipe without rewriting, and the command line in this process on the one Spark session."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from orchestration.cli import main
from spark_jobs.sample.build import warc_file
from spark_jobs.sample.chatter import chatter_pages
from spark_jobs.sample.faults import fault_pages
from spark_jobs.sample.volume import Page
from spark_jobs.sample.web import web_pages
from tests.integration.served import Hook
from tests.integration.straw_project import straw_project

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("endless", "deep", "tags")


def small_crawl(number: int) -> list[Page]:
    """A few dozen pages of the sample web."""
    faults = [page for page in fault_pages(number) if not page.url.endswith(HEAVY)]
    return [*web_pages(number), *faults, *chatter_pages(number)[:40]]


def write_crawl(folder: Path, number: int, pages: Sequence[Page] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pages = small_crawl(number) if pages is None else pages
    half = len(pages) // 2
    for part, mine in enumerate((pages[:half], pages[half:])):
        (folder / f"part-{part}.warc.gz").write_bytes(warc_file(mine, f"2026-0{number + 1}-01T00:00:00Z"))
    return folder


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


Command = Callable[..., Done]


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    """Where a program that a module serves sends its alerts."""
    with Hook().listening() as hook:
        yield hook


@pytest.fixture
def command(spark: SparkSession, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run `provender` with these words; the environment it sets is taken back."""
    for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")

    def run(*words: object) -> Done:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Done(status, captured.out, captured.err)

    return run


def write_recipe(path: Path, **changes: Any) -> Path:
    """The default recipe without rewriting, and with a model that few pages are enough for."""
    recipe = yaml.safe_load((ROOT / "recipes" / "default.yaml").read_text(encoding="utf-8"))
    recipe["rewritten"] = {"budget": {"documents": 0}}
    recipe["scored"] = {
        "fit": {
            "documents": 200, "references": 100, "repeats": 0, "min_pool_documents": 10,
            "positives": [{"installed": {"topics": True, "packages": []}}],
            "proxy": {"max_words": 2000, "replicates": 100}, "limits": {"min_auc": 0.5, "min_spread": 0.0001},
        }
    }  # fmt: skip
    for key, value in changes.items():
        recipe[key] = value
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of straw."""
    return straw_project(tmp_path)
