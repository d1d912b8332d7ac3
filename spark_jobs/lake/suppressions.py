"""What may never be published again. Every write of a table passes through `suppress`: the one choke point.

Kinds: `doc` (a doc_id), `url` (a canonical URL), `domain` (a host and all below it), `licence`.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.lake import Lake

KINDS = ("doc", "url", "domain", "licence")
_HOST_OF_CANONICAL = r"^(?://)?([^/:?#]+)"


@dataclass(frozen=True)
class Suppressions:
    """The suppressions at one version of their table; `frame` is None when there are none."""

    version: int
    frame: DataFrame | None

    @classmethod
    def read(cls, lake: Lake) -> "Suppressions":
        """The suppressions as they are now."""
        version = lake.version("suppressions")
        if version == 0:  # the commit that made the table
            return cls(version, None)
        frame = lake.at("suppressions", version).select("kind", "value").distinct()
        return cls(version, None if frame.isEmpty() else frame)


def _values(frame: DataFrame, kind: str) -> DataFrame:
    return frame.where(F.col("kind") == kind).select(F.col("value").alias("suppressed_value"))


def _host(columns: list[str]) -> Column | None:
    if "host" in columns:
        return F.col("host")
    if "canonical_url" in columns:
        return F.regexp_extract("canonical_url", _HOST_OF_CANONICAL, 1)
    return None


def suppress(frame: DataFrame, suppressions: Suppressions) -> DataFrame:
    """The rows that may be published: those whose document, parent, URL, host and licence are not suppressed."""
    if suppressions.frame is None:
        return frame
    columns = frame.columns
    value = F.col("suppressed_value")
    keys = [key for key in ("doc_id", "parent_id") if key in columns]
    conditions: list[tuple[str, Column]] = [("doc", F.col(key) == value) for key in keys]
    if "canonical_url" in columns:
        conditions.append(("url", F.col("canonical_url") == value))
    host = _host(columns)
    if host is not None:
        conditions.append(("domain", (host == value) | F.endswith(host, F.concat(F.lit("."), value))))
    if "licence" in columns:
        conditions.append(("licence", F.col("licence") == value))
    for kind, condition in conditions:
        frame = frame.join(F.broadcast(_values(suppressions.frame, kind)), condition, "left_anti")
    return frame
