"""A release whose rewrites have a scorer of their own, from the command line: too few, refused, fitted, and again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.models import stored
from spark_jobs.lake.releases import find_release
from spark_jobs.operators.strategies.rewire import IMPROVED
from tests.fake_endpoint import Fake, Reply, serve
from tests.integration.conftest import Command, Done, write_crawl, write_recipe

OWN = "rewrites_fasttext_quality"
ADDED = (
    " Put another way: whoever reads this page should now know where to look first, whom to ask, and what to leave out."
)
ANYTHING: dict[str, Any] = dict.fromkeys((
    "min_length_ratio", "max_length_ratio", "min_similarity", "max_similarity", "max_copied_share",
    "max_repeated_share", "min_known_figures_share", "min_known_links_share", "max_echoes",
))  # fmt: skip
FIT = {"snippet_chars": 300, "min_snippet_chars": 100}


def better(body: dict[str, Any], _before: int) -> Reply:
    draft = str(body["messages"][0]["content"]).rpartition("The draft:\n")[2]
    return Reply(text=f"{IMPROVED[0]}\n{draft}{ADDED}\n{IMPROVED[1]}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lake for the module; its tests follow one another."""
    place = tmp_path_factory.mktemp("filter")
    write_crawl(place / "crawl", 0)
    return place


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    with serve(better) as fake:
        yield fake


@pytest.fixture
def lake(spark: SparkSession, place: Path) -> Lake:
    return Lake(spark, str(place / "home"))


@pytest.fixture
def run(command: Command, place: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """`provender run` with what the recipe says of the second fit."""
    monkeypatch.setenv("PROVENDER_REWRITE_MODEL", "some-model")
    monkeypatch.setenv("PROVENDER_REWRITE_URL", fake.url)

    def run(*words: object, **fit: Any) -> Done:
        crawl = ("--input", place / "crawl", "--snapshot", "one")
        return command("run", "--home", place / "home", "--recipe", recipe(place, **fit), *crawl, "--json", *words)

    return run


def recipe(place: Path, **fit: Any) -> Path:
    rewritten = {
        "strategy": "rewire", "budget": {"documents": 500}, "select": {"min_words": 1}, "sampling": {"max_tokens": 300},
        "gates": {**ANYTHING, "same_language": False},
    }  # fmt: skip
    mixed = {
        "select": {"top_fraction": {"fraction": 0.5}},
        "rewrites": {"fraction": 0.4, "score": {"fasttext_quality": {"dim": 8, "bucket": 4096}}, "fit": {**FIT, **fit}},
    }
    return write_recipe(place / "recipe.yaml", rewritten=rewritten, mixed=mixed)


def accepted(lake: Lake) -> int:
    return lake.published("rewritten").where("kept AND language = 'en'").count()


def test_too_few_rewrites_are_told_in_one_line_and_nothing_is_released(
    run: Callable[..., Done], lake: Lake, fake: Fake
) -> None:
    done = run(min_pool_documents=5_000)
    assert len(fake.requests) > 20
    assert done.status == 2
    told = done.err.splitlines()[-1]
    assert f"too few rewrites to fit {OWN}: {accepted(lake)} accepted" in told
    assert "mixed.rewrites.fit.min_pool_documents asks for 5000" in told
    assert "Traceback" not in done.err
    assert lake.publications("mixed") == {}, "no release goes without the filter"


def test_a_model_that_its_gate_refuses_is_not_stored_and_nothing_is_released(
    run: Callable[..., Done], lake: Lake
) -> None:
    refused = run(limits={"min_auc": 0.5, "min_spread": 0.999})
    assert refused.status == 1
    assert f"{OWN}: scores_are_spread" in refused.err.splitlines()[-1]
    assert [model.name for model in stored(lake)] == ["fasttext_quality"]
    assert lake.publications("mixed") == {}


def test_the_model_is_fitted_once_before_the_release_and_again_on_request(
    run: Callable[..., Done], lake: Lake, fake: Fake
) -> None:
    asked = len(fake.requests)
    first = run().json
    assert [row["asset"] for row in first["built"]] == ["rewrite_models", "mixed"]
    again = run().json
    assert again["built"] == []
    assert again["release"]["name"] == first["release"]["name"]
    refitted = run("--refit").json
    # The same rows and parameters give the same bytes, so a fit that brings nothing new builds nothing else again.
    assert [row["asset"] for row in refitted["built"]] == ["models", "rewrite_models"]
    assert len(fake.requests) == asked, "no answer is asked for twice"


def test_the_release_says_by_which_model_its_rewrites_entered(command: Command, place: Path, lake: Lake) -> None:
    models = {model.name: model for model in stored(lake)}
    assert set(models) == {"fasttext_quality", OWN}
    own = models[OWN]
    assert own.fitted_on == ("one",)
    assert own.digest != models["fasttext_quality"].digest
    (publication,) = lake.publications("mixed").values()
    facts = find_release(lake, "latest").manifest["facts"]
    assert facts == publication.record["facts"]
    assert facts["models"] == {OWN: own.digest}
    recycled = facts["rewrite_selection"]["recycled"]
    assert recycled["sources"] > 0
    assert 0 <= recycled["share"] <= 1
    assert 0 < recycled["share_if_independent"] < 1

    rows = lake.read([publication]).where("origin <> 'original'")
    assert 0 < rows.count() < accepted(lake)
    assert rows.where("quality IS NULL").isEmpty()
    words = ("lineage", "latest", "--home", place / "home", "--recipe", place / "recipe.yaml")
    models = command(*words, "--json").json["models"]
    assert [one["digest"] for one in models if one["operator"] == OWN] == [own.digest]
    assert f"model {OWN} {own.digest}" in command(*words).out
