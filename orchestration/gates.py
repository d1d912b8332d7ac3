"""What the command `gate` does: refused candidates, their approval, and the history of expectations."""

import getpass
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.approval import approve, refusals
from assets.catalog import tables
from assets.models import refused_fits
from assets.workshop import Workshop
from orchestration.instance import reconcile
from orchestration.plan import next_release
from orchestration.progress import Progress
from spark_jobs.lake import quarantine
from spark_jobs.lake.audits import Outcomes, history
from spark_jobs.lake.quarantine import Attempt
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import registered

_SHOWN_ATTEMPTS = 40


def shown_gates(workshop: Workshop, table: str | None, snapshot: str | None) -> dict[str, Any]:
    """Every refused candidate (of a table, of a snapshot), what it failed, and whether it can be approved."""
    lake = workshop.lake
    lake.refresh()
    if table is not None and snapshot is not None:
        quarantine.find(lake, table, snapshot)
    found = [
        a for a in quarantine.attempts(lake)
        if table in (None, a.candidate.table) and snapshot in (None, a.candidate.partition)
    ]  # fmt: skip
    return {"home": lake.home, "candidates": [_told(workshop, attempt) for attempt in found]}


def _told(workshop: Workshop, attempt: Attempt) -> dict[str, Any]:
    candidate = attempt.candidate
    marked = workshop.recipe.overridable.get(candidate.table, ())
    refused = refusals(workshop, attempt)
    return {
        "table": candidate.table, "snapshot": candidate.partition, "candidate": attempt.name, "number": attempt.number,
        "location": candidate.location, "rows": candidate.digest.rows, "digest": str(candidate.digest),
        "run_id": attempt.record.get("run_id"), "expectations": len(attempt.outcomes),
        "closed": quarantine.closed(workshop.lake, attempt), "can_be_approved": not refused, "refused": refused,
        "failed": [
            {**{key: o[key] for key in ("name", "says", "expected", "found")}, "overridable": o["name"] in marked}
            for o in attempt.failed
        ],
        "warnings": [o["name"] for o in attempt.outcomes if not o["success"] and o["severity"] != "error"],
    }  # fmt: skip


def render_gates(report: Mapping[str, Any]) -> str:
    """A block a candidate."""
    lines = [line for one in report["candidates"] for line in _block(one)]
    return "\n".join(lines) or "no candidate was refused that still lies there"


def _block(one: Mapping[str, Any]) -> list[str]:
    place = f"{one['table']} {one['snapshot']}"
    head = f"{place}: candidate {one['candidate']} ({one['rows']:,} rows) failed {len(one['failed'])} of "
    lines = [f"{head}{one['expectations']} expectations; it lies at {one['location']}"]
    for failed in one["failed"]:
        marked = "overridable" if failed["overridable"] else "not overridable"
        lines += [
            f"  {failed['name']} ({marked}): {failed['says']}",
            f"    expected {failed['expected']}", f"    found {failed['found']}",
        ]  # fmt: skip
    if one["warnings"]:
        lines.append(f"  warnings: {', '.join(one['warnings'])}")
    if one["can_be_approved"]:
        lines.append(f"  ./provender gate approve {place} --reason TEXT publishes it")
    else:
        lines += [f"  cannot be approved: {reason}" for reason in one["refused"]]
    return lines


def approved(
    workshop: Workshop, instance: dg.DagsterInstance, progress: Progress, table: str, snapshot: str, *, reason: str,
    candidate: str | None,
) -> dict[str, Any]:  # fmt: skip
    """Approve a candidate in the lake, and tell Dagster of the publication."""
    with progress.step(f"{snapshot}: {table}: approve") as said:
        published = approve(workshop, table, snapshot, reason=reason, approved_by=getpass.getuser(), name=candidate)
        said.append(f"version {published.version}")
    reconcile(instance, workshop)
    tell_of_overrides(instance, published)
    return {
        "table": table, "snapshot": snapshot, "version": published.version, "publication": published.id,
        "digest": published.digest, "suppressed": published.record["suppressed"],
        "overrides": list(published.record["overrides"]),
    }  # fmt: skip


