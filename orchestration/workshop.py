"""Makes the workshop of this process from the settings: Spark session, lake, recipe, services. Lazily, and once."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from assets.workshop import Workshop
from orchestration.environment import delta_jars
from orchestration.lake_lock import share
from orchestration.report_page.page import write
from orchestration.settings import PROJECT, Settings
from orchestration.spark_session import build_session
from spark_jobs.errors import NotFoundError, UsageError
from spark_jobs.generation.embedded import embedded_server
from spark_jobs.generation.endpoint import Endpoint
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.recipe.fingerprint import package_versions, recipe_fingerprint
from spark_jobs.recipe.load import find_recipe, load_recipe
from spark_jobs.recipe.recipe import Recipe


def read_recipe(settings: Settings) -> Recipe:
    """The recipe the settings name."""
    return load_recipe(find_recipe(settings.recipe, settings.recipes))


def require_lake(settings: Settings) -> None:
    """Raise NotFoundError where there is no lake to read; costs no Spark."""
    if not storage.exists(storage.join(settings.home, "tables", "publications", "_delta_log")):
        raise NotFoundError(
            f"{settings.home}: no lake here; make one with ./provender run, or name another with --home"
        )


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
        settings.scratch.mkdir(parents=True, exist_ok=True)
        share(settings)
        spark = build_session(
            master=settings.master,
            driver_memory=settings.driver_memory,
            jars=delta_jars(),
            scratch=str(settings.scratch),
        )
        return Workshop(
            lake=Lake(spark, settings.home).make(recipe.name),
            recipe=recipe,
            recipe_fingerprint=recipe_fingerprint(recipe),
            provenance={"code": code_state(), "packages": package_versions()},
            scratch=str(settings.scratch / "stages"),
            storage_options=storage_options(settings),
            rewrite_endpoint=self._endpoint,
            write_report=write,
            say=self.say,
        )

    def _endpoint(self, **embedded: Any) -> Any:
        settings = self.settings
        if settings.rewrite_url is None:
            return embedded_server(log_path=str(settings.scratch / "embedded-model.log"), **embedded)
        return Endpoint(url=settings.rewrite_url, model=str(settings.rewrite_model), key=settings.rewrite_key)
