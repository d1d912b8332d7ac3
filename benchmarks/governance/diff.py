"""How long `diff` takes: `python -m benchmarks.governance.diff --home DIR`, on a lake that `lake.py` made.

Its two releases are of two states of the recipe, so that every snapshot has other verdicts, scores, duplicates and some
other texts: the most work a comparison has. Each comparison is the first of a fresh process; JVM start is told beside.
"""

import json
import time
from typing import Any

from benchmarks.governance.lake import releases_of
from benchmarks.governance.processes import asked, parser_of, show, started, status_of
from spark_jobs.analysis.diff import diff
from spark_jobs.analysis.released import Released
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import find_release

LIMIT_SECONDS = 60.0


def _once(home: str, examples: int) -> dict[str, Any]:
    """Seconds of the comparison, and what it found."""
    spark, jvm = started(home)
    lake = Lake(spark, home).open(None)
    releases = [find_release(lake, name) for name in releases_of(lake)[:2]]
    began = time.monotonic()
    found = diff(*(Released.of(lake, release) for release in releases), examples=examples)
    seconds = time.monotonic() - began
    began = time.monotonic()
    tree = lineage(lake, releases[0])
    return {
        "jvm": jvm, "seconds": seconds, "lineage": time.monotonic() - began, "kinds": found["kinds"],
        "unchanged": found["unchanged"], "balanced": found["balance"]["balanced"] and tree["balance"]["balanced"],
        "causes": [[row["kind"], row["cause"], row["detail"], row["documents"]] for row in found["causes"]],
        "rows": lake.published("raw").count(),
    }  # fmt: skip


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = parser_of(__doc__)
    parser.add_argument("--examples", type=int, default=0)
    said = parser.parse_args()
    if said.child:
        print(json.dumps(_once(said.home, said.examples)))
        return 0
    found = asked("diff", said.repeat)
    print(f"diff of two releases of a lake of {found[0]['rows']:,} rows, {said.repeat} processes, seconds")
    for name, key in (("JVM and session", "jvm"), ("diff", "seconds"), ("lineage", "lineage")):
        show(name, [one[key] for one in found])
    for kind, cause, detail, documents in found[0]["causes"]:
        print(f"    {kind:<8} {documents:>9,}  {cause}: {detail}")
    print(f"    {'as it was':<8} {found[0]['unchanged']:>9,}; counts balance: {all(one['balanced'] for one in found)}")
    return status_of(LIMIT_SECONDS, max(one["seconds"] for one in found))


if __name__ == "__main__":
    raise SystemExit(main())
