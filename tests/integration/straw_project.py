"""A project of straw: the real door, small locks, programs that tell how they were called. No network, no minutes."""

import shutil
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "jars.lock")
PROGRAM = """
import json, os, random, sys
names = ("JAVA_HOME", "PYTHONPATH", "PYTHONSAFEPATH", "SPARK_HOME")
print(json.dumps({"arguments": sys.argv[1:], "cwd": os.getcwd(), "random": random.__file__,
                  **{name: os.environ.get(name) for name in names}}))
raise SystemExit(7)
"""
# Stands for dev/make_environment.py: makes a finished environment at once.
QUICK_SETUP = """
import os, pathlib, shutil, sys
project = pathlib.Path(sys.argv[1])
venv = project / ".venv"
print("made with JAVA_HOME", repr(os.environ["JAVA_HOME"]), file=sys.stderr)
(venv / "bin").mkdir(parents=True, exist_ok=True)
if not (venv / "bin" / "python").exists():
    (venv / "bin" / "python").symlink_to(sys.executable)
(venv / "made-from").mkdir(exist_ok=True)
for name in ("requirements.lock", "jars.lock"):
    shutil.copy(project / name, venv / "made-from" / name)
"""


def straw_project(folder: Path) -> Path:
    """Make it, with a space in its path."""
    project = folder / "a project" / "provender"
    (project / "orchestration").mkdir(parents=True)
    (project / "dev").mkdir()
    shutil.copy(ROOT / "provender", project / "provender")
    (project / "orchestration" / "__main__.py").write_text(PROGRAM)
    (project / "dev" / "make_environment.py").write_text(QUICK_SETUP)
    (project / "requirements.lock").write_text("one==1 \\\n    --hash=sha256:aa\n")
    (project / "jars.lock").write_text("# nothing\n")
    return project


def java(home: Path, *, release: str | None, says: str = "") -> Path:
    """A JAVA_HOME of straw, with a release file or without one; the program prints its version."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    (home / "bin" / "java").chmod(0o755)
    if release is not None:
        (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{release}"\nOS_NAME="Linux"\n')
    return home


def await_file(path: Path) -> None:
    """Wait until another process has written the file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.02)
