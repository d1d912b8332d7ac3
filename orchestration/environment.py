"""What the set-up left in the environment that runs this: Delta jars, a Java runtime, data files inside packages.

Paths only. `dev/make_environment.py` makes these things, and `orchestration/doctor.py` says whether they are sound.
"""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from spark_jobs.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent
REMAKE = "remove the folder .venv of the project and start ./provender again, which makes it anew"
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;(?P<marker>[^\\\n]*))?", re.MULTILINE)


def pinned_jars(lock: Path = PROJECT / "jars.lock") -> Mapping[str, str]:
    """SHA-256 in hex by file name (`group_artifact-version.jar`) of the jars that Spark needs beside its own."""
    lines = [line.split() for line in lock.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {
        "{}_{}-{}.jar".format(*coordinates.split(":")): digest
        for digest, coordinates in lines
    }  # fmt: skip


def pinned_packages(lock: Path = PROJECT / "requirements.lock") -> Mapping[str, str]:
    """Versions by normalised name of the packages that the lock file has for this Python and platform."""
    from packaging.markers import Marker
    from packaging.utils import canonicalize_name

    return {
        canonicalize_name(pin["name"]): pin["version"]
        for pin in _PIN.finditer(lock.read_text("utf-8"))
        if pin["marker"] is None or Marker(pin["marker"].strip()).evaluate()
    }


def jars_folder(prefix: Path | None = None) -> Path:
    """Where the jars lie: in the virtual environment `prefix`, by default the one that runs this."""
    return (prefix or Path(sys.prefix)) / "jars"


def delta_jars(prefix: Path | None = None) -> str:
    """The pinned jars as `spark.jars` wants them: paths with commas between. UsageError where one is missing."""
    folder = jars_folder(prefix)
    paths = [folder / name for name in pinned_jars()]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise UsageError(f"the Delta jars {', '.join(missing)} are missing in {folder}; {REMAKE}")
    return ",".join(map(str, paths))


def java_home(prefix: Path | None = None) -> str | None:
    """JAVA_HOME of the environment variables (the door sets it), else the runtime the set-up made, else none."""
    made = (prefix or Path(sys.prefix)) / "java"
    return os.environ.get("JAVA_HOME") or (str(made) if (made / "bin" / "java").is_file() else None)


def use_java() -> None:
    """Name the runtime of the set-up to Spark where the machine has none, as the door does for its commands."""
    if not os.environ.get("JAVA_HOME") and shutil.which("java") is None and (found := java_home()) is not None:
        os.environ["JAVA_HOME"] = found


def packaged_file(package: str, relative: str) -> Path:
    """A data file inside an installed package, which is not imported. UsageError where it is missing."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        if (path := Path(folder) / relative).is_file():
            return path
    raise UsageError(f"{relative} of the package {package} is missing in {sys.prefix}; {REMAKE}")
