"""Parquet files read by their names: a home may have brackets in its path, which Spark would take for a pattern."""

import re

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

_SIGNS_OF_PATTERNS = re.compile(r"[][{}*?\\]")


def parquet(
    spark: SparkSession, *paths: str, schema: StructType | str | None = None, base: str | None = None
) -> DataFrame:
    """The rows of files or folders. `base` is the folder below which names of folders tell values of columns.

    Raises AnalysisException (PATH_NOT_FOUND) where one is not there.
    """
    reader = spark.read if schema is None else spark.read.schema(schema)
    if base is not None:
        reader = reader.option("basePath", base)
    # Escaped: with patterns switched off Spark also leaves out files that are missing, without a word.
    return reader.parquet(*(_SIGNS_OF_PATTERNS.sub(r"\\\g<0>", path) for path in paths))
