"""Rollback: an earlier publication of a partition is published again, as the newest one. Nothing is deleted."""

from collections.abc import Mapping
from typing import Any

from spark_jobs.errors import NotFoundError, UsageError
from spark_jobs.lake import ledger
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.republish import republish
from spark_jobs.lake.tables import FLOW

_TABLES = tuple(table for table in FLOW if table != "mixed")


def rollback(
    lake: Lake, table: str, partition: str, *, to: int | None, reason: str | None, provenance: Mapping[str, Any],
    run_id: str,
) -> Publication:  # fmt: skip
    """Serve an earlier publication again: that of the table's version `to`, or the one before the current one.

    The record is the earlier one's, operators, inputs and overrides with it, and says under `rolled_back` from what to
    what, why, and by which code. Raises UsageError, NotFoundError, VerificationError and LostRaceError.
    """
    lake.refresh()
    current, wanted = target_of(lake, table, partition, to)
    sequence = lake.sequence(table, partition) + 1
    told = {
        "from": _named(current), "to": _named(wanted), "reason": reason,
        "code": provenance.get("code"),
    }  # fmt: skip
    published = republish(lake, wanted, lake, run_id=run_id, changes={"rolled_back": told}, sequence=sequence)
    ledger.sync(lake, [table])
    return published


def target_of(lake: Lake, table: str, partition: str, to: int | None) -> tuple[Publication, Publication]:
    """The current publication, and the one to serve instead. Each way in which there is none is told."""
    if table == "mixed":
        raise UsageError("releases are immutable: name the release you want (./provender status lists them)")
    if table not in _TABLES:
        raise UsageError(f"{table}: no table of snapshots; roll back one of {', '.join(_TABLES)}")
    history = [p for p in lake.history(table) if p.partition == partition]
    if not history:
        known = ", ".join(sorted(lake.publications(table))) or "none"
        raise NotFoundError(f"{table}: nothing was published for {partition!r}; published are: {known}")
    current, versions = history[-1], [p.version for p in history]
    if to is None:
        gone = lake.vacuumed(table)
        earlier = [p for p in history[:-1] if p.id not in gone]
        if not earlier:
            raise NotFoundError(f"{table}/{partition}: version {current.version} is the only one; nothing lies before")
        return current, earlier[-1]
    if to == current.version:
        raise UsageError(f"{table}/{partition}: version {to} is the current one")
    wanted = next((p for p in history if p.version == to), None)
    if wanted is None:
        told = ", ".join(map(str, versions))
        raise NotFoundError(f"{table}/{partition}: no publication has version {to}; versions of it: {told}")
    return current, wanted


def _named(publication: Publication) -> dict[str, Any]:
    return {"version": publication.version, "publication": publication.id}
