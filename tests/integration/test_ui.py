"""The Dagster UI in a real browser: what assets say of themselves, a snapshot built there, and one that is refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from orchestration.instance import open_instance
from orchestration.progress import Progress
from orchestration.run import Refresh
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
def place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one snapshot that is registered and read; nothing is built by itself."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    place = tmp_path_factory.mktemp("ui")
    write_recipe(place / "recipe.yaml")
    read(place, small_crawl(0)[:60])
    return place


def read(place: Path, pages: list[Page]) -> None:
    """Register these pages as the snapshot `one` and build `raw`, as the command line does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))
        crawl = write_crawl(place / "one", 0, pages)
        with open_instance(settings) as instance:
            refresh = Refresh(WorkshopResource(settings), instance, Progress())
            workshop = refresh.resource.get()
            refresh._register(workshop, "one", [str(crawl)])
            refresh._refresh_snapshot(workshop, "one", ("raw",))


@pytest.fixture(scope="module")
def program(place: Path) -> Iterator[Served]:
    with served(place) as program:
        yield program


@pytest.fixture
def tab(program: Served) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 1600, "height": 1300})
            page.set_default_timeout(90_000)
            yield page
        finally:
            browser.close()


def seen(tab: Any, *words: str) -> None:
    """All of these stand on the page, or come."""
    for word in words:
        tab.get_by_text(word, exact=True).first.wait_for()


def materialize(program: Served, tab: Any, asset: str, partition: str) -> str:
    """Build a partition by mouse; how the run ended."""
    before = {run["runId"] for run in program.runs()}
    tab.goto(f"{program.url}/assets/{asset}")
    tab.get_by_role("button", name="Materialize").first.click()
    tab.get_by_text("Select a partition or create one").click()
    tab.get_by_text(partition, exact=True).last.click()
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Launch").last.click()

    def ended() -> str:
        new = [run for run in program.runs() if run["runId"] not in before]
        return next((run["status"] for run in new if run["status"] in {"SUCCESS", "FAILURE", "CANCELED"}), "")

    return program.until(ended, f"a run of {asset}/{partition}")


def test_the_graph_is_grouped_by_layer(program: Served, tab: Any) -> None:
    tab.goto(f"{program.url}/asset-groups/")
    seen(tab, "crawl", "documents", "attributes", "rewrites", "models", "releases")


def test_an_asset_says_what_it_is(program: Served, tab: Any) -> None:
    tab.goto(f"{program.url}/assets/cleaned")
    seen(
        tab,
        "Delta Lake",
        "Spark",
        "data",
        "refresh_snapshot",
        "refresh_what_is_stale",
        "Columns",
        "doc_id",
        "TIMESTAMP",
    )
    seen(tab, "gopher_quality__words", "main text after all edits; dropped rows keep it; of raw.payload, "
         "raw.content_type, raw.http_headers")  # fmt: skip
    tab.goto(f"{program.url}/assets/cleaned?view=checks&checkDetail=conserved")
    tab.get_by_text("Error: nothing is published.").first.wait_for()


def test_a_snapshot_is_built_in_the_browser_and_says_what_was_dropped(program: Served, tab: Any) -> None:
    assert materialize(program, tab, "cleaned", "one") == "SUCCESS"
    publication = program.publications()["cleaned/one"]
    tab.goto(f"{program.url}/assets/cleaned?view=partitions&partition=one")
    seen(tab, "Materialized", publication.id, "drop rate", "dropped by reason", "gopher_quality.too_short", "report")
    reasons = publication.record["counts"]["by_reason"]
    row = tab.locator("tr", has_text="gopher_quality.too_short").last
    assert row.locator("td").last.inner_text() == str(reasons["gopher_quality.too_short"])
    tab.goto(f"{program.url}/assets/cleaned")
    tab.get_by_role("button", name="Plots").click()
    tab.get_by_text("drop rate").first.wait_for()
    tab.locator("canvas").first.wait_for()
    query = """{ assetNodeOrError(assetKey: {path: ["cleaned"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
        metadataEntries { label ... on TableColumnLineageMetadataEntry {
            lineage { columnName columnDeps { assetKey { path } columnName } } } } } } } }"""
    (event,) = program.ask(query)["assetNodeOrError"]["assetMaterializations"]
    (entry,) = [e for e in event["metadataEntries"] if e["label"] == "dagster/column_lineage"]
    host = next(column for column in entry["lineage"] if column["columnName"] == "host")
    assert host["columnDeps"] == [{"assetKey": {"path": ["raw"]}, "columnName": "url"}]


def test_a_poisoned_one_fails_and_the_old_one_stays(program: Served, tab: Any, place: Path) -> None:
    before = program.publications()["cleaned/one"]
    read(place, [Page(f"https://empty.example/{n}", "<html><body></body></html>") for n in range(150)])
    assert materialize(program, tab, "cleaned", "one") == "FAILURE"
    assert program.publications()["cleaned/one"].id == before.id
    tab.goto(f"{program.url}/assets/cleaned?view=partitions&partition=one")
    seen(tab, before.id)
    tab.get_by_text("Failed (1)").wait_for()
    tab.goto(f"{program.url}/assets/cleaned?view=checks&checkDetail=most_documents_are_extracted")
    seen(tab, "Failed")
