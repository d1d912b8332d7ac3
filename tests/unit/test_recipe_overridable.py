"""`overridable` of a recipe: names of expectations, checked against those that there are, told with line and key."""

from pathlib import Path

import pytest
import yaml

from assets.approval import overridable_names
from assets.catalog import tables
from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.recipe.fingerprint import recipe_fingerprint
from spark_jobs.recipe.load import load_recipe
from spark_jobs.recipe.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]


def written(path: Path, overridable: object) -> Path:
    recipe = yaml.safe_load((ROOT / "recipes" / "gopher.yaml").read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**recipe, "overridable": overridable}, sort_keys=False), encoding="utf-8")
    return path


def test_expectations_are_marked_by_name(tmp_path: Path) -> None:
    path = written(tmp_path / "r.yaml", {"cleaned": ["no_host_is_wiped_out", "text_does_not_grow"]})
    recipe = load_recipe(path, overridable_names)
    assert recipe.overridable == {"cleaned": ("no_host_is_wiped_out", "text_does_not_grow")}
    assert load_recipe(written(tmp_path / "none.yaml", {})).overridable == {}


@pytest.mark.parametrize(
    ("overridable", "told"),
    [
        ({"cleaned": ["no_host_is_wipedout"]}, "overridable.cleaned[0]: no such expectation; did you mean no_host_is"),
        ({"claened": ["x"]}, "overridable.claened: no such table; did you mean cleaned?"),
        (
            {"cleaned": ["text_does_not_grow", "conserved"]},
            "overridable.cleaned[1]: conserved is a law of the table and cannot be overridden; those that can: ",
        ),
        ({"scored": ["no_nan"]}, "cannot be overridden; those that can: none"),
        ({"cleaned": "text_does_not_grow"}, "overridable.cleaned: is 'text_does_not_grow', not a list"),
    ],
)
def test_a_wrong_name_is_told_with_its_place(tmp_path: Path, overridable: object, told: str) -> None:
    path = written(tmp_path / "r.yaml", overridable)
    with pytest.raises(RecipeError) as error:
        load_recipe(path, overridable_names)
    assert told in str(error.value)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("overridable"))
    assert int(str(error.value).removeprefix(f"{path}:").partition(":")[0]) > line


def test_names_are_asked_for_only_where_a_recipe_has_some(tmp_path: Path) -> None:
    def never() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
        raise RuntimeError

    load_recipe(ROOT / "recipes" / "default.yaml", never)
    with pytest.raises(RuntimeError):
        load_recipe(written(tmp_path / "r.yaml", {"cleaned": ["text_does_not_grow"]}), never)


def test_laws_of_a_table_are_never_overridable_and_gates_of_the_recipe_are() -> None:
    names = overridable_names()
    assert set(names) == set(tables())
    everything, allowed = names["cleaned"]
    assert {"conserved", "ids_are_unique", "a_drop_has_a_reason"} <= everything - allowed
    assert {"languages_are_dropped_as_before", "editors_leave_text"} <= allowed
    assert "no_cluster_swallows_the_snapshot" in names["deduped"][1]
    for table in ("raw", "scored", "mixed"):
        assert names[table][1] == frozenset()


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_recipe_that_was_kept_reads_the_same(path: Path) -> None:
    """What a rebuild starts from is the dump of a recipe, and has to have its fingerprint."""
    recipe = load_recipe(path)
    again = Recipe.model_validate(recipe.model_dump(mode="json"), context={"folder": path.parent})
    assert recipe_fingerprint(again) == recipe_fingerprint(recipe)
    steps = [[registry.fingerprint(step.build()) for step in one.cleaned.steps] for one in (recipe, again)]
    assert steps[0] == steps[1], "relative paths of lists still start at the recipe's folder"
