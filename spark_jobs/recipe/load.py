"""Loading a recipe: from its name or a file, with errors that name the key."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from spark_jobs.errors import RecipeError
from spark_jobs.recipe.recipe import Recipe


def find_recipe(name_or_file: str, folder: Path) -> Path:
    """The file of a recipe: a path to a YAML file, or the name of one in `folder`."""
    path = Path(name_or_file)
    if path.suffix in (".yaml", ".yml"):
        if not path.is_file():
            raise RecipeError(f"{name_or_file}: no such recipe file; give the path of a YAML file or a recipe's name")
        return path
    named = folder / f"{name_or_file}.yaml"
    if not named.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        near = get_close_matches(name_or_file, known, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise RecipeError(f"no recipe {name_or_file!r}{meant} Known recipes: {', '.join(known) or 'none'}")
    return named


def load_recipe(path: Path) -> Recipe:
    """Load and validate. Raises RecipeError with one line a fault: file, key, what is wrong."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: a recipe is a mapping with the keys {', '.join(Recipe.model_fields)}")
    try:
        return Recipe.model_validate(data, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise RecipeError(f"{path}: {'; '.join(_faults(error))}") from error


def _faults(error: ValidationError) -> Sequence[str]:
    return [_fault(fault) for fault in error.errors(include_url=False)]


def _fault(fault: Any) -> str:
    key = ".".join(str(part) for part in fault["loc"]) or "the recipe"
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key, remove it or correct its spelling"
    return f"{key}: {fault['msg']}"
