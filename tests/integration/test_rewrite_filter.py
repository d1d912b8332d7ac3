"""A release whose rewrites have a scorer of their own, from the command line: too few, refused, fitted, and again."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.models import stored
from spark_jobs.operators.strategies.rewire import IMPROVED
from tests.fake_endpoint import Fake, Reply, serve
from tests.integration.conftest import Command, write_crawl, write_recipe

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


def recipe(place: Path, name: str, **fit: Any) -> Path:
    rewritten = {
        "strategy": "rewire", "budget": {"documents": 500}, "select": {"min_words": 1}, "sampling": {"max_tokens": 300},
        "gates": {**ANYTHING, "same_language": False},
    }  # fmt: skip
    mixed = {
        "select": {"top_fraction": {"fraction": 0.5}},
        "rewrites": {"fraction": 0.4, "score": {"fasttext_quality": {"dim": 8, "bucket": 4096}}, "fit": {**FIT, **fit}},
    }
    return write_recipe(place / name, rewritten=rewritten, mixed=mixed)


def test_the_second_model_is_fitted_before_the_release_and_kept(
    command: Command, tmp_path: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, crawl = tmp_path / "home", write_crawl(tmp_path / "crawl", 0)
    lake = Lake(spark, str(home))
    monkeypatch.setenv("PROVENDER_REWRITE_MODEL", "some-model")

    def run(fake: Fake, path: Path, *words: object) -> Any:
        monkeypatch.setenv("PROVENDER_REWRITE_URL", fake.url)
        given = ("--home", home, "--recipe", path, "--input", crawl, "--snapshot", "one", "--json")
        done = command("run", *given, *words)
        lake.refresh()
        return done

    with serve(better) as fake:
        few = run(fake, recipe(tmp_path, "few.yaml", min_pool_documents=5_000))
        asked = len(fake.requests)
        assert asked > 20
        assert few.status == 2
        told = few.err.splitlines()[-1]
        accepted = lake.published("rewritten").where("kept AND language = 'en'").count()
        assert f"{accepted} accepted" in told
        assert "mixed.rewrites.fit.min_pool_documents asks for 5000" in told
        assert "Traceback" not in few.err
        assert lake.publications("mixed") == {}, "no release goes without the filter"

        strict = {"min_auc": 0.999999, "min_spread": 0.99}
        refused = run(fake, recipe(tmp_path, "strict.yaml", limits=strict))
        assert refused.status == 1
        assert f"{OWN}: scores_are_spread" in refused.err.splitlines()[-1]
        assert [model.name for model in stored(lake)] == ["fasttext_quality"], "what its gate refuses is not stored"
        assert lake.publications("mixed") == {}

        wanted = recipe(tmp_path, "wanted.yaml")
        first = run(fake, wanted).json
        assert [row["asset"] for row in first["built"]] == ["rewrite_models", "mixed"]
        again = run(fake, wanted).json
        assert again["built"] == []
        assert again["release"]["name"] == first["release"]["name"]

        refitted = run(fake, wanted, "--refit").json
        assert [row["asset"] for row in refitted["built"]][0] == "models"
        assert [row["asset"] for row in refitted["built"] if "models" in row["asset"]] == ["models", "rewrite_models"]
        assert len(fake.requests) == asked, "no answer is asked for twice"

    models = {model.name: model for model in stored(lake)}
    assert set(models) == {"fasttext_quality", OWN}
    own = models[OWN]
    assert own.fitted_on == ("one",)
    assert own.digest != models["fasttext_quality"].digest
    (publication,) = [p for p in lake.history("mixed") if p.partition == first["release"]["name"]]
    facts = publication.record["facts"]
    assert facts["models"] == {OWN: own.digest}
    recycled = facts["rewrite_selection"]["recycled"]
    assert 0 <= recycled["share"] <= 1
    assert recycled["sources"] > 0
    assert 0 < recycled["share_if_independent"] < 1

    rows = lake.read([publication]).where("origin <> 'original'")
    assert 0 < rows.count() < accepted
    assert rows.where("quality IS NULL").isEmpty()
    tree = command("lineage", first["release"]["name"], "--home", home, "--recipe", wanted, "--json").json
    assert {"operator": OWN, "digest": own.digest} in tree["models"]
    text = command("lineage", first["release"]["name"], "--home", home, "--recipe", wanted).out
    assert f"model {OWN} {own.digest}" in text
