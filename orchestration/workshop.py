"""Makes the workshop of this process from the settings: Spark session, lake, recipe, services. Lazily, and once."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import SparkSession

from assets.workshop import Workshop
from orchestration.dataset_card.card import write_card
from orchestration.environment import delta_jars, use_java
from orchestration.lake_lock import share
from orchestration.lineage_sink import sink_of
from orchestration.report_page.page import write
from orchestration.settings import PROJECT, Settings
from orchestration.spark_session import build_session
from spark_jobs.errors import NotFoundError, UsageError
from spark_jobs.generation.embedded import embedded_server
from spark_jobs.generation.endpoint import Endpoint
from spark_jobs.lake import ledger, storage
from spark_jobs.lake.lake import Lake
from spark_jobs.recipe.fingerprint import package_versions, recipe_fingerprint
from spark_jobs.recipe.load import find_recipe, load_recipe
from spark_jobs.recipe.recipe import Recipe


def read_recipe(settings: Settings) -> Recipe:
    """The recipe the settings name."""
    return load_recipe(find_recipe(settings.recipe, settings.recipes), _expectations)


def _expectations() -> Mapping[str, tuple[frozenset[str], frozenset[str]]]:
    from assets.approval import overridable_names  # few recipes need it, and Great Expectations comes with it

    return overridable_names()


def require_lake(settings: Settings) -> None:
    """Raise NotFoundError where there is no lake to read; costs no Spark."""
    # Where only the ledger is missing, it is derived again when the lake is opened.
    marks = (storage.join(settings.home, "tables", table, "_delta_log") for table in ("publications", "raw"))
    if not any(storage.exists(mark) for mark in marks):
        raise NotFoundError(
            f"{settings.home}: no lake here; make one with ./provender run, or name another with --home"
        )


def open_lake(settings: Settings, *, check_recipe: bool, spark: SparkSession | None = None) -> Lake:
    """An existing lake for reading, on this session or on one of the settings; nothing is made.

    It is held open until this process ends: a takedown removes files, and scratch, under nobody.
    """
    share(settings)
    wanted = read_recipe(settings).name if check_recipe else None
    return Lake(spark or start_session(settings), settings.home).open(wanted)


def start_session(settings: Settings) -> SparkSession:
    """The Spark session of the settings."""
    use_java()
    settings.scratch.mkdir(parents=True, exist_ok=True)
    return build_session(
        master=settings.master, driver_memory=settings.driver_memory, jars=delta_jars(), scratch=str(settings.scratch)
    )  # fmt: skip


def code_state() -> dict[str, Any]:
    """The commit of this checkout, and whether files differ from it; nulls outside of git."""

    def git(*words: str) -> str | None:
        done = subprocess.run(["git", "-C", str(PROJECT), *words], capture_output=True, text=True, check=False)  # noqa: S603, S607 - fixed words, no shell
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain")
    except FileNotFoundError:
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": None if changes is None else bool(changes)}


def storage_options(settings: Settings) -> dict[str, Any]:
    """Fsspec options for inputs, as JSON in the settings."""
    try:
        options = json.loads(settings.storage_options)
    except json.JSONDecodeError as error:
        raise UsageError(f"PROVENDER_STORAGE_OPTIONS is not JSON: {error}") from error
    if not isinstance(options, dict):
        raise UsageError("PROVENDER_STORAGE_OPTIONS is not a JSON object")
    return options


def provenance() -> dict[str, Any]:
    """The running code and its packages, as records name them."""
    return {"code": code_state(), "packages": package_versions()}


def furnished(
    settings: Settings, lake: Lake, recipe: Recipe, folder: str | None, *, say: Callable[[str], None]
) -> Workshop:  # fmt: skip
    """A workshop that builds in a lake and tells nobody: no model is asked, no page written, no lineage sent."""
    return Workshop(
        lake=lake, recipe=recipe, recipe_folder=folder, recipe_fingerprint=recipe_fingerprint(recipe),
        provenance=provenance(), scratch=str(settings.scratch / "stages"), storage_options=storage_options(settings),
        say=say,
    )  # fmt: skip


@dataclass
class WorkshopResource:
    """Dagster's resource: holds the settings, and gives the workshop when a step asks for it."""

    settings: Settings
    say: Callable[[str], None] = lambda _message: None
    _made: dict[str, Workshop] = field(default_factory=dict)

    def get(self) -> Workshop:
        """The workshop of this process; Spark starts and the lake is made on first use."""
        if "workshop" not in self._made:
            self._made["workshop"] = self._make()
        return self._made["workshop"]

    def _make(self) -> Workshop:
        settings = self.settings.check()
        recipe = read_recipe(settings)
        folder = str(find_recipe(settings.recipe, settings.recipes).resolve().parent)
        share(settings)
        lake = Lake(start_session(settings), settings.home)
        whole = lake.properties() is not None
        lake.make(recipe.name)
        if not whole and (derived := ledger.sync(lake)):
            self.say(f"the ledger was missing: derived again from {derived} commits")
        return replace(
            furnished(settings, lake, recipe, folder, say=self.say), rewrite_endpoint=self._endpoint,
            write_report=write, write_card=write_card, lineage=sink_of(settings, self.say),
        )  # fmt: skip

    def _endpoint(self, **embedded: Any) -> Any:
        settings = self.settings
        if settings.rewrite_url is None:
            return embedded_server(log_path=str(settings.scratch / "embedded-model.log"), **embedded)
        return Endpoint(url=settings.rewrite_url, model=str(settings.rewrite_model), key=settings.rewrite_key)
