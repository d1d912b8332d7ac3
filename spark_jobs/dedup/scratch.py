"""State of dedup between its steps: Parquet below one folder, overwritten by a retry."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Scratch:
    """A folder (path or URI) that one attempt owns."""

    spark: SparkSession
    location: str

    def below(self, name: str) -> "Scratch":
        """A folder of its own in this one."""
        return Scratch(self.spark, f"{self.location.rstrip('/')}/{name}")

    def keep(self, frame: DataFrame, name: str) -> DataFrame:
        """Run a frame into a file set and read it back: what depends on it does not run it again."""
        place = f"{self.location.rstrip('/')}/{name}"
        frame.write.mode("overwrite").parquet(place)
        return self.spark.read.schema(frame.schema).parquet(place)


def totals(frame: DataFrame) -> dict[str, int]:
    """The one row of a frame of integer aggregates without keys; missing sums count as 0."""
    row = frame.first()
    return {name: int(value or 0) for name, value in row.asDict().items()} if row is not None else {}
