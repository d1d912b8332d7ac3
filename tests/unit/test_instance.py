"""The Dagster instance of a home: opened by several programs at once, configured, and mended after a power cut."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.instance import end_lost_runs, is_alive, open_instance
from orchestration.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OPEN = """
import pathlib, sys, time
from orchestration.instance import open_instance
from orchestration.settings import Settings
home, number = sys.argv[1:]
(pathlib.Path(home).parent / f"ready-{number}").touch()
while len(list(pathlib.Path(home).parent.glob("ready-*"))) < 3:
    time.sleep(0.001)
with open_instance(Settings(home=home)) as instance:
    print(instance.get_runs_count(), instance.get_dynamic_partitions("snapshots"))
"""


def test_three_programs_open_a_new_home_at_once(tmp_path: Path) -> None:
    # A program of a file: Spark takes one without for its own doctests, and ends it.
    program = tmp_path / "program.py"
    program.write_text(OPEN, encoding="utf-8")
    for attempt in range(2):
        home = tmp_path / str(attempt) / "home"
        home.parent.mkdir()
        programs = [
            subprocess.Popen(
                [sys.executable, str(program), str(home), str(n)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for n in range(3)
        ]
        assert [program.communicate(timeout=300)[0] for program in programs] == ["0 []\n"] * 3
        assert [program.returncode for program in programs] == [0] * 3


def test_the_configuration_follows_the_settings_unless_somebody_made_it_his_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("PROVENDER_HOME", "")
    monkeypatch.setenv("PROVENDER_RECIPE", "")
    path = tmp_path / "dagster" / "dagster.yaml"
    for limit in (1, 4):
        with open_instance(Settings(home=str(tmp_path), refresh_limit=limit)) as instance:
            assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == limit
            assert instance.run_monitoring_enabled
    own = path.read_text(encoding="utf-8").split("\n", 1)[1].replace("max_concurrent_runs: 4", "max_concurrent_runs: 7")
    path.write_text(own, encoding="utf-8")
    with open_instance(Settings(home=str(tmp_path))) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 7
    assert path.read_text(encoding="utf-8") == own


def test_a_process_is_known_by_its_number_and_by_when_it_began() -> None:
    now = datetime.now(UTC)
    assert is_alive(os.getpid(), now)
    assert not is_alive(os.getpid(), now - timedelta(days=3650)), "the number was somebody else's then"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not is_alive(gone.pid, now)


HANG = """
import os, sys, time
import dagster as dg
@dg.asset
def hangs():
    print("going", flush=True)
    time.sleep(600)
with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    dg.materialize([hangs], instance=instance)
"""


def test_a_run_ends_when_its_process_was_killed_and_not_before(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HANG, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"going\n"
        with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
            assert end_lost_runs(instance) == 0
            process.kill()
            process.wait()
            assert end_lost_runs(instance) == 1
            (run,) = instance.get_runs()
            assert run.status == dg.DagsterRunStatus.FAILURE
            assert end_lost_runs(instance) == 0
    finally:
        process.kill()
        process.communicate()
