"""What-if is what a run gives, deciding again is what the whole pass gives, and the report opens in a real browser."""

import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from pyspark.sql import SparkSession

from orchestration.instance import open_instance
from orchestration.progress import Progress
from orchestration.run import Refresh
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource
from spark_jobs.lake.lake import Lake
from tests.integration.conftest import Command, write_crawl, write_recipe

SETS = {"gopher_quality": {"min_words": 205, "min_stop_words": None}, "fineweb_quality": {"max_short_lines": 0.1},
        "language_filter": {"languages": ["en"], "min_score": 0.975}}  # fmt: skip
MOVES = ("gopher_quality.min_words=205", "gopher_quality.min_stop_words=null", "fineweb_quality.max_short_lines=0.1",
         "language_filter.min_score=0.975")  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def build(home: Path, recipe: Path, crawl: Path, *tables: str) -> dict[str, Any]:
    """Tables of the crawl through Dagster, as `run` makes them; the metadata of the last one's materialization."""
    settings = Settings.read(str(home), str(recipe))
    with open_instance(settings) as instance:
        refresh = Refresh(WorkshopResource(settings), instance, Progress())
        workshop = refresh.resource.get()
        refresh._register(workshop, "one", [str(crawl)], refresh._files("one", [str(crawl)]))
        refresh._refresh_snapshot(workshop, "one", tables)
        event = instance.get_latest_materialization_event(dg.AssetKey(tables[-1]))
        assert event is not None
        assert event.asset_materialization is not None
        return {key: value.value for key, value in event.asset_materialization.metadata.items()}


