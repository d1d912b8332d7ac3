"""Input that breaks other tools, at full size: CPU seconds, peak memory and what came out, one line a case.

identical: a million copies of one text; star: a million members around one; chain: 10,000 in a row, in scattered order;
huge: one document of 100 MB among 1,000 of 2 kB.
"""

import argparse
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import functions as F

from benchmarks.dedup import corpus
from benchmarks.dedup.engine import session
from benchmarks.dedup.lake import FolderLake
from benchmarks.measuring import cpu_of_the_tree, peak_memory
from spark_jobs.dedup.components import components
from spark_jobs.dedup.scratch import Scratch

COPIES, STAR, CHAIN = 1_000_000, 1_000_000, 10_000
HUGE_BYTES = 100_000_000
# Far fewer edges a task than there are: the rounds must do the work.
CHUNK = 100_000


def identical(spark: Any, home: Path) -> str:
    """A million copies of one text and one that differs."""
    text = corpus.text_of(corpus.plan(10_000, 1), 5_000)[1]
    ids = F.md5(F.col("id").cast("string"))
    frame = spark.range(0, COPIES + 1, 1, 16).select(
        ids.alias("doc_id"), F.timestamp_seconds(F.lit(0)).alias("captured_at"), F.lit(0.5).alias("quality__score"),
        F.when(F.col("id") == COPIES, F.lit(text[: len(text) // 3])).otherwise(F.lit(text)).alias("text"),
    )  # fmt: skip
    frame.write.parquet(str(home / "documents"))
    lake = FolderLake(spark, home / "lake", {"s": home / "documents"})
    facts = lake.dedup("s", {})
    kept = lake.partition("deduped", "s").where("kept").count()
    return f"{kept} kept, {facts.get('candidate_pairs', 0)} candidate pairs"


def _edges(spark: Any, names: Callable[[pa.RecordBatch], tuple[list[str], list[str]]], count: int) -> Any:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            u, v = names(batch)
            yield pa.RecordBatch.from_arrays([pa.array(u, pa.string()), pa.array(v, pa.string())], names=["u", "v"])

    return spark.range(0, count, 1, 16).mapInArrow(run, "u STRING, v STRING")


def _name(number: int) -> str:
    return f"2021-31/{hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()}"


def _settled(spark: Any, home: Path, edges: Any, count: int, chunk: int) -> str:
    rounds: list[str] = []
    found = components(edges, Scratch(spark, str(home)), count=count, chunk=chunk, say=rounds.append)
    row = found.agg(F.count_distinct("label").alias("labels"), F.count(F.lit(1)).alias("nodes")).first()
    return f"{row['nodes']:,} nodes in {row['labels']} component(s) after {len(rounds)} rounds"


def star(spark: Any, home: Path) -> str:
    """A million members around one."""
    edges = _edges(
        spark, lambda batch: ([_name(-1)] * batch.num_rows, [_name(n) for n in batch["id"].to_pylist()]), STAR
    )
    return _settled(spark, home, edges, STAR, CHUNK)


def chain(spark: Any, home: Path) -> str:
    """Neighbours in a row whose names are in no order."""
    edges = _edges(
        spark, lambda batch: tuple([_name(n + step) for n in batch["id"].to_pylist()] for step in (0, 1)), CHAIN - 1
    )
    return _settled(spark, home, edges, CHAIN, 100)


def huge(spark: Any, home: Path) -> str:
    """One document of 100 MB among small ones."""
    corpus.write(spark, str(home / "documents"), 1_000, 3)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            made = corpus.plan(100_000, 4)
            unit = "".join(corpus.text_of(made, slot)[1] for slot in range(80_000, 80_500))
            text = unit * (HUGE_BYTES // len(unit) + 1)
            one = corpus.rows(made, batch["id"].to_numpy())
            yield one.set_column(4, "text", pa.array([text[:HUGE_BYTES]] * one.num_rows))

    spark.range(0, 1, 1, 1).mapInArrow(run, corpus.COLUMNS).write.mode("append").parquet(str(home / "documents"))
    lake = FolderLake(spark, home / "lake", {"s": home / "documents"})
    lake.dedup("s", {})
    longest = lake.partition("signatures", "s").agg(F.max("words").alias("words")).first()["words"]
    return f"{lake.partition('deduped', 's').count():,} rows, the longest of {longest:,} words"


CASES: dict[str, Callable[[Any, Path], str]] = {"identical": identical, "star": star, "chain": chain, "huge": huge}


def measure(arguments: argparse.Namespace) -> int:
    """Every case in a folder of its own, in one session."""
    home = Path(tempfile.mkdtemp(prefix="dedup "))
    spark = session(home / "spark", arguments)
    try:
        for name in arguments.extremes or CASES:
            (home / name).mkdir()
            before = cpu_of_the_tree()
            with peak_memory() as peak:
                found = CASES[name](spark, home / name)
            used = cpu_of_the_tree() - before
            print(f"{name:<12}{used:8.1f} s CPU{peak.bytes / 1e6:9,.0f} MB at most   {found}", flush=True)
    finally:
        spark.stop()
        shutil.rmtree(home, ignore_errors=True)
    return 0
