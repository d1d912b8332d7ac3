"""How long `explain` takes: `python -m benchmarks.governance.explain --home DIR`, on a lake that `lake.py` made.

The first question of a fresh process, as a person at the command line has it, and the questions after it, when the JVM
has compiled what it runs. JVM start is told beside them. `--repeat` processes of their own give the first.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks.governance.lake import Shape, doc_id, session, url_of
from orchestration.explain import story_of
from spark_jobs.lake.lake import Lake

LIMIT_SECONDS = 5.0


def _asked(rows: int, snapshots: int, place: int) -> str:
    """Ids and URLs by turns, of documents far apart."""
    shape = Shape(rows, snapshots)
    number = (place * 7_919_993 + rows // 2) % rows
    return str(doc_id(number)) if place % 2 == 0 else url_of(number, shape)


def _once(home: str, rows: int, snapshots: int, questions: int) -> dict[str, Any]:
    """Seconds of each question in this process."""
    started = time.monotonic()
    spark = session(home)
    spark.range(1).collect()
    jvm = time.monotonic() - started
    lake = Lake(spark, home).open(None)
    workshop: Any = SimpleNamespace(lake=lake)
    seconds, captures = [], 0
    for place in range(questions):
        started = time.monotonic()
        captures += len(story_of(workshop.lake, _asked(rows, snapshots, place))["captures"])
        seconds.append(time.monotonic() - started)
    return {"jvm": jvm, "seconds": seconds, "captures": captures, "rows": lake.published("raw").count()}


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True)
    parser.add_argument("--rows", type=int, default=Shape.rows)
    parser.add_argument("--snapshots", type=int, default=Shape.snapshots)
    parser.add_argument("--repeat", type=int, default=3, help="processes")
    parser.add_argument("--questions", type=int, default=6, help="in each process")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    home = str(Path(said.home).resolve())
    if said.child:
        print(json.dumps(_once(home, said.rows, said.snapshots, said.questions)))
        return 0
    words = [sys.executable, "-m", "benchmarks.governance.explain", *sys.argv[1:], "--child"]
    found = [json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
             for _ in range(said.repeat)]  # fmt: skip
    first = [one["seconds"][0] for one in found]
    later = [value for one in found for value in one["seconds"][1:]]
    print(f"explain on {found[0]['rows']:,} rows, {said.repeat} processes of {said.questions} questions, seconds")
    print(f"  JVM and session      {_told([one['jvm'] for one in found])}")
    print(f"  first question       {_told(first)}")
    print(f"  questions after it   {_told(later)}")
    print(f"  limit {LIMIT_SECONDS:g} s, JVM start aside: {'held' if max(first) < LIMIT_SECONDS else 'NOT HELD'}")
    return 0 if max(first) < LIMIT_SECONDS else 1


def _told(values: list[float]) -> str:
    return f"median {statistics.median(values):6.2f}   least {min(values):6.2f}   most {max(values):6.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
