"""Write, audit, publish: how one partition of one table is built. No Dagster here, so it can be tested without it."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from pyspark.sql import functions as F

from assets.announce import announcer
from assets.workshop import Workshop
from expectations.cleaning_figures import tally_of
from expectations.dedup_figures import tally_of as duplicates_of
from expectations.gate import Audited, Law, Outcome, audit
from spark_jobs.dedup.tally import as_counts as duplicate_counts
from spark_jobs.errors import GateError, ProvenderError, VerificationError
from spark_jobs.lake import ledger, quarantine, storage
from spark_jobs.lake.audits import note
from spark_jobs.lake.candidate import Candidate, write_candidate
from spark_jobs.lake.check_content import damaged_files
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import publish
from spark_jobs.lake.records import Publication, sha256_of
from spark_jobs.lake.score_ranks import count_cells
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
    again: Publication | None = None,
) -> Built:
    """Resolve the inputs, run the stage into a candidate, audit it, publish it.

    Raises GateFailedError when a blocking law does not hold: nothing is published, the outcomes are in `audits` and the
    candidate stays for inspection. Raises LostRaceError when another run published this partition meanwhile, and
    VerificationError when a file of an input is missing. What is made `again` was published once, maybe under other
    gates: their outcomes are recorded, its approvals with them, and stop nothing; its digest is what counts.
    """
    lake = workshop.lake
    lake.refresh()
    sequence = lake.sequence(stage.table, partition) + 1
    announce = announcer(
        lake, workshop.lineage, stage, recipe=workshop.recipe.name, partition=partition, sequence=sequence,
        run_id=run_id, code=workshop.provenance.get("code", {}), say=workshop.say,
    )  # fmt: skip
    announce.started()
    try:
        built = _build(workshop, stage, laws, partition, fingerprint, run_id, prepare, sequence, again)
    except BaseException as error:
        announce.failed(error)
        raise
    announce.completed(built.publication, built.outcomes)
    return built


def _build(  # noqa: PLR0917 - what `build` was given
    workshop: Workshop, stage: Stage, laws: Sequence[Law], partition: str, fingerprint: str, run_id: str,
    prepare: Prepare | None, sequence: int, again: Publication | None,
) -> Built:  # fmt: skip
    lake, clock = workshop.lake, Clock()
    # Before anything of this program is published: what is missing now, a killed one left.
    if lake.ledger_heads is None:
        ledger.sync(lake)
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
        record = _record(workshop, stage, output, pins, outcomes, counts, fingerprint, run_id)
        if earlier and redecided:
            record["redecided_from"] = {"publication": earlier.publication, "version": earlier.version}
        record["overrides"] = list(again.record.get("overrides", ())) if again is not None else []
        failed = [outcome for outcome in outcomes if outcome.blocks]
        if failed and again is None:
            _refuse(workshop, candidate, outcomes, failed, record, sequence, pins)
        published = publish(lake, candidate, record, sequence=sequence)
        clock.lap("publish")
        with ThreadPoolExecutor(1) as beside:
            # What it was made from as well: nobody else notes the registration of a snapshot.
            noting = beside.submit(ledger.sync, lake, sorted({stage.table, *(pin["table"] for pin in pins.inputs)}))
            keep_outcomes(workshop, candidate, outcomes, run_id, publication=published.id)
            noting.result()
        clock.lap("ledger")
    except VerificationError as error:
        _tell_of_damage(lake, pins, f"{stage.table}/{partition}", error)
        raise
    except ProvenderError:
        raise
    except Exception as error:
        _tell_of_damage(lake, pins, f"{stage.table}/{partition}", error)
        raise
    finally:
        storage.remove(context.scratch)
    storage.remove(storage.join(lake.home, "candidates", stage.table, partition, attempt))
    return Built(published, outcomes, counts, clock.seconds)


def _refuse(  # noqa: PLR0917 - what is kept of a candidate is all of these
    workshop: Workshop, candidate: Candidate, outcomes: tuple[Outcome, ...], failed: Sequence[Outcome],
    record: Mapping[str, Any], sequence: int, pins: Pins,
) -> NoReturn:  # fmt: skip
    """Keep the candidate with what its publication would be given, write its outcomes, and say what failed."""
    told = [asdict(outcome) for outcome in outcomes]
    quarantine.keep(workshop.lake, candidate, sequence=sequence, record=record, outcomes=told)
    keep_outcomes(workshop, candidate, outcomes, str(record["run_id"]), publication=None)
    raise GateFailedError(
        f"{candidate.table}/{candidate.partition}: nothing published, {len(failed)} of {len(outcomes)} expectations "
        f"failed: {'; '.join(map(_told, failed))}. The candidate lies at {candidate.location}",
        outcomes, candidate.location, pins.inputs,
    )  # fmt: skip


def _tell_of_damage(lake: Lake, pins: Pins, what: str, error: Exception) -> None:
    """Raise VerificationError where an error is due to a file of an input: then the reader said it in its own words."""
    if wrong := [damage for pinned in pins.publications for damage in damaged_files(lake, pinned)]:
        raise VerificationError(
            f"{what}: nothing published, an input is damaged: {wrong[0]}. Restore the file from a copy, or serve "
            f"another version with ./provender rollback {wrong[0].table} {wrong[0].partition}"
        ) from error


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
    if candidate.table == "scored":
        return counts | {"scores": count_cells(frame, [name for name in frame.columns if "__" in name])}
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
        "audit": [{name: value for name, value in asdict(o).items() if name != "says"} for o in outcomes],
        # Who publishes the rows again has a run of its own, and has not judged them.
        "judged_by": run_id,
        "recipe": {"name": workshop.recipe.name, "fingerprint": workshop.recipe_fingerprint},
        "provenance": dict(workshop.provenance),
        "facts": dict(output.facts),
        "run_id": run_id,
    }


def keep_outcomes(
    workshop: Workshop, candidate: Candidate, outcomes: Sequence[Outcome], run_id: str, publication: str | None
) -> None:
    """Write the outcomes of an attempt to `audits`; without a publication it was refused."""
    note(
        workshop.lake, table=candidate.table, partition=candidate.partition, candidate=candidate.location,
        run_id=run_id, publication=publication, outcomes=[asdict(outcome) for outcome in outcomes],
    )  # fmt: skip
