"""Opening the Dagster instance of a home, in several programs at once."""

import subprocess
import sys
from pathlib import Path

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
    for attempt in range(2):
        home = tmp_path / str(attempt) / "home"
        home.parent.mkdir()
        programs = [
            subprocess.Popen(
                [sys.executable, "-c", OPEN, str(home), str(n)], cwd=ROOT, stdout=subprocess.PIPE, text=True
            )
            for n in range(3)
        ]
        assert [program.communicate(timeout=300)[0] for program in programs] == ["0 []\n"] * 3
        assert [program.returncode for program in programs] == [0] * 3
