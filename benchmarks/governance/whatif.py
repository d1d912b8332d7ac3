"""How long `whatif` takes: `python -m benchmarks.governance.whatif --home DIR`, on a lake that `lake.py` made.

One bound moved, over every snapshot, and the retention curve of the same bound. Each process asks both once; JVM start
is told beside.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.governance.lake import Shape, session
from orchestration.progress import Progress
from orchestration.whatif import compare, retention_curve
from spark_jobs.lake.lake import Lake

LIMIT_SECONDS = 60.0
_POINTS = 20
_TARGET = "gopher_quality.min_words"


def _once(home: str, snapshots: int) -> dict[str, Any]:
    """Seconds of the questions, and what they found."""
    started = time.monotonic()
    spark = session(home)
    spark.range(1).collect()
    jvm = time.monotonic() - started
    workshop: Any = SimpleNamespace(lake=Lake(spark, home).open(None))
    names = Shape(snapshots=snapshots).names
    quiet = Progress(StringIO())
    started = time.monotonic()
    found = compare(lambda: workshop, quiet, sets=[f"{_TARGET}=80"], without=(), snapshots=names, by="language")
    seconds = time.monotonic() - started
    started = time.monotonic()
    retention_curve(
        lambda: workshop, quiet, target=_TARGET, points=_POINTS, snapshots=names, sets=(), without=()
    )  # fmt: skip
    curve = time.monotonic() - started
    return {"jvm": jvm, "whatif": seconds, "curve": curve, "all": found["all"], "before": found["before"],
            "after": found["after"]}  # fmt: skip


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True)
    parser.add_argument("--snapshots", type=int, default=Shape.snapshots)
    parser.add_argument("--repeat", type=int, default=3, help="processes")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    home = str(Path(said.home).resolve())
    if said.child:
        print(json.dumps(_once(home, said.snapshots)))
        return 0
    words = [sys.executable, "-m", "benchmarks.governance.whatif", *sys.argv[1:], "--child"]
    found = [json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
             for _ in range(said.repeat)]  # fmt: skip
    print(f"whatif --set {_TARGET}=80 --by language, and its curve, on {found[0]['all']['documents']:,} rows, "
          f"{said.repeat} processes, seconds")  # fmt: skip
    for name, key in (("JVM and session", "jvm"), ("whatif", "whatif"), ("curve", "curve")):
        values = [one[key] for one in found]
        print(f"  {name:<18} median {statistics.median(values):6.2f}   least {min(values):6.2f}   "
              f"most {max(values):6.2f}")  # fmt: skip
    print(f"    kept {found[0]['before']['documents']:,} before, {found[0]['after']['documents']:,} after")
    held = max(max(one["whatif"], one["curve"]) for one in found) < LIMIT_SECONDS
    print(f"  limit {LIMIT_SECONDS:g} s, JVM start aside: {'held' if held else 'NOT HELD'}")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
