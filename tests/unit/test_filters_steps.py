"""Steps of a recipe: how they are written, what is refused, what moves a fingerprint."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.steps import CleaningStep


class Steps(BaseModel):
    """A section as small as can be."""

    steps: tuple[CleaningStep, ...]


def steps(*values: Any, **context: Any) -> Steps:
    return Steps.model_validate({"steps": list(values)}, context=context)


def test_a_step_is_a_name_or_a_name_with_parameters_and_its_kind_follows() -> None:
    plain, with_params, empty, editor = steps(
        "gopher_quality", {"gopher_quality": {"min_words": 7}}, {"empty_text": None}, "whitespace"
    ).steps
    assert plain.build().params.min_words == 50
    assert with_params.build().params.min_words == 7
    assert empty.build().params.min_chars == 1
    assert [plain.kind, editor.kind] == ["filters", "editors"]


def test_a_recipe_survives_being_written_and_read() -> None:
    section = CleanedSection(steps=["url_rules", {"gopher_quality": {"min_words": 7}}, "c4_lines"])
    assert CleanedSection.model_validate_json(section.model_dump_json()) == section


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gopher_qualty", "unknown editor or filter: gopher_qualty; did you mean gopher_quality"),
        ("resiliparse_text", "unknown editor or filter: resiliparse_text"),
        ({"gopher_quality": {"min_wrds": 1}}, "gopher_quality.min_wrds: no such parameter; did you mean min_words"),
        ({"gopher_quality": {"min_words": "many"}}, "gopher_quality.min_words: is 'many', not a whole number"),
        ({"a": {}, "b": {}}, "a step is a name, or one name with its parameters"),
        (3, "valid dictionary"),
    ],
)
def test_a_wrong_step_is_refused_with_its_place_in_the_recipe(value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        steps("empty_text", value)
    (error,) = caught.value.errors()
    assert error["loc"][:2] == ("steps", 1)
    assert message in error["msg"]


def test_a_step_may_not_be_listed_twice_nor_come_after_the_edits_it_would_miss() -> None:
    with pytest.raises(ValidationError, match="empty_text is listed twice"):
        CleanedSection(steps=["empty_text", "empty_text"])
    with pytest.raises(ValidationError, match="c4_quality must come before c4_lines"):
        CleanedSection(steps=["c4_lines", "c4_quality"])
    assert CleanedSection(steps=["c4_quality", "c4_lines"]).steps


def test_a_relative_list_file_lies_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("spam.example\n", encoding="utf-8")
    (step,) = steps({"url_rules": {"hosts": {"path": "hosts.txt"}}}, folder=tmp_path).steps
    (file,) = step.build().params.hosts.files
    assert file.path == str(tmp_path / "hosts.txt")
    assert step.params == {"hosts": {"path": "hosts.txt"}}, "what the recipe says holds no place of this machine"


def test_a_fingerprint_moves_with_parameters_and_version_only(monkeypatch: pytest.MonkeyPatch) -> None:
    base = registry.fingerprint(registry.build("filters", "gopher_quality"))
    assert registry.fingerprint(registry.build("filters", "gopher_quality", {"min_words": 50})) == base
    assert registry.fingerprint(registry.build("filters", "gopher_quality", {"min_words": 51})) != base
    operator = registry.build("filters", "gopher_quality")
    monkeypatch.setattr(type(operator), "version", operator.version + 1)
    assert registry.fingerprint(operator) != base


def test_an_unknown_kind_or_name_is_a_recipe_error() -> None:
    with pytest.raises(RecipeError, match="unknown kind of operator: filter;"):
        registry.find("filter")
    with pytest.raises(RecipeError, match="unknown filter: nothing_like_it; there are"):
        registry.build("filters", "nothing_like_it")
