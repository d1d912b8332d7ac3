"""The Dagster UI in a real browser: what assets say of themselves, a snapshot built there, and one that is refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from orchestration.instance import open_instance
from orchestration.registration import register_input
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource
from spark_jobs.sample.volume import Page
from tests.integration.conftest import small_crawl, write_crawl, write_recipe
from tests.integration.served import Served, served

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(2_000)]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]  # fmt: skip


@pytest.fixture(scope="module")
def program(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A home with three registered snapshots, of which nothing is built; nothing is built by itself."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    place = tmp_path_factory.mktemp("ui")
    write_recipe(place / "recipe.yaml")
    empty = [Page(f"https://empty.example/{n}", "<html><body></body></html>") for n in range(150)]
    crawls = {"one": small_crawl(0)[:60], "two": small_crawl(1)[:60], "poisoned": empty}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))
        with open_instance(settings) as instance:
            workshop = WorkshopResource(settings).get()
            for name, pages in crawls.items():
                register_input(workshop, instance, name, [str(write_crawl(place / name, 0, pages))])
    with served(place, PROVENDER_AUTOMATION="off") as program:
        yield program


@pytest.fixture
def tab(program: Served) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 1500, "height": 1000})
            page.set_default_timeout(60_000)
            yield page
        finally:
            browser.close()


def shot(tab: Any, name: str) -> None:
    """Pictures for people, where a run of the tests names a folder for them."""
    folder = Path(str(pytest.shots)) if getattr(pytest, "shots", None) else None
    if folder is not None:
        tab.screenshot(path=folder / f"{name}.png")
