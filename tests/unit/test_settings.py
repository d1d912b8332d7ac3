"""Settings of the scheduled refresh: what is said, what is left out, and what cannot be."""

from pathlib import Path

import pytest

from orchestration.settings import VARIABLES, Settings
from spark_jobs.errors import UsageError


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_nothing_is_watched_built_or_told_unless_somebody_says_so() -> None:
    found = Settings.read("home")
    assert (found.watch, found.automation, found.alert_webhook, found.alert_email) == (None, False, None, ())
    assert (found.refresh_limit, found.watch_seconds, found.settle_seconds) == (1, 30, 60)


def test_who_names_a_place_wants_it_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVENDER_WATCH", "crawls")
    assert Settings.read("home").automation
    assert Settings.read("home").watch == str(Path("crawls").absolute())
    monkeypatch.setenv("PROVENDER_AUTOMATION", "off")
    assert not Settings.read("home").automation
    monkeypatch.setenv("PROVENDER_WATCH", "s3://bucket/a/*")
    assert Settings.read("home").watch == "s3://bucket/a/*"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PROVENDER_REFRESH_LIMIT", "0"), ("PROVENDER_REFRESH_LIMIT", "two"), ("PROVENDER_WATCH_SECONDS", "-3"),
     ("PROVENDER_SETTLE_SECONDS", "1.5"), ("PROVENDER_AUTOMATION", "maybe")],
)  # fmt: skip
def test_what_cannot_be_is_told_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=name):
        Settings.read("home")


def test_the_file_of_a_recipe_means_the_folder_of_the_person() -> None:
    assert Settings.read("home", "mine.yaml").recipe == str(Path("mine.yaml").resolve())
    assert Settings.read("home", "fineweb").recipe == "fineweb"
