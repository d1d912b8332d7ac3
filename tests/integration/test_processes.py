"""Programs of their own on one lake: two runs at once, and runs that are killed without warning.

The other tests break a run inside this process; here the operating system does it, the JVM and all.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import FLOW
from tests.integration.conftest import small_crawl, write_crawl, write_recipe

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(2_000)]

ROOT = Path(__file__).resolve().parents[2]
PAGES = 40
PATIENCE_SECONDS = 500


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("processes")
    write_recipe(place / "recipe.yaml")
    for number, name in enumerate(("one", "two")):
        write_crawl(place / name, number, small_crawl(number)[:PAGES])
    return place


@contextmanager
def started(place: Path, home: str, snapshot: str) -> Iterator[subprocess.Popen[str]]:
    """`provender run` as a process group of its own, which does not outlive the test."""
    settings = {"PROVENDER_MASTER": "local[1]", "PROVENDER_DRIVER_MEMORY": "1g", "PYTHONPATH": str(ROOT)}
    words = ["--home", str(place / home), "--recipe", str(place / "recipe.yaml"), "--json"]
    run = subprocess.Popen(
        [sys.executable, "-P", "-m", "orchestration", "run", "--input", str(place / snapshot), "--snapshot", snapshot,
         *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=place,
        env={**os.environ, "DAGSTER_HOME": "", **settings},
    )  # fmt: skip
    try:
        yield run
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def finished(run: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = run.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in err, err
    return run.returncode, out, err


def wait_for(run: subprocess.Popen[str], folder: Path, pattern: str) -> None:
    """Until the running program has made such a file."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while run.poll() is None and time.monotonic() < patience and not any(folder.glob(pattern)):
        time.sleep(0.02)
    assert run.poll() is None, f"the run ended before there was {pattern}: {run.communicate()}"


def digests(spark: SparkSession, home: Path) -> dict[str, str]:
    """Content digests of what is published, after a look that no row is there twice."""
    lake = Lake(spark, str(home))
    for table in FLOW:
        frame = lake.published(table)
        assert frame.count() == frame.select("snapshot", "doc_id").distinct().count(), table
    return {f"{table}/{key}": p.digest for table in FLOW for key, p in lake.publications(table).items()}


def test_two_runs_at_once_lose_nothing_and_double_nothing(place: Path, spark: SparkSession) -> None:
    with started(place, "shared", "one") as one, started(place, "shared", "two") as two:
        ends = [finished(one), finished(two)]
    for status, _out, err in ends:
        # Who loses a race for a partition says so and can go on.
        assert status == 0 or (status == 3 and "run again" in err.splitlines()[-1]), err
    assert any(status == 0 for status, _out, _err in ends)
    for snapshot in ("one", "two"):
        with started(place, "shared", snapshot) as run:
            status, out, err = finished(run)
        assert status == 0, err
    report = json.loads(out)
    assert sorted(report["snapshots"]) == ["one", "two"]
    assert report["built"] == []
    found = digests(spark, place / "shared")
    assert {key for key in found if not key.startswith("mixed/")} == {
        f"{table}/{snapshot}" for table in FLOW[:-1] for snapshot in ("one", "two")
    }
    numbers = [row["sequence"] for row in Lake(spark, str(place / "shared")).at("snapshots").collect()]
    assert sorted(numbers) == [1, 2]


def test_a_run_that_is_killed_twice_ends_where_an_undisturbed_one_does(place: Path, spark: SparkSession) -> None:
    home = place / "killed"
    for pattern in ("candidates/cleaned/one/*/main", "tables/scored/_delta_log/*1.json"):
        with started(place, "killed", "one") as run:
            wait_for(run, home, pattern)
            os.killpg(run.pid, signal.SIGKILL)
            assert run.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    with started(place, "killed", "one") as run:
        status, out, err = finished(run)
    assert status == 0, err
    built = [row["asset"] for row in json.loads(out)["built"]]
    assert "raw" not in built, "what was published before the kill stands"
    assert built[-1] == "mixed"
    with started(place, "undisturbed", "one") as run:
        assert finished(run)[0] == 0
    killed, undisturbed = digests(spark, home), digests(spark, place / "undisturbed")
    assert {key: value for key, value in killed.items() if not key.startswith("mixed/")} == {
        key: value for key, value in undisturbed.items() if not key.startswith("mixed/")
    }
    assert [value for key, value in killed.items() if key.startswith("mixed/")] == [
        value for key, value in undisturbed.items() if key.startswith("mixed/")
    ]
