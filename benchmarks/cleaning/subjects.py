"""What is measured: passes of this engine in a Spark task and without Spark, and row UDFs on Spark.

CPU seconds of all processes. Each subject runs on the same Parquet file, once to warm up (compilation, models, the JVM)
and then as often as asked.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F

from benchmarks.cleaning.passes import EVERYTHING, HEURISTICS, ROWS, TextPass, output_schema
from benchmarks.cleaning.row_udfs import TEN
from benchmarks.measuring import cpu_of_the_tree

Subject = Callable[[], None]
UDFS = "ten row-at-a-time UDFs on Spark"


def measured(subject: Subject, repeat: int) -> list[float]:
    """CPU seconds of each run after one that is not counted."""
    subject()
    seconds = []
    for _ in range(repeat):
        before = cpu_of_the_tree()
        subject()
        seconds.append(cpu_of_the_tree() - before)
    return seconds


def without_spark(path: Path) -> Iterator[tuple[str, Subject]]:
    """The same pass called on batches of the same size."""
    for name, steps, identifies in _passes():
        run = TextPass.of(steps, identifies=identifies)

        def subject(run: TextPass = run) -> None:
            for batch in pq.ParquetFile(path).iter_batches(ROWS):
                run.rows(batch)

        yield name, subject


def in_spark(path: Path, spark: Any) -> Iterator[tuple[str, Subject]]:
    """The pass as a `mapInArrow` of one task, its rows thrown away at the end; and what the transfer alone costs."""
    frame = spark.read.parquet(str(path)).coalesce(1)
    yield "Arrow there and back only, in a Spark task", _thrown_away(frame.mapInArrow(_same, frame.schema))
    for name, steps, identifies in _passes():
        mapped = frame.mapInArrow(TextPass.of(steps, identifies=identifies), output_schema(steps))
        yield f"{name}, in a Spark task", _thrown_away(mapped)


def row_udfs(path: Path, spark: Any) -> Iterator[tuple[str, Subject]]:
    """One UDF a column over the same file."""
    frame = spark.read.parquet(str(path)).coalesce(1)
    columns = [F.udf(function, "double")("text").alias(function.__name__) for function in TEN]
    yield UDFS, _thrown_away(frame.select("doc_id", "text", *columns))


def _passes() -> Iterator[tuple[str, Sequence[object], bool]]:
    yield "heuristics", HEURISTICS, False
    yield "heuristics and token count", (*HEURISTICS, "token_count"), False
    yield "language, URL rules, edits and heuristics", EVERYTHING, True
    yield "the same and token count", (*EVERYTHING, "token_count"), True


def _thrown_away(frame: Any) -> Subject:
    return lambda: frame.write.format("noop").mode("overwrite").save()


def _same(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return batches
