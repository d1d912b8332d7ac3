"""Settings: where things lie and how big they may be. The only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spark_jobs.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent

VARIABLES: Mapping[str, str] = {
    "PROVENDER_HOME": "where the lake, the models and the Dagster instance lie (default: .provender in the project)",
    "PROVENDER_RECIPE": "name or file of the recipe (default: default)",
    "PROVENDER_MASTER": "Spark master (default: local[2], or local[N] with N cores up to 8)",
    "PROVENDER_DRIVER_MEMORY": "memory of the Spark driver (default: 3g)",
    "PROVENDER_REWRITE_URL": "an OpenAI-compatible endpoint for rewriting (default: the embedded model)",
    "PROVENDER_REWRITE_MODEL": "the model to ask for there",
    "PROVENDER_REWRITE_KEY": "the key for it; never written anywhere",
    "PROVENDER_OPENLINEAGE": "where OpenLineage events go: http(s) URL of an endpoint, or a file (default: nowhere)",
    "PROVENDER_OPENLINEAGE_KEY": "the API key of that endpoint; never written anywhere",
    "PROVENDER_OPENLINEAGE_NAMESPACE": "namespace of the jobs in the events (default: provender)",
    "PROVENDER_STORAGE_OPTIONS": "JSON of fsspec options for input URIs (credentials, endpoints)",
}


@dataclass(frozen=True)
class Settings:
    """Everything a run needs to know of this machine."""

    home: str
    recipe: str = "default"
    master: str = "local[2]"
    driver_memory: str = "3g"
    rewrite_url: str | None = None
    rewrite_model: str | None = None
    rewrite_key: str | None = field(default=None, repr=False)
    storage_options: str = field(default="{}", repr=False)
    openlineage: str | None = None
    openlineage_key: str | None = field(default=None, repr=False)
    openlineage_namespace: str = "provender"

    @property
    def recipes(self) -> Path:
        """Folder of the recipes that come with the project."""
        return PROJECT / "recipes"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own files: SQLite, so always on a local disk."""
        if "://" in self.home:
            return Path.home() / ".provender" / "dagster"
        return Path(self.home) / "dagster"

    @property
    def scratch(self) -> Path:
        """Spark's spill and the intermediates of stages, on a local disk."""
        return self.dagster_home.parent / "scratch"

    @classmethod
    def read(cls, home: str | None = None, recipe: str | None = None) -> "Settings":
        """Settings from the environment; the arguments are what the command line said."""
        env = os.environ
        cores = max(
            1, min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2)
        )
        chosen = home or env.get("PROVENDER_HOME") or str(PROJECT / ".provender")
        return cls(
            home=chosen if "://" in chosen else str(Path(chosen).expanduser().resolve()),
            recipe=recipe or env.get("PROVENDER_RECIPE") or "default",
            master=env.get("PROVENDER_MASTER") or f"local[{cores}]",
            driver_memory=env.get("PROVENDER_DRIVER_MEMORY") or "3g",
            rewrite_url=env.get("PROVENDER_REWRITE_URL") or None,
            rewrite_model=env.get("PROVENDER_REWRITE_MODEL") or None,
            rewrite_key=env.get("PROVENDER_REWRITE_KEY") or None,
            storage_options=env.get("PROVENDER_STORAGE_OPTIONS") or "{}",
            openlineage=env.get("PROVENDER_OPENLINEAGE") or None,
            openlineage_key=env.get("PROVENDER_OPENLINEAGE_KEY") or None,
            openlineage_namespace=env.get("PROVENDER_OPENLINEAGE_NAMESPACE") or "provender",
        )

    def export(self) -> None:
        """Hand the settings to child processes (the Dagster UI and its runs), which read them the same way."""
        os.environ["PROVENDER_HOME"] = self.home
        os.environ["PROVENDER_RECIPE"] = self.recipe
        os.environ["DAGSTER_HOME"] = str(self.dagster_home)

    def check(self) -> "Settings":
        """Raise UsageError where settings contradict each other."""
        if self.rewrite_url and not self.rewrite_model:
            raise UsageError(
                "PROVENDER_REWRITE_URL is set but PROVENDER_REWRITE_MODEL is not: name the model to ask for"
            )
        return self
