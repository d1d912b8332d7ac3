"""The candidate: the output of a stage, written beside the tables, audited there, and only then published."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from spark_jobs.errors import ProvenderError
from spark_jobs.lake import storage
from spark_jobs.lake.digest import ContentDigest, digest_columns, from_metrics
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.suppressions import TELLING, Suppressions, suppress
from spark_jobs.lake.tables import TABLES
from spark_jobs.parquet import parquet


@dataclass(frozen=True)
class Candidate:
    """Written rows of one partition of a main table and of its side tables, with what was counted on the way."""

    table: str
    partition: str
    location: str
    columns: tuple[str, ...]
    digest: ContentDigest
    suppressed: int
    suppressions_version: int
    side: Mapping[str, str]

    def frame(self, lake: Lake, table: str | None = None) -> DataFrame:
        """The candidate's rows (of the main table, or of a side table)."""
        return parquet(lake.spark, self.location if table in (None, self.table) else self.side[str(table)])


def conform(frame: DataFrame, table: str, lake: Lake) -> DataFrame:
    """The frame in the order and types of the table; further columns only where the table is open."""
    declared = lake.schema(table)
    scope = TABLES[table]
    wanted = [field.name for field in declared if not (scope.side and field.name == "publication")]
    missing = [name for name in wanted if name not in frame.columns and (not scope.open or "__" not in name)]
    extra = [name for name in frame.columns if name not in wanted]
    if missing or (extra and not scope.open):
        raise ProvenderError(
            f"{table}: the stage's columns do not fit the table: missing {missing or 'none'}, unknown {extra or 'none'}"
        )
    typed = [F.col(f"`{name}`").cast(declared[name].dataType).alias(name) for name in wanted if name in frame.columns]
    return frame.select(*typed, *(F.col(f"`{name}`").cast("double").alias(name) for name in sorted(extra)))


def write_candidate(
    lake: Lake,
    *,
    table: str,
    partition: str,
    attempt: str,
    main: DataFrame,
    side: Mapping[str, DataFrame],
) -> Candidate:
    """Run the stage's frames into Parquet below `candidates/`, counting and digesting in the same pass."""
    base = storage.join(lake.home, "candidates", table, partition, attempt)
    suppressions = Suppressions.read(lake)
    side_locations: dict[str, str] = {}
    for name, frame in side.items():
        side_locations[name] = storage.join(base, "side", name)
        # First by all that the stage gives: a locator has no host, and what is suppressed by host must not be in it.
        allowed = suppress(frame, suppressions)
        unknown = [c for c in TELLING if c in allowed.columns and c not in lake.schema(name).names]
        conform(allowed.drop(*unknown), name, lake).write.mode("overwrite").parquet(side_locations[name])
    location = storage.join(base, "main")
    conformed = conform(main, table, lake)
    before, after = Observation(), Observation()
    counted = conformed if suppressions.frame is None else conformed.observe(before, F.count(F.lit(1)).alias("rows"))
    kept = suppress(counted, suppressions)
    kept.observe(after, *digest_columns(kept.schema, kept.columns)).write.mode("overwrite").parquet(location)
    digest = from_metrics(after.get)
    suppressed = 0 if suppressions.frame is None else int(before.get["rows"]) - digest.rows
    return Candidate(
        table, partition, location, tuple(kept.columns), digest, suppressed, suppressions.version, side_locations
    )
