"""The Dagster UI in a real browser: what assets say of themselves, a snapshot built there, and one that is refused."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.catalog import full_fingerprints, tables
from orchestration.instance import open_instance
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource
from spark_jobs.lake.log_lake import LogLake
from tests.integration.served import Served, served
from tests.integration.straw_home import StrawServed, place_of
from tests.integration.straw_location import publish, register_input, workshop_of

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1_500)]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update"]  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two snapshots are registered and read; nothing is built by itself. Stages of straw: what is shown is real."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    place = place_of(tmp_path_factory.mktemp("ui"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))
        with open_instance(settings) as instance:
            workshop = workshop_of(WorkshopResource(settings))
            wanted = full_fingerprints(tables(), workshop)["raw"]
            for name in ("one", "two"):
                (place / "crawls" / name).mkdir()
                (place / "crawls" / name / "part-0.warc.gz").write_bytes(b"x")
                register_input(workshop, instance, name, [str(place / "crawls" / name)])
                assert isinstance(workshop.lake, LogLake)
                publish(workshop.lake, "raw", name, fingerprint=wanted)
    with served(place, StrawServed) as program:
        yield program


@pytest.fixture
def tab(program: Served) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 1600, "height": 1300})
            page.set_default_timeout(45_000)
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
    tab.get_by_text(partition, exact=True).locator("visible=true").last.click()
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
    seen(tab, "Delta Lake", "Spark", "Owners", "refresh_snapshot", "refresh_what_is_stale", "Columns", "doc_id")
    # A team has an icon and a name; the word alone could stand anywhere on the page.
    owners = tab.get_by_text("Owners", exact=True).locator("xpath=..")
    assert owners.inner_text().split() == ["Owners", "data"]
    owners.get_by_role("img", name="people").wait_for()
    # The table draws only the rows that are on the screen.
    columns = tab.get_by_placeholder("Filter columns")
    columns.fill("gopher_quality__words")
    seen(tab, "gopher_quality__words", "DOUBLE")
    columns.fill("encoding")
    tab.get_by_text("of raw.content_type, raw.http_headers, raw.payload").first.wait_for()
    tab.goto(f"{program.url}/assets/cleaned?view=checks&checkDetail=conserved")
    tab.get_by_text("Error: nothing is published.").first.wait_for()


def test_a_snapshot_is_built_in_the_browser_and_says_what_was_dropped(program: Served, tab: Any) -> None:
    assert materialize(program, tab, "cleaned", "one") == "SUCCESS"
    publication = program.publications()["cleaned/one"]
    tab.goto(f"{program.url}/assets/cleaned?view=partitions&partition=one")
    seen(tab, "Materialized", publication.id, "drop rate", "dropped by reason", "gopher_quality.too_short")
    reasons = publication.record["counts"]["by_reason"]
    row = tab.locator("tr", has_text="gopher_quality.too_short").last
    assert row.locator("td").last.inner_text() == str(reasons["gopher_quality.too_short"])
    tab.goto(f"{program.url}/assets/cleaned")
    tab.get_by_role("button", name="Plots").click()
    tab.get_by_text("drop rate").first.wait_for()
    tab.locator("canvas").first.wait_for()


def test_the_report_on_a_snapshot_is_named_where_it_was_built_and_lies_there(program: Served, tab: Any) -> None:
    """Dagster shows a path as something to copy: a browser opens no local file from a page that a server sent."""
    publication = program.publications()["cleaned/one"]
    tab.goto(f"{program.url}/assets/cleaned?view=partitions&partition=one")
    row = tab.locator("tr").filter(has=tab.get_by_role("cell", name="report", exact=True))
    row.get_by_title("Copy to clipboard").first.wait_for()
    report = Path(row.locator("td").nth(1).inner_text().strip())
    assert report == program.home / "reports" / "cleaned" / "one" / f"{publication.id}.html"
    assert publication.id in report.read_text(encoding="utf-8")


def test_the_lineage_of_columns_is_read_on_the_page_and_asked_of_the_server(program: Served, tab: Any) -> None:
    """The open-source UI keeps `dagster/column_lineage` out of its tables and draws no graph of columns.

    So people read it as part of a column's description, and the structure is had through GraphQL alone.
    """
    tab.goto(f"{program.url}/assets/cleaned")
    tab.get_by_placeholder("Filter columns").fill("host")
    row = tab.get_by_text("host", exact=True).locator("xpath=ancestor::*[contains(., 'STRING')][1]")
    assert "of raw.url" in row.inner_text()
    query = """{ assetNodeOrError(assetKey: {path: ["cleaned"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
        metadataEntries { label ... on TableColumnLineageMetadataEntry {
            lineage { columnName columnDeps { assetKey { path } columnName } } } } } } } }"""
    (event,) = program.ask(query)["assetNodeOrError"]["assetMaterializations"]
    (entry,) = [e for e in event["metadataEntries"] if e["label"] == "dagster/column_lineage"]
    host = next(column for column in entry["lineage"] if column["columnName"] == "host")
    assert host["columnDeps"] == [{"assetKey": {"path": ["raw"]}, "columnName": "url"}]


def test_a_poisoned_one_fails_and_the_old_one_stays(program: Served, tab: Any) -> None:
    before = program.publications()["cleaned/one"]
    (program.place / "crawls" / "one" / "poison").touch()
    assert materialize(program, tab, "cleaned", "one") == "FAILURE"
    assert program.publications()["cleaned/one"].id == before.id
    tab.goto(f"{program.url}/assets/cleaned?view=partitions&partition=one")
    seen(tab, before.id)
    tab.get_by_text("Failed (1)").wait_for()
    tab.goto(f"{program.url}/assets/cleaned?view=checks&checkDetail=conserved")
    seen(tab, "Failed")


def test_there_is_a_job_for_every_command_that_changes_data(program: Served, tab: Any) -> None:
    tab.goto(f"{program.url}/jobs")
    seen(tab, "refresh_snapshot", "build_release", "fit_models", "register_snapshot", "register_watched")
    seen(tab, "rollback", "approve_candidate", "takedown", "vacuum")
