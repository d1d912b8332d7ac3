"""Write, audit, publish: how one partition of one table is built. No Dagster here, so it can be tested without it."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import functions as F

from assets.workshop import Workshop
from expectations.cleaning_figures import tally_of
from expectations.dedup_figures import tally_of as duplicates_of
from expectations.gate import Audited, Law, Outcome, audit
from spark_jobs.dedup.tally import as_counts as duplicate_counts
from spark_jobs.errors import GateError
from spark_jobs.lake import ledger, storage
from spark_jobs.lake.candidate import Candidate, write_candidate
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import append, publish
from spark_jobs.lake.records import Publication, sha256_of
from spark_jobs.stages.stage import Earlier, Redecidable, Stage, StageContext, StageOutput
from spark_jobs.stages.tally import as_counts

Prepare = Callable[[Workshop, Pins, str], Mapping[str, Any]]
_KEPT = "kept"  # no reason is named like this: they have a dot


@dataclass(frozen=True)
class Built:
    """A publication, the outcomes of its gate, its counts, and what each phase cost in seconds."""

    publication: Publication
    outcomes: tuple[Outcome, ...]
    counts: Mapping[str, Any]
    seconds: Mapping[str, float]


class GateFailedError(GateError):
    """The gate said no. `outcomes` are all of them, `candidate` is where the rows lie that were not published.

    `inputs` are the pins it was made from: from the same ones it would be refused again.
    """

    def __init__(
        self, message: str, outcomes: tuple[Outcome, ...], candidate: str, inputs: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(message)
        self.outcomes = outcomes
        self.candidate = candidate
        self.inputs = tuple(inputs)


@dataclass
class Clock:
    """Seconds by phase; for figures only, never for data."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def lap(self, phase: str) -> None:
        """The time since the last lap belongs to this phase."""
        now = time.monotonic()
        self.seconds[phase] = self.seconds.get(phase, 0.0) + now - self._since
        self._since = now


def build(
    workshop: Workshop,
    stage: Stage,
    laws: Sequence[Law],
    *,
    partition: str,
    fingerprint: str,
    run_id: str,
    prepare: Prepare | None = None,
) -> Built:
    """Resolve the inputs, run the stage into a candidate, audit it, publish it.

    Raises GateFailedError when a blocking law does not hold: nothing is published, the outcomes are in `audits` and the
    candidate stays for inspection. Raises LostRaceError when another run published this partition meanwhile.
    """
    lake, clock = workshop.lake, Clock()
    lake.refresh()
    sequence = lake.sequence(stage.table, partition) + 1
    pins = Pins(lake)
    services = prepare(workshop, pins, partition) if prepare else {}
    clock.lap("prepare")
    attempt = sha256_of([run_id, stage.table, partition, sequence])[:16]
    context = StageContext(
        spark=lake.spark, recipe=workshop.recipe, partition=partition, inputs=pins,
        scratch=storage.join(workshop.scratch, attempt), services=services, say=workshop.say,
    )  # fmt: skip
    try:
        earlier = _earlier(workshop, stage, pins, partition)
        redecided = stage.redecide(context, earlier) if earlier and isinstance(stage, Redecidable) else None
        output = redecided or stage.run(context)
        candidate = write_candidate(
            lake, table=stage.table, partition=partition, attempt=attempt, main=output.main, side=output.side
        )
        clock.lap("stage")
        audited = _audited(workshop, candidate, output, pins)
        with ThreadPoolExecutor(1) as beside:  # each is a few small jobs, whose waiting overlaps
            counting = beside.submit(count, candidate, audited)
            outcomes = audit(laws, audited)
            counts = counting.result()
        clock.lap("gate")
        failed = [outcome for outcome in outcomes if outcome.blocks]
        if failed:
            _keep_outcomes(workshop, candidate, outcomes, run_id, publication=None)
            raise GateFailedError(
                f"{stage.table}/{partition}: nothing published, {len(failed)} of {len(outcomes)} expectations failed: "
                f"{'; '.join(map(_told, failed))}. The candidate lies at {candidate.location}",
                outcomes, candidate.location, pins.inputs,
            )  # fmt: skip
        record = _record(workshop, stage, output, pins, outcomes, counts, fingerprint, run_id)
        if earlier and redecided:
            record["redecided_from"] = {"publication": earlier.publication, "version": earlier.version}
        published = publish(lake, candidate, record, sequence=sequence)
        clock.lap("publish")
        with ThreadPoolExecutor(1) as beside:
            noting = beside.submit(ledger.sync, lake, [stage.table])
            _keep_outcomes(workshop, candidate, outcomes, run_id, publication=published.id)
            noting.result()
        clock.lap("ledger")
    finally:
        storage.remove(context.scratch)
    storage.remove(storage.join(lake.home, "candidates", stage.table, partition, attempt))
    return Built(published, outcomes, counts, clock.seconds)


