"""Settings: where things lie and how big they may be. The only place that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    "PROVENDER_WATCH": "where new snapshots appear: a folder, a glob, a .paths list or a collinfo.json; path or URI",
    "PROVENDER_WATCH_LISTS": "of a collinfo.json: URI of a list, with {id} (default: crawl-data/{id}/warc.paths.gz)",
    "PROVENDER_WATCH_SINCE": "of a collinfo.json: the oldest crawl to take (default: the newest one registered)",
    "PROVENDER_WATCH_SECONDS": "seconds between two looks of the sensors (default: 30)",
    "PROVENDER_SETTLE_SECONDS": "seconds for which files must not change before they are taken (default: 60)",
    "PROVENDER_REFRESH_CRON": "when to look for new snapshots instead of all the time, as in 0 2 * * *",
    "PROVENDER_REFRESH_TIMEZONE": "time zone of that (default: UTC)",
    "PROVENDER_REFRESH_LIMIT": "how many refreshes may be queued or running at once (default: 1)",
    "PROVENDER_AUTOMATION": "on or off: build what is stale without being asked (default: on where a place is watched)",
    "PROVENDER_ALERT_WEBHOOK": "URL that failures are posted to as JSON; never written anywhere",
    "PROVENDER_ALERT_EMAIL": "addresses that failures are mailed to, with commas between",
    "PROVENDER_ALERT_FROM": "sender of these mails (default: the first of the addresses)",
    "PROVENDER_ALERT_SMTP": "mail server as smtp://USER:PASSWORD@HOST:PORT or smtps://...; never written anywhere",
    "PROVENDER_UI_URL": "address of the Dagster UI, for links in alerts (default: http://127.0.0.1:3000)",
}
_NUMBERS = ("PROVENDER_WATCH_SECONDS", "PROVENDER_SETTLE_SECONDS", "PROVENDER_REFRESH_LIMIT")


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
    watch: str | None = None
    watch_lists: str | None = None
    watch_since: str | None = None
    watch_seconds: int = 30
    settle_seconds: int = 60
    refresh_cron: str | None = None
    refresh_timezone: str = "UTC"
    refresh_limit: int = 1
    automation: bool = False
    alert_webhook: str | None = field(default=None, repr=False)
    alert_email: tuple[str, ...] = ()
    alert_from: str | None = None
    alert_smtp: str | None = field(default=None, repr=False)
    ui_url: str = "http://127.0.0.1:3000"

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
            recipe=_absolute(recipe or env.get("PROVENDER_RECIPE") or "default"),
            master=env.get("PROVENDER_MASTER") or f"local[{cores}]",
            driver_memory=env.get("PROVENDER_DRIVER_MEMORY") or "3g",
            rewrite_url=env.get("PROVENDER_REWRITE_URL") or None,
            rewrite_model=env.get("PROVENDER_REWRITE_MODEL") or None,
            rewrite_key=env.get("PROVENDER_REWRITE_KEY") or None,
            storage_options=env.get("PROVENDER_STORAGE_OPTIONS") or "{}",
            openlineage=env.get("PROVENDER_OPENLINEAGE") or None,
            openlineage_key=env.get("PROVENDER_OPENLINEAGE_KEY") or None,
            openlineage_namespace=env.get("PROVENDER_OPENLINEAGE_NAMESPACE") or "provender",
            **_refresh_settings(env),
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
        if self.alert_webhook and not self.alert_webhook.startswith(("http://", "https://")):
            raise UsageError("PROVENDER_ALERT_WEBHOOK is no URL that begins with http:// or https://")
        if self.alert_email and not self.alert_smtp:
            raise UsageError("PROVENDER_ALERT_EMAIL is set but PROVENDER_ALERT_SMTP is not: name the mail server")
        return self


def _absolute(recipe: str) -> str:
    """A recipe's file means the folder of the person; children of the UI run in the project's. Names stay names."""
    return str(Path(recipe).expanduser().resolve()) if recipe.endswith((".yaml", ".yml")) else recipe


def _refresh_settings(env: Mapping[str, str]) -> dict[str, Any]:
    """What the scheduled refresh needs: the watched place, when, how much at once, and whom to tell."""
    numbers = {name: env.get(name) or "" for name in _NUMBERS}
    for name, text in numbers.items():
        if text and not (text.isascii() and text.isdigit() and (int(text) or name == "PROVENDER_SETTLE_SECONDS")):
            raise UsageError(f"{name} is {text!r}: give a whole number above 0")
    watch = env.get("PROVENDER_WATCH") or None
    if watch is not None and "://" not in watch:
        watch = str(Path(watch).expanduser().absolute())
    said = (env.get("PROVENDER_AUTOMATION") or "").lower()
    if said not in {"", "on", "off"}:
        raise UsageError(f"PROVENDER_AUTOMATION is {said!r}: say on or off")
    return {
        "watch": watch,
        "watch_lists": env.get("PROVENDER_WATCH_LISTS") or None,
        "watch_since": env.get("PROVENDER_WATCH_SINCE") or None,
        "watch_seconds": int(numbers["PROVENDER_WATCH_SECONDS"] or 30),
        "settle_seconds": int(numbers["PROVENDER_SETTLE_SECONDS"] or 60),
        "refresh_cron": env.get("PROVENDER_REFRESH_CRON") or None,
        "refresh_timezone": env.get("PROVENDER_REFRESH_TIMEZONE") or "UTC",
        "refresh_limit": int(numbers["PROVENDER_REFRESH_LIMIT"] or 1),
        "automation": said == "on" or (said == "" and watch is not None),
        "alert_webhook": env.get("PROVENDER_ALERT_WEBHOOK") or None,
        "alert_email": tuple(a.strip() for a in (env.get("PROVENDER_ALERT_EMAIL") or "").split(",") if a.strip()),
        "alert_from": env.get("PROVENDER_ALERT_FROM") or None,
        "alert_smtp": env.get("PROVENDER_ALERT_SMTP") or None,
        "ui_url": (env.get("PROVENDER_UI_URL") or "http://127.0.0.1:3000").rstrip("/"),
    }
