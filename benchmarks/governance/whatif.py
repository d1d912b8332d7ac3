"""How long `whatif` takes: `python -m benchmarks.governance.whatif --home DIR`, on a lake that `lake.py` made.

One bound moved, over every snapshot, and the retention curve of the same bound. Each process asks both once; JVM start
is told beside.
"""

import json
import time
from io import StringIO
from types import SimpleNamespace
from typing import Any

from benchmarks.governance.lake import Shape
from benchmarks.governance.processes import asked, parser_of, show, started, status_of
from orchestration.progress import Progress
from orchestration.whatif import compare, retention_curve
from spark_jobs.lake.lake import Lake

LIMIT_SECONDS = 60.0
_POINTS = 20
_TARGET = "gopher_quality.min_words"


def _once(home: str, snapshots: int) -> dict[str, Any]:
    """Seconds of the questions, and what they found."""
    spark, jvm = started(home)
    workshop: Any = SimpleNamespace(lake=Lake(spark, home).open(None))
    names = Shape(snapshots=snapshots).names
    quiet = Progress(StringIO())
    began = time.monotonic()
    found = compare(lambda: workshop, quiet, sets=[f"{_TARGET}=80"], without=(), snapshots=names, by="language")
    seconds = time.monotonic() - began
    began = time.monotonic()
    retention_curve(lambda: workshop, quiet, target=_TARGET, points=_POINTS, snapshots=names, sets=(), without=())
    curve = time.monotonic() - began
    kept = {name: found[name]["documents"] for name in ("all", "before", "after")}
    return {"jvm": jvm, "whatif": seconds, "curve": curve, **kept}


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = parser_of(__doc__)
    parser.add_argument("--snapshots", type=int, default=Shape.snapshots)
    said = parser.parse_args()
    if said.child:
        print(json.dumps(_once(said.home, said.snapshots)))
        return 0
    found = asked("whatif", said.repeat)
    rows = found[0]["all"]
    print(f"whatif --set {_TARGET}=80 --by language, and its curve, {rows:,} rows, {said.repeat} processes, seconds")
    for name, key in (("JVM and session", "jvm"), ("whatif", "whatif"), ("curve", "curve")):
        show(name, [one[key] for one in found])
    print(f"    kept {found[0]['before']:,} before, {found[0]['after']:,} after")
    return status_of(LIMIT_SECONDS, max(max(one["whatif"], one["curve"]) for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
