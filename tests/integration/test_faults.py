"""Faults that a run survives: kill -9 at any moment, a full disk, a lost acknowledgement, a clock that goes back.

Done for real, by the operating system, to programs of their own.

The tests named `sample` are the short form of what takes half an hour.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.integration.conftest import small_crawl, write_crawl, write_recipe
from tests.integration.test_processes import PATIENCE_SECONDS, digests

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(7_200)]

ROOT = Path(__file__).resolve().parents[2]
PAGES = 40
KILLS = 20
SEED = 2026
SMALL = {"PROVENDER_MASTER": "local[1]", "PROVENDER_DRIVER_MEMORY": "1g"}


@dataclass(frozen=True)
class Ended:
    """How a program ended: killed, or with a status and what it said."""

    killed: bool
    status: int
    out: str
    err: str


@dataclass
class Site:
    """A folder with a crawl, a recipe, and lakes made of them."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, home: Path, *, snapshot: str = "one", kill_after: float | None = None, patched: str | None = None,
        **environment: str,
    ) -> Ended:  # fmt: skip
        """`provender run` to its end, or killed with all its children after so many seconds; `patched` runs before."""
        words = ["run", "--input", str(self.folder / snapshot), "--snapshot", snapshot, "--home", str(home), "--recipe",
                 str(self.folder / "recipe.yaml"), "--json"]  # fmt: skip
        started = ["-P", "-m", "orchestration"]
        if patched is not None:
            file = self.folder / "patched.py"  # a file: Spark ends programs that have none
            file.write_text(f"{patched}\nfrom orchestration.cli import main\nraise SystemExit(main())\n")
            started = [str(file)]
        told = {**os.environ, "DAGSTER_HOME": "", "PYTHONPATH": str(ROOT), **SMALL, **self.environment, **environment}
        program = subprocess.Popen(
            [sys.executable, *started, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, cwd=self.folder, env=told,
        )  # fmt: skip
        try:
            out, err = program.communicate(timeout=PATIENCE_SECONDS if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            os.killpg(program.pid, signal.SIGKILL)
            program.communicate()
            assert kill_after is not None, "the run hangs"
            return Ended(killed=True, status=-signal.SIGKILL, out="", err="")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
        assert "Traceback" not in err, err
        return Ended(killed=False, status=program.returncode, out=out, err=err)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("faults")
    write_recipe(folder / "recipe.yaml")
    for number, name in enumerate(("one", "two")):
        write_crawl(folder / name, number, small_crawl(number)[:PAGES])
    return Site(folder)


@dataclass(frozen=True)
class Undisturbed:
    """What a run that nobody disturbs publishes, and how long it takes."""

    home: Path
    digests: Mapping[str, str]
    seconds: float


@pytest.fixture(scope="module")
def undisturbed(site: Site, spark: SparkSession) -> Undisturbed:
    home, started = site.folder / "undisturbed", time.monotonic()
    done = site.run(home)
    assert done.status == 0, done.err
    return Undisturbed(home, by_table(digests(spark, home)), time.monotonic() - started)


def by_table(found: Mapping[str, str]) -> dict[str, str]:
    """Digests of what was published; a release by its table, since its name tells its ancestors' versions apart."""
    return {("mixed" if key.startswith("mixed/") else key): value for key, value in found.items()}


def assert_whole(home: Path) -> None:
    """Nothing half: every commit is whole JSON, and no candidate is left of what was published."""
    for log in home.glob("tables/*/_delta_log/*.json"):
        for line in log.read_text("utf-8").splitlines():
            json.loads(line)
    assert not list(home.glob("tables/*/_delta_log/*.tmp*.json"))


def survive_kills(site: Site, undisturbed: Undisturbed, spark: SparkSession, kills: int, seed: int) -> list[float]:
    """Kill runs at random moments of a whole run, go on with each lake until it is built, and compare; the moments."""
    moments, chance, number = [], random.Random(seed), 0
    while len(moments) < kills:
        home, number = site.folder / f"killed-{seed}-{number}", number + 1
        while True:
            moment = chance.uniform(0.0, undisturbed.seconds) if len(moments) < kills else None
            ended = site.run(home, kill_after=moment)
            if not ended.killed:
                break
            moments.append(float(moment or 0.0))
        assert ended.status == 0, ended.err
        assert_whole(home)
        assert by_table(digests(spark, home)) == undisturbed.digests
        again = site.run(home)
        assert json.loads(again.out)["built"] == [], "what was built is built"
        shutil.rmtree(home)
    return moments


def test_sample_of_runs_that_are_killed_at_random_moments(
    site: Site, undisturbed: Undisturbed, spark: SparkSession
) -> None:
    assert len(survive_kills(site, undisturbed, spark, kills=2, seed=SEED)) == 2


def test_runs_that_are_killed_at_random_moments_end_where_an_undisturbed_one_does(
    site: Site, undisturbed: Undisturbed, spark: SparkSession
) -> None:
    moments = survive_kills(site, undisturbed, spark, kills=KILLS, seed=SEED + 1)
    assert len(moments) == KILLS
    told = f"killed after seconds {[round(moment, 1) for moment in moments]} of {undisturbed.seconds:.1f}"
    sys.stdout.write(told + "\n")


# between the release and its registration -------------------------------------------------------------------------

KILLED_BEFORE_REGISTERING = """
import os, signal
import assets.mixed

def killed(*_words):
    os.killpg(0, signal.SIGKILL)

assets.mixed.register_release = killed
"""


def test_a_run_that_is_killed_between_a_release_and_its_registration_goes_on(
    site: Site, undisturbed: Undisturbed, spark: SparkSession
) -> None:
    home = site.folder / "unregistered"
    done = site.run(home, patched=KILLED_BEFORE_REGISTERING)
    assert done.status == -signal.SIGKILL, done.err
    assert by_table(digests(spark, home)) == undisturbed.digests, "the release was published"
    ended = site.run(home)
    assert ended.status == 0, ended.err
    report = json.loads(ended.out)
    assert report["built"] == []
    assert report["release"]["documents"] > 0


# an acknowledgement that is lost ----------------------------------------------------------------------------------

LOSES_ACKNOWLEDGEMENTS = """
import os, sys
import spark_jobs.lake.publish as publishing

table = os.environ["LOST_AT"]
real = publishing._retrying
def lost(write):
    real(write)
    frame = sys._getframe(1)
    scope = frame.f_locals.get("scope")
    if scope is not None and scope.table == table:
        raise ConnectionError("the answer to the commit did not arrive")
publishing._retrying = lost
"""


@pytest.mark.parametrize("table", ["raw", "deduped", "mixed"])
def test_a_commit_whose_acknowledgement_is_lost_counts_once(
    site: Site, undisturbed: Undisturbed, spark: SparkSession, table: str
) -> None:
    home = site.folder / f"unacknowledged-{table}"
    done = site.run(home, patched=LOSES_ACKNOWLEDGEMENTS, LOST_AT=table)
    assert done.status == 3, done.err
    ended = site.run(home)
    assert ended.status == 0, ended.err
    assert table not in [row["asset"] for row in json.loads(ended.out)["built"]], (
        "the commit stands, it is not repeated"
    )
    assert by_table(digests(spark, home)) == undisturbed.digests


# a disk that is full ----------------------------------------------------------------------------------------------


@dataclass
class Disk:
    """A file system of its own, whose size can be changed."""

    folder: Path

    def resize(self, megabytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={megabytes}m", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here: only the superuser of a machine may")
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_disk_that_fills_up_publishes_nothing_half_and_the_next_run_goes_on(
    site: Site, undisturbed: Undisturbed, spark: SparkSession, disk: Disk, share: float
) -> None:
    home = disk.folder / "home"
    disk.resize(int(share * bytes_below(undisturbed.home) / 1e6) + 1)
    full = site.run(home)
    assert full.status == 3, full.err
    last = full.err.splitlines()[-1]
    assert last.startswith("provender: no space left on the disk"), full.err
    disk.resize(1_000)
    ended = site.run(home)
    assert ended.status == 0, ended.err
    assert_whole(home)
    assert by_table(digests(spark, home)) == undisturbed.digests


# a clock that goes back -------------------------------------------------------------------------------------------

CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) { const char *said = getenv("CLOCK_SHIFT_SECONDS"); return said ? atol(said) : 0; }

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int done = real(clock, at);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
  return done;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
"""


@pytest.fixture(scope="module")
def clock(site: Site) -> Callable[[int], dict[str, str]]:
    """The environment in which clocks show so many days less."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("a clock is turned back by a library that a C compiler makes, on Linux")
    source, library = site.folder / "clock.c", site.folder / "clock.so"
    source.write_text(CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)

    def back(days: int) -> dict[str, str]:
        return {"LD_PRELOAD": str(library), "CLOCK_SHIFT_SECONDS": str(-days * 86_400)}

    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"], env={**os.environ, **back(400)}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert time.time() - float(told.stdout) > 399 * 86_400
    return back


def test_a_clock_that_goes_back_changes_no_data_and_no_order(
    site: Site, undisturbed: Undisturbed, spark: SparkSession, clock: Callable[[int], dict[str, str]]
) -> None:
    from spark_jobs.lake.lake import Lake
    from spark_jobs.lake.releases import find_release

    home, straight = site.folder / "back", site.folder / "straight"
    first = site.run(home)
    assert first.status == 0, first.err
    second = site.run(home, snapshot="two", **clock(400))
    assert second.status == 0, second.err
    third = site.run(home, snapshot="two", **clock(800))
    assert third.status == 0, third.err
    assert json.loads(third.out)["built"] == [], "what is fresh stays fresh"
    lake = Lake(spark, str(home))
    times = [p.published_at for p in lake.history("cleaned")]
    assert times[0] > times[1], "the clock went back indeed"
    assert find_release(lake, "latest").name == json.loads(second.out)["release"]["name"]
    for snapshot in ("one", "two"):
        assert site.run(straight, snapshot=snapshot).status == 0
    # Several releases: the names tell them apart, and here they are the same.
    assert sorted(digests(spark, home).values()) == sorted(digests(spark, straight).values())
