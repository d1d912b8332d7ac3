"""One program alone, or many at once; and what killed runs left is cleared while nobody is at work."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lake_lock import NAME, alone, share
from orchestration.settings import Settings
from orchestration.takedown import clear_scratch
from spark_jobs.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
OTHER = """
import sys
from orchestration.lake_lock import alone, share
from orchestration.settings import Settings
settings = Settings(home=sys.argv[1])
if sys.argv[2] != "alone":
    if sys.argv[2] == "share":
        share(settings)
    else:
        from orchestration import workshop
        workshop.Lake.open = lambda lake, recipe: lake
        workshop.open_lake(settings, check_recipe=False, spark=object())
    print("shared", flush=True)
    sys.stdin.read()
else:
    with alone(settings):
        print("alone", flush=True)
"""


def other(home: Path, how: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", OTHER, str(home), how]
    return subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("how", ["share", "read"])
def test_nobody_is_alone_while_another_program_has_the_lake_open(tmp_path: Path, how: str) -> None:
    settings = Settings(home=str(tmp_path))
    with other(tmp_path, how) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "shared\n"
        share(settings)
        with pytest.raises(UsageError, match="another program has this lake open"), alone(settings):
            pass
        first.kill()
    with alone(settings):
        share(settings)  # the same process opens the lake while it is alone
        with other(tmp_path, "alone") as second:
            assert second.communicate()[1].splitlines()[-1].startswith("spark_jobs.errors.UsageError")
    with other(tmp_path, "alone") as third:
        assert third.communicate()[0] == "", "this process still has it open"


def test_what_is_in_scratch_goes_and_the_lock_stays(tmp_path: Path) -> None:
    scratch = Settings(home=str(tmp_path)).scratch
    for name in ("blockmgr-1/00/shuffle.data", "stages/attempt/read/part.parquet", "last-error.txt", NAME):
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a text", "utf-8")
    assert clear_scratch(scratch) == 3
    assert [path.name for path in scratch.iterdir()] == [NAME]
    assert clear_scratch(tmp_path / "nowhere") == 0
