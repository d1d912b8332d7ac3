"""The real daemon, over stages of straw, on an index of crawls in the manner of Common Crawl, by sensor and by cron.

The index and the lists are local files; what is asked of other places is in `tests/unit/test_crawl_inputs.py`.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.served import Hook, Served, served
from tests.integration.straw_home import LISTED, StrawServed, index_crawl, place_of

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1_800)]

PATIENCE_SECONDS = 400
STATE = """query($selector: InstigationSelector!) { instigationStateOrError(instigationSelector: $selector) {
    ... on InstigationState { status ticks(limit: 50) { status error { causes { message } } } } } }"""


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Served]:
    """The sensor looks."""
    place = place_of(tmp_path_factory.mktemp("lists"))
    index_crawl(place / "crawls", "CC-1")
    watched = {"PROVENDER_WATCH": place / "crawls" / "collinfo.json", "PROVENDER_ALERT_WEBHOOK": hook.url}
    with served(place, StrawServed, **watched) as program:
        yield program


@pytest.fixture
def scheduled(tmp_path: Path) -> Iterator[Served]:
    """The schedule looks, every minute; the sensor is at rest."""
    place = place_of(tmp_path)
    index_crawl(place / "crawls", "CC-1")
    watched = {"PROVENDER_WATCH": place / "crawls" / "collinfo.json", "PROVENDER_REFRESH_CRON": "* * * * *"}
    with served(place, StrawServed, **watched) as program:
        yield program


def release_of(program: Served, name: str) -> str:
    return program.until(
        lambda: next((r for r in program.releases() if f"-{name}-" in r), ""), f"a release of {name}", PATIENCE_SECONDS
    )


def state(program: Served, name: str) -> dict[str, Any]:
    """Whether a sensor or schedule is on, and its ticks, newest first."""
    where = {"repositoryLocationName": "provender", "repositoryName": "__repository__", "name": name}
    found: dict[str, Any] = program.ask(STATE, selector=where)["instigationStateOrError"]
    return found


def registrations(program: Served) -> list[tuple[str, str]]:
    """The snapshots that runs registered, oldest first, and how the runs ended."""
    named = [(run["status"], {tag["key"]: tag["value"] for tag in run["tags"]})
             for run in program.runs() if run["jobName"] == "register_snapshot"]  # fmt: skip
    return [(tags["provender/snapshot"], status) for status, tags in reversed(named)]


def test_a_crawl_of_an_index_becomes_a_release_and_so_does_the_next_entry(watching: Served) -> None:
    release_of(watching, "CC-1")
    index_crawl(watching.place / "crawls", "CC-2")
    release_of(watching, "CC-2")
    assert registrations(watching) == [("CC-1", "SUCCESS"), ("CC-2", "SUCCESS")]
    assert {key for key in watching.publications() if key.startswith("raw/")} == {"raw/CC-1", "raw/CC-2"}


def test_of_a_list_with_a_file_that_is_gone_the_rest_is_built_and_one_alert_is_told(
    watching: Served, hook: Hook
) -> None:
    folder = index_crawl(watching.place / "crawls", "CC-3", gone=LISTED[1:2])
    (told,) = watching.until(lambda: hook.got, "an alert", 300)
    assert told["partition"] == "CC-3"
    assert told["reason"].startswith(f"CC-3: 1 of 3 files are listed but not there, such as {folder}/warc/{LISTED[1]};")
    release_of(watching, "CC-3")
    time.sleep(15)
    assert len(hook.got) == 1
    assert registrations(watching)[2:] == [("CC-3", "FAILURE")], "not tried again while the list is as it is"


def test_a_place_that_is_away_for_a_while_is_looked_at_again(watching: Served, hook: Hook) -> None:
    crawls = watching.place / "crawls"
    away = crawls.rename(watching.place / "away")

    def refused() -> str:
        newest = state(watching, "watch_for_snapshots")["ticks"][0]
        return str(newest["error"]["causes"]) if newest["status"] == "FAILURE" else ""

    assert f"{crawls}/collinfo.json: no such file" in watching.until(refused, "a tick that fails", 120)
    time.sleep(10)
    assert watching.answers()
    releases = watching.releases()
    index_crawl(away, "CC-3", at=1)
    index_crawl(away, "CC-4")
    away.rename(crawls)
    release_of(watching, "CC-4")
    # The file that was gone is there, and its list was written again.
    assert sorted(registrations(watching)[3:]) == [("CC-3", "SUCCESS"), ("CC-4", "SUCCESS")]
    assert [p.partition for p in watching.lake.history("raw")].count("CC-3") == 2
    assert watching.releases()[: len(releases)] == releases
    assert len(hook.got) == 1


def test_a_schedule_looks_registers_and_leaves_what_it_knows(scheduled: Served) -> None:
    release_of(scheduled, "CC-1")
    index_crawl(scheduled.place / "crawls", "CC-2")
    release_of(scheduled, "CC-2")
    watch = state(scheduled, "watch_for_snapshots")
    assert (watch["status"], watch["ticks"]) == ("STOPPED", []), "it was not the sensor"
    assert state(scheduled, "look_for_snapshots")["status"] == "RUNNING"

    def looks() -> list[dict[str, Any]]:
        runs = scheduled.runs(**{"dagster/schedule_name": "look_for_snapshots"})
        return [run for run in runs if run["status"] == "SUCCESS"]

    before = len(looks())
    assert before >= 2
    scheduled.until(lambda: len(looks()) > before, "another look", 180)
    assert {run["jobName"] for run in looks()} == {"register_watched"}
    assert registrations(scheduled) == [("CC-1", "SUCCESS"), ("CC-2", "SUCCESS")]
    assert {run["status"] for run in scheduled.runs()} <= {"SUCCESS", "STARTED", "QUEUED", "STARTING"}