@pytest.fixture(scope="module")
def place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lakes of one crawl: `home` by the default recipe, `other` by the one with moved bounds, from the pages."""
    place = tmp_path_factory.mktemp("what if")
    write_recipe(place / "recipe.yaml")
    recipe = yaml.safe_load((place / "recipe.yaml").read_text(encoding="utf-8"))
    named = [step if isinstance(step, dict) else {step: {}} for step in recipe["cleaned"]["steps"]]
    steps = [{name: {**params, **SETS.get(name, {})}} for step in named for name, params in step.items()]
    write_recipe(place / "moved.yaml", cleaned={**recipe["cleaned"], "steps": steps})
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        crawl = write_crawl(place / "crawl", 0)
        build(place / "home", place / "recipe.yaml", crawl, "raw")
        shutil.copytree(place / "home", place / "other")
        build(place / "home", place / "recipe.yaml", crawl, "cleaned")
        build(place / "other", place / "moved.yaml", crawl, "cleaned")
    return place


def options(place: Path) -> tuple[object, ...]:
    return ("--home", place / "home", "--recipe", place / "recipe.yaml")


def test_the_answer_is_what_a_run_with_these_bounds_gives(command: Command, place: Path, spark: SparkSession) -> None:
    asked = [word for move in MOVES for word in ("--set", move)]
    found = command("whatif", *options(place), *asked, "--by", "language", "--json").json
    before, after = (Lake(spark, str(place / home)) for home in ("home", "other"))
    for side, lake in (("before", before), ("after", after)):
        publication = lake.current("cleaned", "one")
        assert publication is not None
        counts = publication.record["counts"]
        assert "redecided_from" not in publication.record
        assert found["all"]["documents"] == counts["rows"]
        assert found[side]["documents"] == counts["kept"]
        reasons = {row["reason"]: row[side]["documents"] for row in found["reasons"] if row[side]["documents"]}
        assert reasons == counts["by_reason"]
        rows = lake.published("cleaned", ["one"])
        languages = {r["language"]: r for r in rows.groupBy("language").agg({"kept": "count"}).collect()}
        kept = {r["language"]: r["count"] for r in rows.where("kept").groupBy("language").count().collect()}
        assert {row["key"] for row in found["by"]["rows"]} == set(languages)
        assert {row["key"]: row[f"kept_{side}"] for row in found["by"]["rows"] if row[f"kept_{side}"]} == kept
        tokens = rows.where("kept").agg({"token_count__tokens": "sum"}).collect()[0][0]
        assert found[side]["tokens"] == int(tokens)
    assert found["before"]["documents"] > found["after"]["documents"] > 0
    text = command("whatif", *options(place), *asked).out
    assert "gopher_quality.min_words: 50 -> 205" in text


def test_a_curve_passes_through_the_answers(command: Command, place: Path) -> None:
    words = ("whatif", *options(place))
    found = command(*words, "--curve", "gopher_quality.min_words", "--points", "6", "--json").json
    (published,) = [point for point in found["points"] if point["published"]]
    assert published["threshold"] == 50
    for point in (published, found["points"][-1]):
        moved = f"gopher_quality.min_words={point['threshold']:.0f}"
        at = command(*words, "--set", moved, "--json").json["after"]
        assert at == {"documents": point["documents"], "tokens": point["tokens"]}
    text = command(*words, "--curve", "gopher_quality.min_words").out
    assert "^ published: 50" in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say what to change"),
        (("--set", "gopher_qualty.min_words=3"), "did you mean gopher_quality?"),
        (("--set", "gopher_quality.min_wrods=3"), "min_words"),
        (("--set", "gopher_quality.min_words=many"), "gopher_quality.min_words"),
        (("--set", "gopher_quality.stop_words=[the]"), "what is measured"),
        (("--set", "gopher_quality.min_words"), "no value"),
        (("--without", "mask_pii"), "is no filter"),
        (("--curve", "gopher_quality.stop_words"), "not the bound of one rule"),
        (("--curve", "gopher_quality"), "FILTER.PARAMETER"),
        (("--set", "gopher_quality.min_words=3", "--snapshot", "onne"), "did you mean one?"),
        (("--curve", "gopher_quality.min_words", "--by", "host"), "do not go together"),
        (("--set", "gopher_quality.min_words=3", "--by", "colour"), "--by"),
    ],
)
def test_a_wrong_question_is_told_in_one_line(command: Command, place: Path, words: tuple[str, ...], told: str) -> None:
    done = command("whatif", *options(place), *words)
    assert done.status == 2, done
    assert done.out == ""
    assert told in done.err
    assert done.err.strip().count("\n") == 0
    assert "Traceback" not in done.err


def test_deciding_again_gives_what_the_whole_pass_gives(
    command: Command, place: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(place / "home", place / "again")
    before = Lake(spark, str(place / "again")).current("cleaned", "one")
    full = Lake(spark, str(place / "other")).current("cleaned", "one")
    assert before is not None
    assert full is not None

    def never(*_words: Any, **_keys: Any) -> Any:
        raise AssertionError("an operator ran on text")

    with monkeypatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        patch.setattr("spark_jobs.stages.clean.CleanPass", never)
        metadata = build(place / "again", place / "moved.yaml", place / "crawl", "cleaned")
    lake = Lake(spark, str(place / "again"))
    after = lake.current("cleaned", "one")
    assert after is not None
    assert (after.digest, after.fingerprint) == (full.digest, full.fingerprint)
    assert after.digest != before.digest
    assert after.record["redecided_from"] == {"publication": before.id, "version": before.version}
    assert metadata["decided again from publication"] == before.id
    assert sorted(after.record["facts"]["moved_bounds"]) == sorted(move.partition("=")[0] for move in MOVES)
    assert [(i["table"], i["publication"]) for i in after.inputs] == [
        (i["table"], i["publication"]) for i in before.inputs
    ]  # fmt: skip
    for part in ("operators", "counts", "columns"):
        assert after.record[part] == full.record[part], part
    rows, wanted = (x.published("cleaned", ["one"]) for x in (lake, Lake(spark, str(place / "other"))))
    assert rows.select(*sorted(rows.columns)).exceptAll(wanted.select(*sorted(wanted.columns))).isEmpty()
    status = command("status", "--home", place / "again", "--recipe", place / "moved.yaml", "--json").json
    assert status["snapshots"][0]["tables"]["cleaned"]["stale"] is None


def test_a_page_that_cannot_be_written_does_not_fail_the_publication(
    place: Path, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(place / "home", place / "without")

    def broken(*_words: Any) -> str:
        raise OSError(28, "no space left for pages")

    for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr("orchestration.workshop.write", broken)
    metadata = build(place / "without", place / "moved.yaml", place / "crawl", "cleaned")
    assert "no space left for pages" in metadata["report"]
    current = Lake(spark, str(place / "without")).current("cleaned", "one")
    assert current is not None
    assert metadata["publication"] == current.id


def test_the_materialization_links_a_page_without_documents(place: Path, spark: SparkSession) -> None:
    publication = Lake(spark, str(place / "home")).current("cleaned", "one")
    assert publication is not None
    page = place / "home" / "reports" / "cleaned" / "one" / f"{publication.id}.html"
    text = page.read_text(encoding="utf-8")
    assert publication.id in text
    assert 'id="examples"' not in text
    assert "harbour-post.example/2026" not in text
    assert "<script" not in text


def test_the_report_opens_in_a_browser(command: Command, place: Path, spark: SparkSession, tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    page_file = tmp_path / "a page.html"
    told = command("report", "one", *options(place), "--out", page_file, "--with-text", "3", "--json").json
    assert told["file"] == str(page_file)
    counts = Lake(spark, str(place / "home")).publications("cleaned")["one"].record["counts"]
    problems: list[str] = []
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update"]  # fmt: skip
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            tab = browser.new_page(color_scheme="dark")
            tab.on("console", lambda message: problems.append(message.text))
            tab.on("pageerror", lambda error: problems.append(str(error)))
            requests: list[str] = []
            tab.on("request", lambda request: requests.append(request.url))
            tab.goto(page_file.as_uri())
            assert requests == [page_file.as_uri()], "everything is in the page"
            sections = tab.locator("section").evaluate_all("all => all.map(one => one.id)")
            assert sections == ["overview", "reasons", "overlap", "signals", "origins", "edits", "tokens", "examples"]
            assert tab.locator(".tile b").nth(1).inner_text() == f"{counts['kept']:,}"
            taken = tab.locator("#reasons tbody tr:not(.total) td:nth-of-type(2)").all_inner_texts()
            assert sum(int(cell.replace(",", "").strip("−")) for cell in taken) == counts["dropped"]
            words = tab.locator('figure[data-signal="gopher_quality__words"]')
            line = words.locator("line.bound").first
            assert "≥ 50" in words.locator("text.bound").first.text_content()
            assert f"broken by {counts['by_reason']['gopher_quality.too_short']}" in words.inner_text()
            # The line stands where the bars that end below 50 end and those from 50 on begin.
            x = float(line.get_attribute("x1"))
            below = [bar for bar in bars(words) if bar[1] <= 50]
            above = [bar for bar in bars(words) if bar[0] >= 50]
            assert below
            assert above
            assert all(left < x for _, _, left in below)
            assert all(left >= x - 0.01 for _, _, left in above)
            assert tab.locator("article.example").count() == 6
            dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            tab.emulate_media(color_scheme="light")
            assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != dark
            tab.set_viewport_size({"width": 390, "height": 800})
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390, "a phone scrolls tables, not the page"
        finally:
            browser.close()
    assert problems == []


def bars(figure: Any) -> list[tuple[float, float, float]]:
    """(low, high, left edge) of every bar of a histogram whose ends are written in full."""
    found = []
    for group in figure.locator("svg g").all():
        ends = group.locator("title").text_content().partition(":")[0].split(" to ")
        if len(ends) == 2 and not any("k" in end for end in ends):
            found.append((float(ends[0]), float(ends[1]), float(group.locator("rect").first.get_attribute("x"))))
    return found


def test_a_report_that_cannot_be_made_is_told(command: Command, place: Path) -> None:
    missing = command("report", "onne", *options(place))
    assert missing.status == 2
    assert "did you mean one?" in missing.err
    refused = command("report", "one", *options(place), "--out", "/proc/nothing/page.html")
    assert refused.status == 2
    assert "/proc/nothing" in refused.err
    assert command("report", "one", *options(place), "--with-text", "none").status == 2
