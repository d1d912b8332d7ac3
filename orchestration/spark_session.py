"""The Spark session: one place that knows its configuration. Sizes come from the settings, never from a recipe.

The values are for one machine; each that differs from Spark's default says why.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyspark.sql import SparkSession

PROJECT = Path(__file__).resolve().parent.parent

BASE = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    # Cluster defaults (200 and 50) cost seconds a query on a lake of this size.
    "spark.sql.shuffle.partitions": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Payloads are large: batches are bounded by rows, and tasks by bytes, so that both cores get work.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "512",
    "spark.sql.execution.arrow.maxBytesPerBatch": "64m",
    "spark.sql.files.maxPartitionBytes": "32m",
    "spark.sql.files.openCostInBytes": "1m",
    # A plain row UDF over a Parquet scan hangs in 4.2.0 with the Arrow path (SPARK-58241).
    "spark.sql.execution.pythonUDF.arrow.enabled": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    # A run's stages and gates are hundreds of generated classes: with room for 100 they are compiled over and over.
    "spark.sql.codegen.cache.maxEntries": "5000",
    # Ids and hashes are in no order that a file's least and greatest could tell: with these filters a document is found
    # by its key, and no row group is read that does not hold it. They are as small as the row groups are (adaptive).
    **{
        f"spark.hadoop.parquet.bloom.filter.{name}#{key}": value
        for key in ("doc_id", "parent_id", "url_hash")
        for name, value in (("enabled", "true"), ("candidates.number", "12"))
    },
    "spark.hadoop.parquet.bloom.filter.adaptive.enabled": "true",
    # Most code of a run on one machine runs a few times: to compile it twice costs more than the second compiler saves,
    # so that one is kept for what is ten times as hot as by default.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:Tier4InvocationThreshold=50000 "
    "-XX:Tier4MinInvocationThreshold=20000 -XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000",
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
}


def build_session(
    *,
    master: str = "local[2]",
    driver_memory: str = "3g",
    jars: str = "",
    scratch: str | None = None,
    extra: Mapping[str, str] | None = None,
) -> SparkSession:
    """Start (or get) the session. `jars` is a comma-separated list of local jar files (Delta)."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    paths = [str(PROJECT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
    builder = SparkSession.builder.appName("provender").master(master)
    conf = {**BASE, "spark.driver.memory": driver_memory, "spark.jars": jars}
    if scratch is not None:
        conf |= {"spark.local.dir": scratch, "spark.sql.warehouse.dir": str(Path(scratch) / "warehouse")}
    for key, value in {**conf, **(extra or {})}.items():
        builder = builder.config(key, value)
    # pyspark logs every SQL error with a Java stack trace before it raises it; people get the error, in one line.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    logging.getLogger("DataFrameQueryContextLogger").disabled = True
    with _standard_error_to(Path(scratch) / "spark.log" if scratch is not None else None):
        session: SparkSession = builder.getOrCreate()
    return session


@contextlib.contextmanager
def _standard_error_to(path: Path | None) -> Iterator[None]:
    """The JVM inherits standard error where it is started: its messages go to a file, not between ours."""
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(2)
    try:
        with path.open("ab") as file:
            os.dup2(file.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