def tell_of_overrides(instance: dg.DagsterInstance, published: Publication) -> None:
    """Report every expectation that a publication was approved in spite of as a failed check, and no error.

    Under the id of the publication: Dagster keeps one evaluation of a check and partition a run, and all that is
    reported without a run has the same id, so the second approval of a partition would be refused.
    """
    for override in published.record["overrides"]:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(published.table), check_name=override["expectation"], passed=False,
            partition=published.partition, severity=dg.AssetCheckSeverity.WARN,
            description=f"overridden: {override['reason']}",
            metadata={key: override[key] for key in ("expected", "found", "reason", "approved_by")},
        )  # fmt: skip
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value, job_name="approve_candidate",
            event_specific_data=evaluation,
        )  # fmt: skip
        instance.report_dagster_event(event, run_id=published.id)


def render_approval(report: Mapping[str, Any]) -> str:
    """What was published, in spite of what."""
    names = ", ".join(o["expectation"] for o in report["overrides"])
    return (
        f"{report['table']}/{report['snapshot']}: published as version {report['version']} in spite of {names}; "
        "the override is part of its lineage"
    )


def gate_history(
    workshop: Workshop, table: str | None, snapshot: str | None, expectation: str | None
) -> dict[str, Any]:
    """The outcomes of every expectation over publications and refused attempts, oldest first."""
    rows = history(workshop.lake, table=table, partition=snapshot, expectation=expectation)
    return {"home": workshop.lake.home, "expectations": [_summed(one) for one in rows]}


def _summed(one: Outcomes) -> dict[str, Any]:
    return {
        "table": one.table, "expectation": one.expectation, "passed": sum(o["success"] for o in one.outcomes),
        "of": len(one.outcomes), "outcomes": list(one.outcomes),
    }  # fmt: skip


def render_history(report: Mapping[str, Any], *, failed_only: bool) -> str:
    """A line an expectation: a dot where it held, F where it failed and blocked, w where it warned, o if overridden."""
    listed = [one for one in report["expectations"] if not failed_only or one["passed"] < one["of"]]
    width = max((len(f"{one['table']}.{one['expectation']}") for one in listed), default=0)
    lines = []
    for one in listed:
        row = "".join(_sign(outcome) for outcome in one["outcomes"][-_SHOWN_ATTEMPTS:])
        lines.append(f"{one['table']}.{one['expectation']:<{width - len(one['table'])}} {row}")
        failures = [outcome for outcome in one["outcomes"] if not outcome["success"]]
        lines += [f"    {_failure(outcome)}" for outcome in failures[-3:]]
    signs = ". held, F refused, o overridden, w warned"
    return (
        "\n".join([*lines, signs]) if lines else "no expectation failed" if failed_only else "nothing was audited yet"
    )


def _sign(outcome: Mapping[str, Any]) -> str:
    if outcome["success"]:
        return "."
    if outcome["severity"] != "error":
        return "w"
    return "F" if outcome["publication"] is None else "o"


def _failure(outcome: Mapping[str, Any]) -> str:
    what = f"publication {outcome['publication']}" if outcome["publication"] else "nothing published"
    return f"{outcome['audited_at']} {outcome['partition']} ({what}): {outcome['found']}"


def failed_gates(workshop: Workshop) -> Sequence[Mapping[str, Any]]:
    """For `status`: what the newest refused candidate of each partition failed, while nothing newer is published.

    And what models failed that the recipe asks for and the lake does not have; no candidate is left of those.
    """
    lake = workshop.lake
    wanted = next_release(workshop, tables()) if registered(lake) else None
    candidates = [
        {
            "table": one["table"], "partition": one["snapshot"], "expectation": failed["name"], "says": failed["says"],
            "expected": failed["expected"], "found": failed["found"], "candidate": one["location"],
            "overridable": failed["overridable"],
        }
        for attempt in quarantine.open_attempts(lake, wanted=wanted) for one in [_told(workshop, attempt)]
        for failed in one["failed"]
    ]  # fmt: skip
    return [*candidates, *refused_fits(workshop)]
