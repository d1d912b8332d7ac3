"""This engine end to end inside Spark: `python -m benchmarks.dedup.engine CORPUS RESULT`; one JSON line.

What runs is the stage itself (sign, match, verify, components, elect), and its three tables are written. A small corpus
goes through first: compiling the JVM's code and loading the kernels are not counted.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import yaml

from benchmarks.dedup import corpus
from benchmarks.dedup.lake import FolderLake
from benchmarks.documents import PROJECT
from benchmarks.measuring import cpu_of_the_tree, peak_memory
from orchestration.environment import delta_jars
from orchestration.spark_session import build_session
from spark_jobs.dedup.scratch import Scratch

WARM_UP = 4_000


class Phases:
    """CPU seconds and wall seconds by the step that is named when it begins."""

    def __init__(self) -> None:
        self.cpu: Counter[str] = Counter()
        self.wall: Counter[str] = Counter()
        self.now = ""
        self.at = (cpu_of_the_tree(), time.monotonic())

    def begin(self, name: str) -> None:
        """What was used since the last call was the last step's."""
        at = (cpu_of_the_tree(), time.monotonic())
        if self.now:
            self.cpu[self.now] += at[0] - self.at[0]
            self.wall[self.now] += at[1] - self.at[1]
        self.now, self.at = name, at


@contextmanager
def timed_scratch(phases: Phases) -> Iterator[None]:
    """Every file set that the stage keeps is a step of its own."""
    keep: Callable[..., Any] = Scratch.keep

    def timed(self: Scratch, frame: Any, name: str) -> Any:
        phases.begin(name)
        kept = keep(self, frame, name)
        phases.begin("between")
        return kept

    Scratch.keep = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        Scratch.keep = keep  # type: ignore[method-assign]


def result_of(lake: FolderLake, snapshot: str, place: Path) -> None:
    """The rows of deduped in the columns that all subjects give."""
    rows = ds.dataset(lake.home / "deduped" / snapshot).to_table(columns=["doc_id", "cluster_id", "kept", "linked_to"])
    pq.write_table(rows.rename_columns(["doc_id", "cluster", "kept", "linked_to"]), place)


def session(scratch: Path, arguments: argparse.Namespace) -> Any:
    """The project's session with the memory and cores that were asked for."""
    return build_session(
        master=f"local[{arguments.cores}]", driver_memory=arguments.memory, scratch=str(scratch), jars=delta_jars(),
        extra=dict(pair.split("=", 1) for pair in arguments.conf),
    )  # fmt: skip


def settings(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """What every program that starts Spark takes."""
    parser.add_argument("--cores", type=int, default=2, help="tasks at once")
    parser.add_argument("--memory", default="3g", help="heap of the JVM")
    recipe = yaml.safe_load((PROJECT / "recipes" / "default.yaml").read_text("utf-8"))
    told = "a recipe's section `deduped`, as JSON (default: that of the default recipe)"
    parser.add_argument("--section", type=json.loads, default=recipe["deduped"], help=told)
    parser.add_argument("--conf", nargs="*", default=[], metavar="KEY=VALUE", help="settings of Spark")
    return parser


def main() -> int:
    """Measure."""
    parser = settings(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("result", type=Path, help="Parquet file of doc_id, cluster, kept, linked_to")
    parser.add_argument("--profile", action="store_true", help="CPU and wall seconds of each step, on standard error")
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="dedup "))
    spark = session(home / "spark", arguments)
    try:
        corpus.write(spark, str(home / "small"), WARM_UP, 5)
        FolderLake(spark, home / "warm", {"s": home / "small"}).dedup("s", arguments.section)
        lake, phases = FolderLake(spark, home / "lake", {"s": arguments.corpus}), Phases()
        before, began = cpu_of_the_tree(), time.monotonic()
        with peak_memory() as peak, timed_scratch(phases):
            facts = lake.dedup("s", arguments.section, lambda text: phases.begin("between" if ":" in text else text))
            phases.begin("")
        used, wall = cpu_of_the_tree() - before, time.monotonic() - began
        documents = ds.dataset(arguments.corpus).count_rows()
        result_of(lake, "s", arguments.result)
    finally:
        spark.stop()
        shutil.rmtree(home, ignore_errors=True)
    if arguments.profile:
        for name, seconds in phases.cpu.items():
            print(f"{name:<24}{seconds:8.2f} s CPU{phases.wall[name]:8.2f} s", file=sys.stderr)
    said = {"documents": documents, "cpu_seconds": used, "wall_seconds": wall, "peak_bytes": peak.bytes}
    print(json.dumps({**said, "facts": dict(facts)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
