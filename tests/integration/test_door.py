"""The door, `./provender`: what it starts and with what, in projects of straw that tell how they were called."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.straw_project import LOCKS, await_file, java


def path_without_java(folder: Path) -> str:
    """A PATH on which there are a Python and what the door needs, and no Java."""
    folder.mkdir(exist_ok=True)
    for name in ("bash", "readlink", "env", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    (folder / "python3").symlink_to(os.path.realpath(sys.executable))
    return str(folder)


def enter(
    door: Path, *arguments: str, cwd: Path, path: str, **variables: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Start the door in an environment of its own; what came of it, and what the program told."""
    done = subprocess.run(
        [str(door), *arguments],
        cwd=cwd, env={"PATH": path, "HOME": str(cwd), **variables},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done, json.loads(done.stdout) if done.stdout else {}


def test_through_a_link_from_any_folder_with_arguments_and_exit_status_kept(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    # What lies in the folder of the person must not be taken for a module.
    for name in ("random.py", "json.py", "orchestration.py"):
        (elsewhere / name).write_text("raise SystemExit('shadowed')")
    (elsewhere / "door").symlink_to("link")
    (elsewhere / "link").symlink_to(os.path.relpath(project / "provender", elsewhere))
    path = path_without_java(tmp_path / "bin")
    done, told = enter(
        elsewhere / "door", "run", "--input", "a b/*.gz", "", cwd=elsewhere, path=path, SPARK_HOME="/x", PYTHONPATH="/x"
    )
    assert done.returncode == 7, done.stderr
    assert told["arguments"] == ["run", "--input", "a b/*.gz", ""]
    assert told["cwd"] == str(elsewhere)
    assert not told["random"].startswith(str(elsewhere))
    assert told["PYTHONPATH"] == str(project)
    assert told["PYTHONSAFEPATH"] == "1"
    assert told["SPARK_HOME"] is None


def test_the_environment_is_made_once_and_again_when_a_lock_file_changes(project: Path, tmp_path: Path) -> None:
    path = path_without_java(tmp_path / "bin")
    made = [enter(project / "provender", cwd=tmp_path, path=path)[0].stderr.count("made with") for _ in range(2)]
    assert made == [1, 0]
    for name in LOCKS:
        (project / name).write_text((project / name).read_text() + "# changed\n")
        made = [enter(project / "provender", cwd=tmp_path, path=path)[0].stderr.count("made with") for _ in range(2)]
        assert made == [1, 0], name


@pytest.mark.parametrize("lost", ["made-from", "bin/python", "made-from/jars.lock"])
def test_an_environment_without_its_record_or_its_python_is_made_anew(project: Path, tmp_path: Path, lost: str) -> None:
    path = path_without_java(tmp_path / "bin")
    enter(project / "provender", cwd=tmp_path, path=path)
    gone = project / ".venv" / lost
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    done, told = enter(project / "provender", cwd=tmp_path, path=path)
    assert done.stderr.count("made with") == 1
    assert told["arguments"] == []


def test_a_failed_set_up_starts_no_program_and_keeps_its_exit_status(project: Path, tmp_path: Path) -> None:
    (project / "dev" / "make_environment.py").write_text("raise SystemExit(2)")
    done, told = enter(project / "provender", "run", cwd=tmp_path, path=path_without_java(tmp_path / "bin"))
    assert (done.returncode, told) == (2, {})


def test_an_interrupt_during_the_set_up_ends_the_door_with_its_status(project: Path, tmp_path: Path) -> None:
    (project / "dev" / "make_environment.py").write_text(
        "import pathlib, sys, time\npathlib.Path(sys.argv[1], 'started').touch()\n"
        "try:\n    time.sleep(20)\nexcept KeyboardInterrupt:\n    sys.exit(3)\n"
    )
    environment = {"PATH": path_without_java(tmp_path / "bin")}
    door = subprocess.Popen([project / "provender"], env=environment, start_new_session=True, stdout=subprocess.PIPE)
    await_file(project / "started")
    os.killpg(door.pid, signal.SIGINT)
    assert door.communicate(timeout=15)[0] == b"", "no program was started"
    assert door.returncode == 3


def test_without_a_recent_python_the_remedy_is_one_line(project: Path, tmp_path: Path) -> None:
    path = path_without_java(tmp_path / "bin")
    old = tmp_path / "bin" / "python3"
    old.unlink()
    old.write_text("#!/bin/sh\nexit 1\n")  # answers the door's question as Python 3.9 would
    old.chmod(0o755)
    done, _ = enter(project / "provender", "run", cwd=tmp_path, path=path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "install" in done.stderr
    assert not (project / ".venv").exists()


def test_a_folder_whose_name_java_would_split_is_refused(project: Path, tmp_path: Path) -> None:
    moved = project.parent / "a,b"
    project.rename(moved)
    done, _ = enter(moved / "provender", cwd=tmp_path, path=path_without_java(tmp_path / "bin"))
    assert done.returncode == 2
    assert "a,b" in done.stderr


@pytest.mark.parametrize(
    ("release", "says", "taken"),
    [("17.0.15", "", True), ("21", "", True), ("25-ea", "", True), ("11.0.2", "", False),
     ("1.8.0_402", "", False), (None, 'openjdk version "17.0.1" 2021-10-19', True),
     (None, 'java version "1.8.0_402"', False), (None, "stub", False)],
)  # fmt: skip
def test_java_home_is_used_from_version_17(
    project: Path, tmp_path: Path, release: str | None, says: str, *, taken: bool
) -> None:
    home = java(tmp_path / "jdk", release=release, says=says)
    path = path_without_java(tmp_path / "bin")
    _, told = enter(project / "provender", cwd=tmp_path, path=path, JAVA_HOME=str(home))
    assert told["JAVA_HOME"] == str(home if taken else project / ".venv" / "java")


def test_a_java_on_the_path_is_used_where_java_home_is_too_old(project: Path, tmp_path: Path) -> None:
    old, recent = java(tmp_path / "old", release="11"), java(tmp_path / "a new jdk", release="21.0.8")
    path = path_without_java(tmp_path / "bin")
    (tmp_path / "bin" / "alternative").symlink_to(recent / "bin" / "java")
    (tmp_path / "bin" / "java").symlink_to("alternative")
    done, told = enter(project / "provender", cwd=tmp_path, path=path, JAVA_HOME=str(old))
    assert told["JAVA_HOME"] == str(recent)
    assert f"made with JAVA_HOME '{recent}'" in done.stderr
