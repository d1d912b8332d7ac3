"""What may never be published again. Every write of a table passes through `suppress`: the one choke point.

Kinds: `doc` (a doc_id), `url` (a canonical URL), `domain` (a host and all below it), `licence`. A takedown writes its
rules and, beside them, every document that they hit: most tables know a document by its id alone.
"""

import re
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.lake import Lake

KINDS = ("doc", "url", "domain", "licence")
SCHEMA = "kind STRING, value STRING, reason STRING, receipt STRING"
# Columns that tell a suppressed row where a table itself has none of them; a stage may pass them with a side table.
TELLING = ("canonical_url", "host", "licence")
_HOST_OF_CANONICAL = r"^(?://)?(?:[^/?#@]*@)?([^/:?#]+)"


@dataclass(frozen=True)
class Suppressions:
    """The suppressions at one version of their table; `frame` is None when there are none.

    `domains` are the values of that kind, None where they were not looked up.
    """

    version: int
    frame: DataFrame | None
    domains: tuple[str, ...] | None = None

    @classmethod
    def read(cls, lake: Lake) -> "Suppressions":
        """The suppressions as they are now."""
        version = lake.version("suppressions")
        if version == 0:  # the commit that made the table
            return cls(version, None)
        frame = lake.at("suppressions", version).select("kind", "value").distinct()
        domains = F.collect_set(F.when(F.col("kind") == "domain", F.col("value"))).alias("domains")
        (row,) = frame.agg(F.count(F.lit(1)).alias("rules"), domains).collect()
        return cls(version, frame if row["rules"] else None, tuple(sorted(row["domains"])))


def _values(frame: DataFrame, kind: str) -> DataFrame:
    return frame.where(F.col("kind") == kind).select(F.col("value").alias("suppressed_value"))


def host_column(columns: list[str]) -> Column | None:
    """The host of a row, None where the columns do not tell it."""
    if "host" in columns:
        return F.col("host")
    if "canonical_url" in columns:
        return F.regexp_extract("canonical_url", _HOST_OF_CANONICAL, 1)
    return None


def host_in(canonical: str) -> str:
    """The host of one canonical URL, as `host_column` has it; "" without one."""
    found = re.match(_HOST_OF_CANONICAL, canonical)
    return found[1] if found else ""


def names_above(host: str) -> list[str]:
    """A host and all that it lies below, without the dot that may end it: `a.b.c.` is below `a.b.c`, `b.c` and `c`."""
    labels = host.rstrip(".").split(".")
    return [".".join(labels[at:]) for at in range(len(labels))]


def within(host: Column, domains: tuple[str, ...]) -> Column:
    """Whether `names_above` a host are among the domains. False for null: a look-up a label, not a test a domain."""
    labels = F.split(F.rtrim(host, F.lit(".")), r"\.")
    above = F.transform(
        F.sequence(F.lit(1), F.size(labels)), lambda at: F.array_join(F.slice(labels, at, F.size(labels)), ".")
    )
    return F.coalesce(F.exists(above, lambda name: name.isin(*domains)), F.lit(False))


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
    if "licence" in columns:
        conditions.append(("licence", F.col("licence") == value))
    host = host_column(columns)
    domains = _domains(suppressions) if host is not None else ()
    if host is not None and domains:
        frame = frame.where(~within(host, domains))
    for kind, condition in conditions:
        frame = frame.join(F.broadcast(_values(suppressions.frame, kind)), condition, "left_anti")
    return frame


def _domains(suppressions: Suppressions) -> tuple[str, ...]:
    if suppressions.domains is not None or suppressions.frame is None:
        return suppressions.domains or ()
    rows = _values(suppressions.frame, "domain").distinct().collect()
    return tuple(sorted(row["suppressed_value"] for row in rows))
