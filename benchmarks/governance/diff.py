"""How long `diff` takes: `python -m benchmarks.governance.diff --home DIR`, on a lake that `lake.py` made.

Its two releases are of two states of the recipe, so that every snapshot has other verdicts, scores, duplicates and some
other texts: the most work a comparison has. Each comparison is the first of a fresh process; JVM start is told beside.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.governance.lake import releases_of, session
from spark_jobs.analysis.diff import diff
from spark_jobs.analysis.released import Released
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import find_release

LIMIT_SECONDS = 60.0


def _once(home: str, examples: int) -> dict[str, Any]:
    """Seconds of the comparison, and what it found."""
    started = time.monotonic()
    spark = session(home)
    spark.range(1).collect()
    jvm = time.monotonic() - started
    lake = Lake(spark, home).open(None)
    releases = [find_release(lake, name) for name in releases_of(lake)[:2]]
    started = time.monotonic()
    found = diff(*(Released.of(lake, release) for release in releases), examples=examples)
    seconds = time.monotonic() - started
    started = time.monotonic()
    tree = lineage(lake, releases[0])
    return {
        "jvm": jvm, "seconds": seconds, "lineage": time.monotonic() - started, "kinds": found["kinds"],
        "unchanged": found["unchanged"], "balanced": found["balance"]["balanced"] and tree["balance"]["balanced"],
        "causes": [[row["kind"], row["cause"], row["detail"], row["documents"]] for row in found["causes"]],
        "rows": lake.published("raw").count(),
    }  # fmt: skip


def main() -> int:
    """Measure, print, and say whether the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True)
    parser.add_argument("--repeat", type=int, default=3, help="processes")
    parser.add_argument("--examples", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    home = str(Path(said.home).resolve())
    if said.child:
        print(json.dumps(_once(home, said.examples)))
        return 0
    words = [sys.executable, "-m", "benchmarks.governance.diff", *sys.argv[1:], "--child"]
    found = [json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
             for _ in range(said.repeat)]  # fmt: skip
    print(f"diff of two releases of a lake of {found[0]['rows']:,} rows, {said.repeat} processes, seconds")
    for name, key in (("JVM and session", "jvm"), ("diff", "seconds"), ("lineage", "lineage")):
        values = [one[key] for one in found]
        print(f"  {name:<18} median {statistics.median(values):6.2f}   least {min(values):6.2f}   "
              f"most {max(values):6.2f}")  # fmt: skip
    for kind, cause, detail, documents in found[0]["causes"]:
        print(f"    {kind:<8} {documents:>9,}  {cause}: {detail}")
    print(f"    {'as it was':<8} {found[0]['unchanged']:>9,}; counts balance: {all(one['balanced'] for one in found)}")
    held = max(one["seconds"] for one in found) < LIMIT_SECONDS
    print(f"  limit {LIMIT_SECONDS:g} s, JVM start aside: {'held' if held else 'NOT HELD'}")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
