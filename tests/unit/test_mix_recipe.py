"""The `mixed` section: what a recipe may say, and the errors for what it may not."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.recipe.sections.mixed import Benchmark, MixedSection
from spark_jobs.stages.mix import Mix, check_tokens

BENCHMARK = {"name": "b", "path": "items/b.jsonl", "fields": ["q"]}


def recipe(steps: list[Any], mixed: dict[str, Any] | None = None) -> Recipe:
    return Recipe.model_validate({
        "name": "t", "cleaned": {"steps": steps}, "scored": {}, "deduped": {}, "rewritten": {}, "mixed": mixed or {},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"benchmark": []}, "benchmark"),
        ({"select": "top_fractoin"}, "top_fraction"),
        ({"select": {"top_fraction": {"fraction": 1.5}}}, "fraction"),
        ({"rewritten_share": 1.0}, "rewritten_share"),
        ({"capture": "latest"}, "capture"),
        ({"max_epochs": 0}, "max_epochs"),
        ({"max_epochs": 2, "multiplicity": {"copies": {"docs": 3}}}, "max_epochs"),
        ({"max_epochs": 2, "multiplicity": {"copies": {"docs": 1}, "others": 3}}, "others"),
        ({"plan": {"budget_tokens": 10, "shares": {"a": 0.5, "b": 0.4}}}, "add up to 0.9"),
        (
            {"plan": {"budget_tokens": 10, "shares": {"a": 1}}, "multiplicity": {"copies": {"a": 1}}},
            "either a plan",
        ),
        ({"max_epochs": 4, "rehydration": {"max_weight": 10}}, "copies count as epochs"),
        ({"plan": {"budget_tokens": 10, "shares": {"a": 1}}, "rehydration": {}}, "a plan or a rehydration"),
        ({"rehydration": {"tail_size": 100}}, "tail_size belongs to rule published"),
        ({"rehydration": {"rule": "published", "min_clusters": 9}}, "min_clusters belongs to rule supported"),
        ({"benchmarks": [BENCHMARK, BENCHMARK]}, "once"),
        ({"benchmarks": [{**BENCHMARK, "fields": []}]}, "fields"),
        ({"decontamination": {"min_lcs_share": 60}}, "min_lcs_share"),
        ({"final_phase": {"share": 2}}, "share"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(said: dict[str, Any], answer: str) -> None:
    with pytest.raises(ValidationError, match=answer):
        MixedSection.model_validate(said)


def test_a_benchmark_lies_beside_the_recipe_and_the_fingerprint_does_not_know_where() -> None:
    here, there = (
        MixedSection.model_validate({"benchmarks": [BENCHMARK]}, context={"folder": Path(folder)})
        for folder in ("/one", "/two")
    )
    assert here.benchmarks[0].location == "/one/items/b.jsonl"
    assert here.model_dump(mode="json") == there.model_dump(mode="json")


def test_a_uri_stays_as_it_is() -> None:
    benchmark = Benchmark.model_validate({**BENCHMARK, "path": "s3://b/k.jsonl"}, context={"folder": Path("/x")})
    assert benchmark.location == "s3://b/k.jsonl"


def test_tokens_must_be_counted() -> None:
    with pytest.raises(RecipeError, match="add it as the last step"):
        check_tokens(recipe(["whitespace"]))


def test_tokens_are_counted_after_the_last_edit() -> None:
    with pytest.raises(RecipeError, match="must come after whitespace"):
        check_tokens(recipe(["token_count", "whitespace"]))
    check_tokens(recipe(["whitespace", "token_count", "empty_text"]))


def test_tokens_are_counted_by_the_tokenizer_of_the_budgets() -> None:
    with pytest.raises(RecipeError, match="name the same tokenizer in both"):
        check_tokens(recipe([{"token_count": {"tokenizer": "tekken_240718"}}]))


def test_the_fingerprint_moves_with_what_decides_and_with_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "b.jsonl"
    file.write_text('{"q": "one"}\n')

    def parts(**said: Any) -> Mapping[str, Any]:
        return Mix().fingerprint_parts(recipe(["token_count"], said))

    named = {"benchmarks": [{**BENCHMARK, "path": str(file)}]}
    first = parts(**named)
    assert parts(**named) == first
    assert parts(**named, seed=1) != first
    assert parts(**named, select={"top_fraction": {"fraction": 0.5}}) != first
    file.write_text('{"q": "two"}\n')
    assert parts(**named)["benchmarks"] != first["benchmarks"]


def test_a_recipe_without_rehydration_has_the_fingerprint_it_had() -> None:
    def parts(**said: Any) -> Mapping[str, Any]:
        made = recipe(["token_count"], said)
        return Mix().fingerprint_parts(made.model_copy(update={"deduped": DedupedSection(participants="cleaned")}))

    assert "rehydration" not in parts()
    assert "rehydration" not in parts()["section"]
    assert parts(rehydration={})["rehydration"]["section"]["max_weight"] == 4
    assert parts(rehydration={"min_clusters": 7})["rehydration"] != parts(rehydration={})["rehydration"]


def test_a_missing_benchmark_is_an_error_of_the_recipe() -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        Mix().fingerprint_parts(recipe(["token_count"], {"benchmarks": [{**BENCHMARK, "path": "/no/such.jsonl"}]}))


@pytest.mark.parametrize(
    ("params", "available", "score"),
    [({}, ["q__p"], "q__p"), ({"score": "b__p"}, ["a__p", "b__p"], "b__p")],
)
def test_top_fraction_finds_its_score(params: dict[str, Any], available: list[str], score: str) -> None:
    selector = registry.build("selectors", "top_fraction", {"fraction": 0.5, **params})
    assert selector.score_column(available) == score


@pytest.mark.parametrize(
    ("params", "available", "says"),
    [
        ({}, [], "no score at all"),
        ({}, ["a__p", "b__p"], "several scores"),
        ({"score": "c__p"}, ["a__p"], "no score c__p"),
    ],
)
def test_top_fraction_without_its_score_says_what_there_is(
    params: dict[str, Any], available: list[str], says: str
) -> None:
    selector = registry.build("selectors", "top_fraction", {"fraction": 0.5, **params})
    with pytest.raises(RecipeError, match=says):
        selector.score_column(available)


def test_everything_needs_no_score() -> None:
    selector = registry.build("selectors", "everything")
    assert selector.score_column([]) is None
    assert selector.score_column(["a__p", "b__p"]) is None
    assert selector.score_column(["a__p"]) == "a__p"
