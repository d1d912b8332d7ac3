"""State of dedup between its steps: Parquet below one folder, overwritten by a retry."""

from dataclasses import dataclass

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.parquet import parquet

# Hashes do not compress, and what does is read once: the cheapest codec costs the least.
_CODEC = "lz4_raw"


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
        place = self._place(name)
        frame.write.mode("overwrite").option("compression", _CODEC).parquet(place)
        return parquet(self.spark, place, schema=frame.schema)

    def finish(self, name: str, fact: str) -> None:
        """Note that a file set is whole; `fact` is what `finished` gives back."""
        note = self.spark.createDataFrame([(fact,)], "fact STRING")
        note.coalesce(1).write.mode("overwrite").parquet(self._place(f"{name}.finished"))

    def finished(self, name: str) -> str | None:
        """The fact noted with a file set that is whole, None where an attempt was killed before or never came to it."""
        try:
            noted = parquet(self.spark, self._place(f"{name}.finished"), schema="fact STRING").first()
        except AnalysisException as error:
            if error.getCondition() != "PATH_NOT_FOUND":
                raise
            return None
        return str(noted["fact"]) if noted is not None else None

    def kept(self, name: str, schema: str) -> DataFrame:
        """A file set that an earlier attempt kept."""
        return parquet(self.spark, self._place(name), schema=schema)

    def _place(self, name: str) -> str:
        return f"{self.location.rstrip('/')}/{name}"


def totals(frame: DataFrame) -> dict[str, int]:
    """The one row of a frame of integer aggregates without keys; missing sums count as 0."""
    row = frame.first()
    return {name: int(value or 0) for name, value in row.asDict().items()} if row is not None else {}
