"""`audits`: what every expectation found, over publications and refused attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.tables import FLOW

_SCHEMA = (
    "table STRING, partition STRING, candidate STRING, publication STRING, run_id STRING, expectation STRING, "
    "severity STRING, success BOOLEAN, expected STRING, found STRING"
)
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
    rows = [
        (table, partition, candidate, publication, run_id, o["name"], o["severity"], o["success"], o["expected"],
         o["found"])
        for o in outcomes
    ]  # fmt: skip
    append(lake, "audits", lake.spark.createDataFrame(rows, _SCHEMA).withColumn("audited_at", F.current_timestamp()))


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
    for row in rows:
        version = versions.get(row["publication"])
        told = {key: row[key] for key in _SHOWN} | {"audited_at": str(row["audited_at"]), "version": version}
        found.setdefault((row["table"], row["expectation"]), []).append(told)
    return [Outcomes(*key, outcomes) for key, outcomes in sorted(found.items())]
