"""Approval: a refused candidate is published although expectations failed that its recipe marks as overridable."""

from collections.abc import Mapping, Sequence
from typing import Any

from assets.build import keep_outcomes
from assets.catalog import full_fingerprints, tables
from assets.workshop import Workshop
from expectations.gate import Law, Outcome
from spark_jobs.errors import GateError, UsageError, VerificationError
from spark_jobs.lake import ledger, quarantine, storage
from spark_jobs.lake.publish import publish
from spark_jobs.lake.quarantine import Attempt
from spark_jobs.lake.records import Publication, sha256_of


def can_be_overridden(laws: Sequence[Law]) -> frozenset[str]:
    """The expectations of a suite that a recipe may mark: those whose severity is the recipe's own business.

    The others are laws of the table: what breaks them is no corpus, whoever approves it.
    """
    return frozenset(law.name for law in laws if law.severity_in is not None)


def overridable_names() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """By table: the names of all its expectations, and of those that a recipe may mark as overridable."""
    return {
        name: (frozenset(law.name for law in table.laws), can_be_overridden(table.laws))
        for name, table in tables().items()
    }


def refusals(workshop: Workshop, attempt: Attempt) -> list[str]:
    """Why an attempt cannot be approved; empty where it can."""
    table = attempt.candidate.table
    if closed := quarantine.closed(workshop.lake, attempt):
        return [f"{closed}; run again"]
    if attempt.record["fingerprint"] != full_fingerprints(tables(), workshop)[table]:
        return ["its part of the recipe, a model or a package changed since; run again"]
    marked = workshop.recipe.overridable.get(table, ())
    return [
        f"{outcome['name']} failed, and the recipe does not mark it as overridable (overridable.{table})"
        for outcome in attempt.failed if outcome["name"] not in marked
    ]  # fmt: skip


def approve(
    workshop: Workshop, table: str, partition: str, *, reason: str, approved_by: str, name: str | None = None
) -> Publication:
    """Publish a refused candidate. The override, with its reason, is part of the record and so of every lineage.

    Raises NotFoundError where no candidate lies there, GateError naming every expectation that may not be overridden,
    VerificationError where the candidate's files are not what was audited, LostRaceError.
    """
    lake = workshop.lake
    if not reason.strip():
        raise UsageError("--reason: say why the candidate may be published; it becomes part of the lineage")
    lake.refresh()
    attempt = quarantine.find(lake, table, partition, name)
    if refused := refusals(workshop, attempt):
        raise GateError(f"{table}/{partition}: candidate {attempt.name} is not published: {'; '.join(refused)}")
    if changed := quarantine.changed_files(lake, attempt):  # it may have lain there for weeks
        raise VerificationError(
            f"{table}/{partition}: files of candidate {attempt.name} are not those that were audited: "
            f"{', '.join(changed)}; run again to build it anew"
        )
    overrides = [
        {
            "expectation": o["name"], "says": o["says"], "expected": o["expected"], "found": o["found"],
            "reason": reason.strip(), "approved_by": approved_by, "candidate": attempt.name,
        }
        for o in attempt.failed
    ]  # fmt: skip
    run_id = f"approval {sha256_of([attempt.folder, attempt.number, reason])[:16]}"
    record: Mapping[str, Any] = {
        **attempt.record, "overrides": [*attempt.record.get("overrides", ()), *overrides], "run_id": run_id,
        "judged_by": run_id, "built_by_run": attempt.record.get("run_id"),
    }  # fmt: skip
    published = publish(lake, attempt.candidate, record, sequence=attempt.sequence)
    outcomes = tuple(Outcome(**outcome) for outcome in attempt.outcomes)
    keep_outcomes(workshop, attempt.candidate, outcomes, run_id, publication=published.id)
    ledger.sync(lake, [table])
    after = tables()[table].after
    if after is not None:
        after(workshop, published)
    storage.remove(storage.join(lake.home, attempt.folder))
    return published
