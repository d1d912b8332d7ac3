"""Parquet files read by their names: a home may have brackets in its path, which Spark would take for a pattern."""

import re

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

_SIGNS_OF_PATTERNS = re.compile(r"[][{}*?\\]")


def parquet(spark: SparkSession, *paths: str, schema: StructType | str | None = None, **options: str) -> DataFrame:
    """The rows of files or folders, with Spark's options. AnalysisException (PATH_NOT_FOUND) where one is missing."""
    reader = (spark.read if schema is None else spark.read.schema(schema)).options(**options)
    # Escaped: with patterns switched off Spark also leaves out files that are missing, without a word.
    return reader.parquet(*(_SIGNS_OF_PATTERNS.sub(r"\\\g<0>", path) for path in paths))