def _earlier(workshop: Workshop, stage: Stage, pins: Pins, partition: str) -> Earlier | None:
    """What is published now, if the inputs it was made from are the current ones; these are pinned."""
    lake = workshop.lake
    head = lake.current(stage.table, partition)
    # Rows that were suppressed are missing in it, and a law counts them.
    if head is None or head.record.get("suppressed") or not isinstance(stage, Redecidable):
        return None
    for pinned in head.inputs:
        current = lake.current(str(pinned["table"]), str(pinned["partition"]))
        if current is None or current.id != pinned["publication"]:
            return None
        pins.publication(current.table, current.partition)
    rows = lake.read([head]).select(*(F.col(f"`{name}`") for name in head.record["columns"]))
    return Earlier(publication=head.id, version=head.version, record=head.record, rows=rows)


def _audited(workshop: Workshop, candidate: Candidate, output: StageOutput, pins: Pins) -> Audited:
    lake = workshop.lake
    return Audited(
        candidate=candidate.frame(lake),
        side={name: candidate.frame(lake, name) for name in candidate.side},
        inputs=pins,
        recipe=workshop.recipe,
        partition=candidate.partition,
        suppressed=candidate.suppressed,
        facts=output.facts,
        operators=output.operators,
    )


def _told(outcome: Outcome) -> str:
    detail = outcome.found.partition(": ")[2]
    return f"{outcome.name} ({outcome.says}{f': {detail}' if detail else ''})"


def count(candidate: Candidate, audited: Audited) -> dict[str, Any]:
    """Rows, kept, dropped by reason, and what else its columns tell, from the candidate, in one job."""
    frame = audited.candidate
    counts: dict[str, Any] = {"rows": candidate.digest.rows, "suppressed": candidate.suppressed}
    if candidate.table == "cleaned":
        tallied = audited.once(tally_of)
        return counts | {"kept": tallied.kept, "dropped": tallied.documents - tallied.kept, **as_counts(tallied)}
    if candidate.table == "deduped":
        clustered = audited.once(duplicates_of)
        return counts | {
            "kept": clustered.kept, "dropped": clustered.documents - clustered.kept, **duplicate_counts(clustered)
        }  # fmt: skip
    if "kept" not in frame.columns:
        return counts
    broken = F.transform("drop_reasons", lambda r: F.concat_ws(".", r["annotator"], r["reason"]))
    facts = frame.select(F.explode(F.concat(F.array(F.when(F.col("kept"), _KEPT)), broken)).alias("fact"))
    found = {row["fact"]: row["count"] for row in facts.where("fact IS NOT NULL").groupBy("fact").count().collect()}
    counts["kept"] = found.pop(_KEPT, 0)
    counts["dropped"] = candidate.digest.rows - counts["kept"]
    counts["by_reason"] = dict(sorted(found.items()))
    return counts


def _record(  # noqa: PLR0917 - a record is made of all of these
    workshop: Workshop, stage: Stage, output: StageOutput, pins: Pins, outcomes: Sequence[Outcome],
    counts: Mapping[str, Any], fingerprint: str, run_id: str,
) -> dict[str, Any]:  # fmt: skip
    return {
        "kind": "main",
        "stage": stage.name,
        "fingerprint": fingerprint,
        "operators": [asdict(operator) for operator in output.operators],
        "inputs": pins.inputs,
        "compared_with": pins.compared_with,
        "counts": dict(counts),
        "audit": [{"name": o.name, "severity": o.severity, "success": o.success} for o in outcomes],
        "overrides": [],
        "recipe": {"name": workshop.recipe.name, "fingerprint": workshop.recipe_fingerprint},
        "provenance": dict(workshop.provenance),
        "facts": dict(output.facts),
        "run_id": run_id,
    }


_AUDITS = (
    "table STRING, partition STRING, candidate STRING, publication STRING, run_id STRING, expectation STRING, "
    "severity STRING, success BOOLEAN, expected STRING, found STRING"
)


def _keep_outcomes(
    workshop: Workshop, candidate: Candidate, outcomes: Sequence[Outcome], run_id: str, publication: str | None
) -> None:
    rows = [
        (candidate.table, candidate.partition, candidate.location, publication, run_id, o.name, o.severity, o.success,
         o.expected, o.found)
        for o in outcomes
    ]  # fmt: skip
    frame = workshop.lake.spark.createDataFrame(rows, _AUDITS).withColumn("audited_at", F.current_timestamp())
    append(workshop.lake, "audits", frame)
