"""Recipes as they were when something was built by them, by fingerprint: what a rebuild takes instead of a file."""

import json
from pathlib import Path

from assets.workshop import Workshop
from spark_jobs.errors import NotFoundError, VerificationError
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import canonical_json
from spark_jobs.recipe.fingerprint import recipe_fingerprint
from spark_jobs.recipe.recipe import Recipe


def keep_recipe(workshop: Workshop) -> None:
    """Keep the recipe of the workshop, unless it is kept already."""
    place = _place(workshop.lake, workshop.recipe_fingerprint)
    if not storage.exists(place):
        body = {"recipe": workshop.recipe.model_dump(mode="json"), "folder": workshop.recipe_folder}
        storage.write_text(place, canonical_json(body))


def pinned_recipe(lake: Lake, fingerprint: str) -> tuple[Recipe, str | None]:
    """The recipe of a fingerprint, and the folder that its relative paths start from.

    Raises NotFoundError where the lake has not kept it, VerificationError where it is not what it was.
    """
    place = _place(lake, fingerprint)
    if not storage.exists(place):
        raise NotFoundError(f"{place}: the recipe was not kept; the release was built by a program before it did so")
    body = json.loads(storage.read_text(place))
    folder = body["folder"]
    recipe = Recipe.model_validate(body["recipe"], context={"folder": Path(folder) if folder else None})
    if recipe_fingerprint(recipe) != fingerprint:
        raise VerificationError(f"{place}: the recipe is not the one of its fingerprint; restore the file from a copy")
    return recipe, folder


def _place(lake: Lake, fingerprint: str) -> str:
    return storage.join(lake.home, "recipes", f"{fingerprint}.json")
