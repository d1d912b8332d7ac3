"""A home whose lake and stages are of straw, served by the real program: see `straw_location.py`."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from spark_jobs.recipe.load import load_recipe
from tests.integration.conftest import write_recipe
from tests.integration.served import Served
from tests.integration.straw_location import make_lake

LOCATION = Path(__file__).with_name("straw_location.py")
LISTED = ("part-0.warc.gz", "part-1.warc.gz", "part-2.warc.gz")
WARC = b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"


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


def index_crawl(root: Path, name: str, *, gone: Sequence[str] = (), at: int | None = None) -> Path:
    """A crawl with its list, which names all of `LISTED`, in the manner of Common Crawl; the index comes last.

    `gone` are not there. `at` is the time of the list, in seconds.
    """
    index, folder = root / "collinfo.json", root / "crawl-data" / name
    (folder / "warc").mkdir(parents=True, exist_ok=True)
    for file in LISTED:
        if file not in gone:
            (folder / "warc" / file).write_bytes(gzip.compress(WARC))
    entries = "".join(f"crawl-data/{name}/warc/{file}\n" for file in LISTED)
    (folder / "warc.paths.gz").write_bytes(gzip.compress(entries.encode()))
    if at is not None:
        os.utime(folder / "warc.paths.gz", (at, at))
    known = json.loads(index.read_text(encoding="utf-8")) if index.exists() else []
    new = index.with_name("collinfo.json.tmp")
    new.write_text(json.dumps([{"id": name}, *(one for one in known if one["id"] != name)]), encoding="utf-8")
    new.rename(index)
    return folder
