"""What one more snapshot costs: CPU seconds and bytes read when it joins 0 to 8 earlier ones of the same size.

The snapshots are parts of one corpus, so clusters reach across them. Bytes are Spark's own count of input: the texts of
the new snapshot, the state of the run, and of earlier snapshots the index.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.dedup import corpus
from benchmarks.dedup.engine import session
from benchmarks.dedup.lake import FolderLake
from benchmarks.measuring import cpu_of_the_tree

SNAPSHOTS = 9
SEED = 23


def bytes_read(spark: Any) -> int:
    """Input of all tasks so far."""
    context = spark.sparkContext._jsc.sc()  # noqa: SLF001 - the status store has no door in Python
    context.listenerBus().waitUntilEmpty()
    executors = context.statusStore().executorList(True)
    return sum(executors.apply(place).totalInputBytes() for place in range(executors.size()))


def measure(arguments: argparse.Namespace) -> int:
    """Add snapshot after snapshot; print one line each."""
    home = Path(tempfile.mkdtemp(prefix="dedup "))
    # What is read in vectors passes by Spark's counter of input.
    arguments.conf = ["spark.hadoop.parquet.hadoop.vectored.io.enabled=false", *arguments.conf]
    spark = session(home / "spark", arguments)
    count = arguments.incremental
    try:
        for number in range(SNAPSHOTS):
            corpus.write(spark, str(home / f"s{number}"), SNAPSHOTS * count, SEED, first=number * count, count=count)
        warm = FolderLake(spark, home / "warm", {"s0": home / "s0"})
        warm.dedup("s0", arguments.section)
        print(f"snapshots of {count:,} documents of about 2 kB\n{'earlier':>8}{'CPU s':>9}{'MB read':>9}{'links':>9}")
        lake = FolderLake(spark, home / "lake")
        for number in range(SNAPSHOTS):
            lake.corpora[f"s{number}"] = home / f"s{number}"
            before = cpu_of_the_tree(), bytes_read(spark)
            facts = lake.dedup(f"s{number}", arguments.section)
            used, read = cpu_of_the_tree() - before[0], bytes_read(spark) - before[1]
            print(f"{number:>8}{used:>9.1f}{read / 1e6:>9.1f}{facts['similar_pairs']:>9,}", flush=True)
    finally:
        spark.stop()
        shutil.rmtree(home, ignore_errors=True)
    return 0
