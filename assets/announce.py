"""Tells what happens to an attempt to publish as OpenLineage events, where the settings name somebody to tell.

Nothing here can fail a publication: whatever is wrong with an event is told in one line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from spark_jobs.errors import ProvenderError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.stages.stage import Stage

if TYPE_CHECKING:
    from expectations.gate import Outcome
    from spark_jobs.lake.openlineage import Attempt, Names


class LineageSink(Protocol):
    """Where events go; `send` keeps what it cannot deliver."""

    names: "Names"

    def send(self, event: Mapping[str, Any]) -> None:
        """Deliver an event, or keep it for later."""
        ...

    def flush(self) -> None:
        """Deliver what was kept."""
        ...


@dataclass(frozen=True)
class Announcer:
    """The events of one attempt; `sink` is None where nobody listens, and then nothing is made."""

    lake: Lake
    sink: LineageSink | None
    attempt: "Attempt | None"
    say: Callable[[str], None]

    def started(self) -> None:
        """The attempt begins."""
        self._tell(lambda events, attempt: events.started(attempt, datetime.now(UTC)))

    def completed(self, publication: Publication, outcomes: Sequence["Outcome"] = ()) -> None:
        """It was published."""
        self._tell(lambda events, attempt: events.completed(
            attempt, publication, datetime.now(UTC), inputs=_inputs(self.lake, publication),
            outcomes=[asdict(outcome) for outcome in outcomes],
        ))  # fmt: skip

    def failed(self, error: BaseException) -> None:
        """Nothing was published. Errors that are not ours are told by name alone: theirs can quote what they read."""
        outcomes: Sequence[Outcome] = getattr(error, "outcomes", ())
        refused = [outcome.name for outcome in outcomes if outcome.blocks]
        message = type(error).__name__
        if refused:
            message = f"{len(refused)} of {len(outcomes)} expectations failed: {', '.join(refused)}"
        elif isinstance(error, ProvenderError):
            message = f"{message}: {error}"
        self._tell(lambda events, attempt: events.failed(
            attempt, datetime.now(UTC), message=message, outcomes=[asdict(outcome) for outcome in outcomes],
            aborted=not isinstance(error, Exception),
        ))  # fmt: skip

    def _tell(self, make: Callable[[Any, "Attempt"], dict[str, Any]]) -> None:
        if self.sink is None or self.attempt is None:
            return
        try:
            from spark_jobs.lake import openlineage  # noqa: PLC0415 - its client is loaded where somebody listens

            self.sink.send(make(openlineage, self.attempt))
        except Exception as error:  # noqa: BLE001 - data comes first: an event that cannot be made stops nothing
            self.say(f"OpenLineage: no event was made ({type(error).__name__}); the data is not affected")


def announcer(
    lake: Lake, sink: LineageSink | None, stage: Stage, *, recipe: str, partition: str, sequence: int, run_id: str,
    code: Mapping[str, Any], say: Callable[[str], None],
) -> Announcer:  # fmt: skip
    """The announcer of an attempt that is about to begin."""
    if sink is None:
        return Announcer(lake, None, None, say)
    from spark_jobs.lake.openlineage import Attempt  # noqa: PLC0415 - see above

    attempt = Attempt(
        names=sink.names, recipe=recipe, stage=stage.name, module=type(stage).__module__, table=stage.table,
        partition=partition, sequence=sequence, run_id=run_id, code=code,
    )  # fmt: skip
    return Announcer(lake, sink, attempt, say)


def announce_again(lake: Lake, sink: LineageSink | None, publication: Publication, say: Callable[[str], None]) -> None:
    """COMPLETE of a publication from the ledger, as after a crash between the commit and its event."""
    if sink is None:
        return
    from spark_jobs.lake.openlineage import Attempt  # noqa: PLC0415 - see above

    Announcer(lake, sink, Attempt.of_record(sink.names, publication), say).completed(publication)


def _inputs(lake: Lake, publication: Publication) -> list[Publication]:
    """The publications that one was made from."""
    wanted = {(str(pin["table"]), str(pin["publication"])) for pin in publication.inputs}
    tables = sorted({table for table, _id in wanted})
    return [p for table in tables for p in lake.history(table) if (table, p.id) in wanted]
