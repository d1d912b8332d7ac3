"""The ledger: `publications`, one row a commit of a main table. Derived from the commits, and rebuilt from them."""

from collections.abc import Iterable

from pyspark.sql import functions as F

from spark_jobs.lake import audits
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.records import Publication, canonical_json
from spark_jobs.lake.tables import TABLES

MAIN_TABLES = tuple(table.name for table in TABLES.values() if table.scope is not None and not table.side)
_COLUMNS = (
    "table STRING, partition STRING, version BIGINT, published_at TIMESTAMP, stage STRING, fingerprint STRING, "
    "publication STRING, record STRING"
)


def _rows(publications: Iterable[Publication]) -> list[tuple[object, ...]]:
    return [
        (
            p.table,
            p.partition,
            p.version,
            p.published_at,
            p.record.get("stage"),
            p.fingerprint,
            p.id,
            canonical_json(p.record),
        )
        for p in publications
    ]


def sync(lake: Lake, tables: Iterable[str] = MAIN_TABLES) -> int:
    """Write the commits that the ledger does not hold yet; returns how many.

    The ledger's heads are read once a process, and then `audits` is completed too: a program that was killed after a
    commit may have left both behind. Two processes that sync at once may both write a row: a row is known by its table
    and version.
    """
    heads = lake.ledger_heads
    if heads is None:
        newest = lake.at("publications").groupBy("table").agg(F.max("version").alias("newest"))
        heads = lake.ledger_heads = {row["table"]: row["newest"] for row in newest.collect()}
        audits.complete(lake)
    missing = [p for table in tables for p in lake.history(table) if p.version > heads.get(table, -1)]
    if missing:
        append(lake, "publications", lake.spark.createDataFrame(_rows(missing), _COLUMNS))
        heads.update({p.table: p.version for p in missing})  # oldest first within a table
    return len(missing)


def rebuild(lake: Lake) -> int:
    """Throw the ledger's rows away and derive them again from the commits; returns how many."""
    lake.refresh()
    everything = [p for table in MAIN_TABLES for p in lake.history(table)]
    frame = lake.spark.createDataFrame(_rows(everything), _COLUMNS)
    frame.write.format("delta").mode("overwrite").save(lake.location("publications"))
    lake.ledger_heads = None
    return len(everything)
