"""A home whose lake and stages are of straw, served by the real program: see `straw_location.py`."""

from pathlib import Path

import yaml

from spark_jobs.recipe.load import load_recipe
from tests.integration.conftest import write_recipe
from tests.integration.served import Served
from tests.integration.straw_location import make_lake

LOCATION = Path(__file__).with_name("straw_location.py")


class StrawServed(Served):
    """The program over straw."""

    program = ("-P", str(LOCATION))


def place_of(folder: Path) -> Path:
    """A home, a recipe, a folder for crawls, and the workspace that has the stages of straw."""
    write_recipe(folder / "recipe.yaml")
    (folder / "crawls").mkdir()
    where = {"python_file": {"relative_path": str(LOCATION), "location_name": "provender"}}
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [where]}))
    make_lake(folder / "home", load_recipe(folder / "recipe.yaml"))
    return folder
