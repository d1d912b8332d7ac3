"""The filter of rewrites: what a recipe may say of it, what it makes stale, how the graph holds it, and its figure."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest
import yaml

from assets.catalog import code_versions, tables
from orchestration.definitions import build_definitions
from orchestration.settings import Settings
from spark_jobs.errors import NotFoundError, RecipeError
from spark_jobs.recipe.fingerprint import fingerprints
from spark_jobs.recipe.load import load_recipe
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.fit_plan import ASSETS, fit_fingerprint, fit_of, fits
from spark_jobs.stages.mix import Mix
from spark_jobs.stages.mix_facts import Sources, recycled, rewrite_selection
from spark_jobs.stages.mix_rewrites import OwnFilter
from spark_jobs.stages.mix_workers import FittedScorer, MeasureText

ROOT = Path(__file__).resolve().parents[2]
NAME = "rewrites_fasttext_quality"
FIT: dict[str, Any] = {"positives": [{"pool": {"hosts": ["a.example"]}}], "documents": 99}


def recipe(rewrites: dict[str, Any] | None = None, fit: dict[str, Any] | None = None) -> Recipe:
    said = {} if rewrites is None else {"rewrites": rewrites}
    return Recipe.model_validate({
        "name": "t", "cleaned": {"steps": ["token_count"]}, "scored": {} if fit is None else {"fit": fit},
        "deduped": {}, "rewritten": {}, "mixed": said,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"score": "fasttext_qualty"}, r"mixed\.rewrites\.score: .*did you mean fasttext_quality"),
        ({"score": "gopher_quality"}, r"mixed\.rewrites\.score: .*unknown scorer"),
        ({"fraction": 0}, r"mixed\.rewrites\.fraction"),
        ({"threshold": 0.018112}, r"mixed\.rewrites\.threshold: no such key"),
        ({"fit": {"documnets": 9}}, r"mixed\.rewrites\.fit\.documnets: no such key"),
        ({"fit": 3}, r"mixed\.rewrites\.fit: "),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(tmp_path: Path, said: dict[str, Any], told: str) -> None:
    default = yaml.safe_load((ROOT / "recipes" / "default.yaml").read_text(encoding="utf-8"))
    default["mixed"]["rewrites"] = said
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(default), encoding="utf-8")
    with pytest.raises(RecipeError, match=told):
        load_recipe(path)


def test_a_fault_of_the_first_fit_is_told_once(tmp_path: Path) -> None:
    default = yaml.safe_load((ROOT / "recipes" / "default.yaml").read_text(encoding="utf-8"))
    default["mixed"]["rewrites"] = {"fit": {"seed": 1}}
    default["scored"]["fit"]["documnets"] = 9
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(default), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"scored\.fit\.documnets: no such key") as error:
        load_recipe(path)
    assert "rewrites" not in str(error.value)


def test_what_the_fit_leaves_open_is_as_for_the_first_scorer() -> None:
    section = recipe({"fit": {"seed": 5, "documents": 7_000}}, FIT).mixed.rewrites
    assert section is not None
    first = recipe(fit=FIT).scored.fit
    assert section.fit == first.model_copy(update={"seed": 5, "documents": 7_000})
    assert section.fraction == 0.1
    for open_fit in ({}, {"fit": {}}):
        assert fit_of(recipe(open_fit, FIT), NAME).section == first


def test_a_loaded_recipe_says_its_fit_in_full() -> None:
    loaded = recipe({"fit": {"seed": 5}}, FIT)
    again = Recipe.model_validate(loaded.model_dump(mode="json"))
    assert again == loaded
    moved = loaded.model_dump(mode="json")
    moved["scored"]["fit"]["documents"] = 1_000
    assert Recipe.model_validate(moved).mixed == loaded.mixed


def test_there_is_no_second_model_unless_the_recipe_asks() -> None:
    assert list(fits(recipe(), "cleaned")) == ["fasttext_quality"]
    assert fits(recipe(), "rewritten") == {}
    wanted = recipe({})
    assert list(fits(wanted, "cleaned")) == ["fasttext_quality"]
    (fit,) = fits(wanted, "rewritten").values()
    assert (fit.name, fit.pool, fit.key) == (NAME, "rewritten", "mixed.rewrites.fit")
    with pytest.raises(RecipeError, match=r"no model 'other'; .* fasttext_quality, rewrites_fasttext_quality"):
        fit_of(wanted, "other")


def test_two_models_of_one_scorer_and_section_are_two() -> None:
    wanted = recipe({"score": recipe().scored.scorers[0].model_dump()}, FIT)
    first, second = fit_of(wanted, "fasttext_quality"), fit_of(wanted, NAME)
    assert first.section == second.section
    assert first.scorer.params == second.scorer.params
    assert fit_fingerprint(first) != fit_fingerprint(second)
    limits = recipe({"fit": {"limits": {"min_auc": 0.9}}}, FIT)
    assert fit_fingerprint(fit_of(limits, NAME)) == fit_fingerprint(second), "a moved limit fits nothing anew"


def test_the_filter_marks_a_release_stale_and_nothing_before_it() -> None:
    def prints(of: Recipe, **digests: str) -> dict[str, str]:
        stages = {name: table.stage for name, table in tables().items()}
        return fingerprints(stages, of, {"models": {"fasttext_quality": "a"}, "rewrite_models": digests})

    def moved(one: dict[str, str], other: dict[str, str]) -> set[str]:
        return {table for table in one if one[table] != other[table]}

    off, on = prints(recipe()), prints(recipe({}), rewrites_fasttext_quality="b")
    assert moved(off, on) == {"mixed"}
    assert moved(on, prints(recipe({}), rewrites_fasttext_quality="c")) == {"mixed"}
    assert moved(on, prints(recipe({"fraction": 0.2}), rewrites_fasttext_quality="b")) == {"mixed"}
    same = prints(recipe({"fit": {"limits": {"min_auc": 0.9}}}), rewrites_fasttext_quality="b")
    assert moved(on, same) == set(), "how a model is fitted is the model's own fingerprint"


def test_without_the_filter_a_release_is_what_it_was() -> None:
    parts = Mix().fingerprint_parts(recipe())
    assert "rewrites" not in parts
    assert "rewrites" not in parts["section"]
    assert OwnFilter.of(recipe(), {}) is None


def test_a_release_never_goes_without_the_filter_that_is_asked_for() -> None:
    with pytest.raises(NotFoundError, match=f"mixed.rewrites: no fitted model {NAME}; fit it with `provender run`"):
        OwnFilter.of(recipe({}), {"models": {"fasttext_quality": "d" * 64}, "model_path": lambda digest: digest})


def test_the_filter_is_in_the_record_with_the_digest_of_its_model() -> None:
    services = {"models": {NAME: "d" * 64}, "model_path": lambda digest: f"models/{digest}"}
    found = OwnFilter.of(recipe({"fraction": 0.25}), services)
    assert found is not None
    scorer, selector = found.records()
    assert (scorer.name, scorer.kind, scorer.artefact) == (NAME, "scorers", "d" * 64)
    assert (selector.name, selector.params["fraction"]) == ("top_fraction", 0.25)
    assert selector.params["score"] == f"{NAME}__reference"


# the graph


def definitions(tmp_path: Path, **rewrites: Any) -> dg.Definitions:
    default = yaml.safe_load((ROOT / "recipes" / "default.yaml").read_text(encoding="utf-8"))
    default["mixed"].update(rewrites)
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(default), encoding="utf-8")
    return build_definitions(Settings.read(str(tmp_path / "home"), str(path)))


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")


def test_the_second_model_lies_between_rewriting_and_the_release(tmp_path: Path) -> None:
    made = definitions(tmp_path, rewrites={})
    graph = made.resolve_asset_graph()
    before = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in made.resolve_all_asset_keys()
    }
    assert before["rewrite_models"] == {"cleaned", "rewritten"}
    assert before["mixed"] == {"cleaned", "scored", "deduped", "rewritten", "rewrite_models"}
    assert before["scored"] == {"cleaned", "models"}
    assert before["models"] == {"cleaned"}
    checks = {check.name for check in graph.asset_check_keys if check.asset_key == dg.AssetKey("rewrite_models")}
    assert f"{NAME}__separates_held_out_sources" in checks
    assert made.resolve_job_def("fit_rewrite_models").asset_layer.selected_asset_keys == {dg.AssetKey("rewrite_models")}
    assert made.resolve_job_def("fit_models").asset_layer.selected_asset_keys == {dg.AssetKey("models")}


def test_without_the_filter_there_is_no_asset_and_no_job_for_it(tmp_path: Path) -> None:
    made = definitions(tmp_path)
    assert dg.AssetKey("rewrite_models") not in made.resolve_asset_graph().get_all_asset_keys()
    assert {job.name for job in made.jobs or ()} == {
        "refresh_snapshot", "fit_models", "build_release", "register_snapshot", "register_watched",
        "rollback", "approve_candidate", "takedown", "vacuum",
    }  # fmt: skip


def test_every_asset_of_models_is_upstream_of_what_reads_it() -> None:
    readers = {held for table in tables().values() for held in table.stage.upstream if held in ASSETS}
    assert readers == set(ASSETS)
    assert code_versions(tables(), recipe({})) != code_versions(tables(), recipe())


# what runs in the workers


class Lengths:
    """A scorer whose score is a tenth of the length; no number for an empty text."""

    def score(self, texts: pa.Array, model_path: str) -> dict[str, Any]:
        assert model_path == "m"
        return {"p": np.array([len(text) / 10 if text else np.nan for text in texts.to_pylist()])}


def test_one_pass_counts_and_scores() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"snapshot": ["s"] * 3, "doc_id": ["a", "b", "c"], "text": ["four", "", "sixsix"]}
    )
    (scored,) = MeasureText("tekken_240911", FittedScorer(Lengths(), "p", "m"))(iter([batch]))
    assert scored.column("quality").to_pylist() == [0.4, None, 0.6]
    (counted,) = MeasureText("tekken_240911")(iter([batch]))
    assert counted.column("quality").to_pylist() == [None] * 3
    assert counted.drop_columns("quality").equals(scored.drop_columns("quality"))
    assert scored.column("characters").to_pylist() == [4, 0, 6]


# the recycled share


def test_the_recycled_share_stands_beside_that_of_independent_choices() -> None:
    raw, pool, rewritten = {"a", "b"}, set("abcdefghij"), {"b", "c", "d", "e"}
    found = recycled(Sources(len(rewritten), len(rewritten - raw)), selected=len(raw), seen=len(pool))
    # Three of four sources are not among the two of ten: .75, where chance alone would give .8.
    assert found == {"sources": 4, "not_selected_themselves": 3, "share": 0.75, "share_if_independent": 0.8}
    # The figures of arXiv 2506.04689: 81.7 % where two independent choices of 10 % give 90 %.
    paper = recycled(Sources(1000, 817), selected=100, seen=1000)
    assert (paper["share"], paper["share_if_independent"]) == (0.817, 0.9)


def test_nothing_to_divide_by_is_null() -> None:
    found = recycled(Sources(0, 0), selected=0, seen=0)
    assert (found["share"], found["share_if_independent"]) == (None, None)


def count(origin: str, reason: str | None, documents: int, lowest: float | None) -> dict[str, Any]:
    return {
        "origin": origin, "reason": reason, "source": "s", "group": "all", "documents": documents,
        "characters": documents, "tokens": documents, "drawn_tokens": 0, "lowest": lowest,
    }  # fmt: skip


def test_what_cannot_have_a_rewrite_is_no_part_of_the_pool_of_rewrites() -> None:
    counts = [
        count("original", None, 3, 0.7), count("original", "not_selected", 6, 0.1),
        count("original", "contaminated", 1, 0.6), count("original", "other_capture", 50, 0.9),
        count("rewire", None, 2, 0.8), count("rewire", "over_share", 1, 0.75), count("rewire", "not_selected", 5, 0.2),
        count("rewire", "parent_contaminated", 40, 0.01), count("rewire", "other_sample", 7, 0.02),
    ]  # fmt: skip
    found = rewrite_selection(counts, Sources(3, 2))
    assert found["fractions"]["documents"] == 0.375
    assert found["cut"] == 0.75
    # Four of the ten originals that the selector saw were selected, one of them dropped for a benchmark later.
    assert found["recycled"]["share_if_independent"] == 0.6
    assert rewrite_selection(counts[:4], Sources(0, 0))["cut"] is None
