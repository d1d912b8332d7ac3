"""`audits`: what every expectation found, over publications and refused attempts.

The outcomes of a publication are in the record of its commit too: where a program was killed between the two, the next
completes the table. A row is known by its run, its publication or candidate, and its expectation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import FLOW

_SCHEMA = (
    "table STRING, partition STRING, candidate STRING, publication STRING, run_id STRING, expectation STRING, "
    "severity STRING, success BOOLEAN, expected STRING, found STRING"
)
_KEY = ("table", "partition", "publication", "run_id", "expectation")
_SHOWN = ("partition", "publication", "candidate", "run_id", "severity", "success", "expected", "found")


@dataclass(frozen=True)
class Outcomes:
    """All outcomes of one expectation of one table, oldest first. `version` is null where nothing was published."""

    table: str
    expectation: str
    outcomes: Sequence[Mapping[str, Any]]


def note(
    lake: Lake, *, table: str, partition: str, candidate: str | None, run_id: str, publication: str | None,
    outcomes: Sequence[Mapping[str, Any]],
) -> None:  # fmt: skip
    """Append the outcomes of one attempt; `publication` is what came of it, None where it was refused."""
    rows = _rows(table, partition, candidate, publication, run_id, outcomes)
    append(lake, "audits", lake.spark.createDataFrame(rows, _SCHEMA).withColumn("audited_at", F.current_timestamp()))


def complete(lake: Lake) -> int:
    """Write the outcomes of publications that the table does not hold, from their records; returns of how many.

    Those that another program publishes at the moment may be written twice.
    """
    found = lake.at("audits").select("publication").distinct().collect()
    known = {row["publication"] for row in found}
    lost = [p for table in FLOW for p in lake.history(table) if p.id not in known and _is_judged(p)]
    rows = [(*row, p.published_at) for p in lost for row in _rows(
        p.table, p.partition, None, p.id, str(p.record["run_id"]), p.record["audit"]
    )]  # fmt: skip
    if rows:
        append(lake, "audits", lake.spark.createDataFrame(rows, f"{_SCHEMA}, audited_at TIMESTAMP"))
    return len(lost)


def _is_judged(publication: Publication) -> bool:
    """Whether its record holds what a gate found of it, and not what one found of rows that it publishes again."""
    record, outcomes = publication.record, publication.record.get("audit", ())
    whole = all("found" in outcome for outcome in outcomes)  # not those of an earlier Provender
    return bool(outcomes) and whole and record.get("judged_by") == record["run_id"]


def _rows(  # noqa: PLR0917 - in the order of the columns
    table: str, partition: str, candidate: str | None, publication: str | None, run_id: str,
    outcomes: Sequence[Mapping[str, Any]],
) -> list[tuple[Any, ...]]:  # fmt: skip
    return [
        (table, partition, candidate, publication, run_id, o["name"], o["severity"], o["success"], o["expected"],
         o["found"])
        for o in outcomes
    ]  # fmt: skip


def newest(lake: Lake, table: str, partition: str) -> list[Mapping[str, Any]]:
    """The outcomes of the last attempt at a partition (of models: at a model), whatever came of it."""
    rows = lake.at("audits").where((F.col("table") == table) & (F.col("partition") == partition)).collect()
    last = max((row["audited_at"] for row in rows), default=None)
    return [row.asDict() for row in rows if row["audited_at"] == last]


def history(
    lake: Lake, *, table: str | None = None, partition: str | None = None, expectation: str | None = None
) -> list[Outcomes]:
    """Outcomes by table and expectation, of all or of those that are named.

    In the order of the commits that published; a refused attempt stands where its time puts it.
    """
    frame = lake.at("audits")
    for name, value in (("table", table), ("partition", partition), ("expectation", expectation)):
        frame = frame if value is None else frame.where(F.col(name) == value)
    rows = frame.select("table", "expectation", "audited_at", *_SHOWN).orderBy("audited_at", "partition").collect()
    versions = {p.id: p.version for name in {row["table"] for row in rows} & set(FLOW) for p in lake.history(name)}
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    seen: set[tuple[str | None, ...]] = set()
    for row in rows:
        key = tuple(row[name] for name in _KEY)
        if row["publication"] is not None and key in seen:
            continue
        seen.add(key)
        version = versions.get(row["publication"])
        told = {key: row[key] for key in _SHOWN} | {"audited_at": str(row["audited_at"]), "version": version}
        found.setdefault((row["table"], row["expectation"]), []).append(told)
    return [Outcomes(*key, outcomes) for key, outcomes in sorted(found.items())]
