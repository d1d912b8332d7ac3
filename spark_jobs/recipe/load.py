"""Loading a recipe: from its name or a file. Every fault is told with file, line, key, and the nearest valid name."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spark_jobs.errors import RecipeError
from spark_jobs.operators.faults import Key, MisfitError, field_at, phrase_of, refuse_truth, shown
from spark_jobs.recipe.places import Document, named, read_document
from spark_jobs.recipe.recipe import Expectations, Recipe

_SUFFIXES = (".yaml", ".yml")
_MOST_FAULTS = 5  # told at once


def find_recipe(name_or_file: str, folder: Path) -> Path:
    """The file of a recipe: a path to a YAML file, or the name of one in `folder`. RecipeError if there is none."""
    path = Path(name_or_file)
    if path.suffix in _SUFFIXES:
        if not path.is_file():
            beside = [str(path.parent / file.name) for file in _recipes_in(path.parent)]
            what = "is a folder, not a recipe file" if path.is_dir() else "no such recipe file"
            raise RecipeError(f"{name_or_file}: {what}{_meant(name_or_file, beside)}{_known(folder)}")
        return path
    named = folder / f"{name_or_file}.yaml"
    if not named.is_file():
        names = [file.stem for file in _recipes_in(folder)]
        raise RecipeError(f"no recipe {name_or_file!r}{_meant(name_or_file, names)}{_known(folder)}")
    return named


def load_recipe(path: Path, expectations: Expectations | None = None) -> Recipe:
    """Load and validate. Raises RecipeError in one line: file, line and key of each fault, and what is wrong.

    `expectations` gives the names that `overridable` may have; asked only where a recipe has some.
    """
    document = read_document(path)
    sections = ", ".join(Recipe.model_fields)
    if document.value is None:
        raise RecipeError(f"{path}:1: the file is empty; a recipe is a mapping with the keys {sections}")
    if not isinstance(document.value, dict):
        raise RecipeError(
            f"{path}:{document.line(())}: a recipe is a mapping with the keys {sections}, not {shown(document.value)}"
        )
    faults = list(_truths(document.value))
    recipe = None
    try:
        recipe = Recipe.model_validate(
            document.value, context={"folder": path.resolve().parent, "expectations": expectations}
        )
    except ValidationError as error:
        faults += [fault for one in error.errors(include_url=False) for fault in _faults(one)]
    if recipe is None or faults:
        raise RecipeError(_told(document, faults))
    return recipe


def _told(document: Document, faults: list[tuple[Key, str]]) -> str:
    placed = [(document.line(key), key, phrase) for key, phrase in ((_as_written(document, k), p) for k, p in faults)]
    placed.sort(key=lambda fault: (fault[0], str(fault[1])))
    said = [f"{line}: {named(key)}: {phrase}" for line, key, phrase in placed]
    more = f"; and {len(said) - _MOST_FAULTS} more" if len(said) > _MOST_FAULTS else ""
    return f"{document.path}:{'; line '.join(said[:_MOST_FAULTS])}{more}"


def _faults(fault: Any) -> Iterator[tuple[Key, str]]:
    """Key and phrase of one of pydantic's errors; what an operator refuses comes as one error with several faults."""
    error = fault.get("ctx", {}).get("error")
    location: Key = tuple(fault["loc"])
    if isinstance(error, MisfitError):
        yield (*location, *error.key), str(error)
    elif getattr(error, "faults", None):
        for key, phrase in error.faults:
            yield (*location, *key), phrase
    else:
        yield location, phrase_of(fault, Recipe)


def _as_written(document: Document, key: Key) -> Key:
    """The key as the file has it: `- name: {...}` has no `params`, `- name: ...` with `params: {...}` no operator."""
    written: Key = ()
    for part in key:
        if document.holds((*written, part)):
            written = (*written, part)
        elif part == "params":
            written = (*written, *document.only_key_in(written))
        elif document.holds((*written, "params")):
            written = (*written, "params")
        else:
            written = (*written, part)
    return written


def _truths(value: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """True or false where a section wants a number; parameters of operators are checked by these."""
    if isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _truths(inner, (*key, part))
    elif isinstance(value, bool) and isinstance(key[-1], str):
        field = field_at(Recipe, key)
        try:
            refuse_truth(value, None if field is None else field.annotation)
        except MisfitError as misfit:
            yield key, str(misfit)


def _recipes_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*") if file.suffix in _SUFFIXES) if folder.is_dir() else []


def _meant(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _known(folder: Path) -> str:
    names = ", ".join(file.stem for file in _recipes_in(folder)) or "none"
    return f" (recipes by name: {names}; a file is given by its path)"
