"""The `scored` section: what it takes, what makes a model another one, and what is said when something is wrong."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from spark_jobs.errors import RecipeError
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.sections.scored import ScoredSection
from spark_jobs.stages.fit_plan import fit_fingerprint as fingerprint_of
from spark_jobs.stages.fit_plan import fit_of, fit_snapshots
from spark_jobs.stages.score import Score

NAME = "fasttext_quality"


def recipe(section: dict[str, Any] | None = None, folder: Path | None = None) -> Any:
    scored = ScoredSection.model_validate(section or {}, context={"folder": folder})
    return SimpleNamespace(scored=scored, mixed=MixedSection())


def fit_fingerprint(of: Any, name: str) -> str:
    return fingerprint_of(fit_of(of, name))


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"scorers": ["fasttext_qualty"]}, "did you mean fasttext_quality"),
        ({"scorers": [{NAME: {"dims": 3}}]}, "fasttext_quality.dims"),
        ({"scorers": [NAME, NAME]}, "named once"),
        ({"fit": {"positives": []}}, "at least 1"),
        ({"fit": {"positives": [{"installed": {}, "pool": {"hosts": ["a.b"]}}]}}, "exactly one"),
        ({"fit": {"positives": [{"pool": {}}]}}, "at least one of hosts and sources"),
        ({"fit": {"threshold": 0.018112}}, "Extra inputs"),
        ({"fit": {"held_out": 1.0}}, "less than 1"),
    ],
)
def test_what_cannot_be_is_refused(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ScoredSection.model_validate(section)


def test_a_model_is_another_one_when_what_it_is_fitted_on_changes() -> None:
    base = fit_fingerprint(recipe(), NAME)
    assert base == fit_fingerprint(recipe({"fit": {}}), NAME)
    for changed in ({"scorers": [{NAME: {"dim": 8}}]}, {"fit": {"seed": 1}}, {"fit": {"snapshots": ["a"]}}):
        assert fit_fingerprint(recipe(changed), NAME) != base


def test_a_moved_limit_fits_nothing_anew() -> None:
    assert fit_fingerprint(recipe({"fit": {"limits": {"min_auc": 0.9}}}), NAME) == fit_fingerprint(recipe(), NAME)


def test_reference_files_count_by_what_they_hold_not_where_they_lie(tmp_path: Path) -> None:
    section = {"fit": {"positives": [{"files": {"paths": ["r.jsonl"]}}]}}
    found = []
    for folder, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "r.jsonl").write_text(f'{{"text": "{text}"}}\n')
        found.append(fit_fingerprint(recipe(section, tmp_path / folder), NAME))
    assert found[0] == found[1] != found[2]
    assert recipe(section, tmp_path / "a").scored.model_dump() == recipe(section, tmp_path / "b").scored.model_dump()


def test_snapshots_are_those_named_else_all() -> None:
    assert fit_snapshots(fit_of(recipe(), NAME), ["a", "b"]) == ("a", "b")
    assert fit_snapshots(fit_of(recipe({"fit": {"snapshots": ["b"]}}), NAME), ["a", "b"]) == ("b",)
    with pytest.raises(RecipeError, match=r"scored\.fit\.snapshots: c not in the lake, which has a, b"):
        fit_snapshots(fit_of(recipe({"fit": {"snapshots": ["c"]}}), NAME), ["a", "b"])


def test_an_unknown_scorer_is_named() -> None:
    with pytest.raises(RecipeError, match=r"no model 'other'; .* ask for fasttext_quality"):
        fit_of(recipe(), "other")


def test_the_stage_moves_with_the_scorers_and_not_with_the_fit() -> None:
    parts = Score().fingerprint_parts
    assert parts(recipe()) == parts(recipe({"fit": {"documents": 99}}))
    assert parts(recipe()) != parts(recipe({"scorers": [{NAME: {"normaliser": "prose"}}]}))
