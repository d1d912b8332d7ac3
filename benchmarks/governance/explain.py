"""How long `explain` takes: `python -m benchmarks.governance.explain --home DIR`, on a lake that `lake.py` made.

The first question of a fresh process, as a person at the command line has it, and the questions after it, when the JVM
has compiled what it runs. JVM start is told beside them. `--repeat` processes of their own give the first.
"""

import json
import time
from typing import Any

from benchmarks.governance.lake import Shape, doc_id, url_of
from benchmarks.governance.processes import asked, parser_of, show, started, status_of
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
    spark, jvm = started(home)
    lake = Lake(spark, home).open(None)
    seconds, captures = [], 0
    for place in range(questions):
        began = time.monotonic()
        captures += len(story_of(lake, _asked(rows, snapshots, place))["captures"])
        seconds.append(time.monotonic() - began)
    return {"jvm": jvm, "seconds": seconds, "captures": captures, "rows": lake.published("raw").count()}


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=Shape.rows)
    parser.add_argument("--snapshots", type=int, default=Shape.snapshots)
    parser.add_argument("--questions", type=int, default=6, help="in each process")
    said = parser.parse_args()
    if said.child:
        print(json.dumps(_once(said.home, said.rows, said.snapshots, said.questions)))
        return 0
    found = asked("explain", said.repeat)
    first = [one["seconds"][0] for one in found]
    print(f"explain on {found[0]['rows']:,} rows, {said.repeat} processes of {said.questions} questions, seconds")
    show("JVM and session", [one["jvm"] for one in found])
    show("first question", first)
    show("questions after it", [value for one in found for value in one["seconds"][1:]])
    return status_of(LIMIT_SECONDS, max(first))


if __name__ == "__main__":
    raise SystemExit(main())
