"""OpenLineage events of building a partition: START, and COMPLETE from the publication's record, FAIL or ABORT.

Pure: nothing is sent, and there is no clock but the time that is passed in. Names, counts and digests only: no text,
URL or host of a document. What each facet holds is in `openlineage_facets.py`. Spec: openlineage.io/spec/2-0-2.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from spark_jobs.lake import openlineage_facets as facets
from spark_jobs.lake import storage
from spark_jobs.lake.records import Publication

# One for every event and facet: who says it.
PRODUCER = "urn:provender:pipeline"


@dataclass(frozen=True, kw_only=True)
class Names:
    """What names come from: where the lake lies, the namespace of its jobs, and the repository of the code."""

    home: str
    namespace: str
    repository: str | None = None

    def dataset(self, table: str) -> tuple[str, str]:
        """Namespace and name of a table, by OpenLineage's rules for files and object stores."""
        location = storage.join(self.home, "tables", table)
        if "://" not in location:
            return "file", location
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path.strip("/")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt to publish a partition. `run_id` is that of the run, `sequence` the number of the publication.

    Its id follows from these, so that an event which is made again from the ledger is known as the same.
    """

    names: Names
    recipe: str
    stage: str
    module: str | None
    table: str
    partition: str
    sequence: int
    run_id: str
    code: Mapping[str, Any]

    @classmethod
    def of_record(cls, names: Names, publication: Publication) -> "Attempt":
        """The attempt that made a publication, from its record."""
        record = publication.record
        return cls(
            names=names, recipe=str(record.get("recipe", {}).get("name", "")), stage=str(record.get("stage", "")),
            module=None, table=publication.table, partition=publication.partition, sequence=publication.sequence,
            run_id=str(record.get("run_id", "")), code=record.get("provenance", {}).get("code", {}),
        )  # fmt: skip

    @property
    def id(self) -> str:
        """The OpenLineage run: a UUID."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.run_id}/{self.table}/{self.partition}/{self.sequence}"))


def started(attempt: Attempt, at: datetime) -> dict[str, Any]:
    """START: what is being built; its inputs are resolved later and come with the last event."""
    return _event(attempt, RunState.START, at, outputs=[_output(attempt, attempt.table, {})])


def completed(
    attempt: Attempt, publication: Publication, at: datetime, *, inputs: Sequence[Publication] = (),
    outcomes: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """COMPLETE: what was published, from what, by which operators, and what its audit found.

    `inputs` are the publications it was made from, as far as they are at hand: their columns name the origins of open
    columns. `outcomes` are the audit's, in full; without them those of the record, which lack what each says.
    """
    record = publication.record
    assertions = facets.assertions(outcomes or record.get("audit", ()))
    columns = {p.table: tuple(p.record.get("columns", ())) for p in inputs}
    main = _output(
        attempt, publication.table,
        {
            "version": facets.version(publication.version),
            "schema": facets.schema(publication.table, record.get("columns", ())),
            "columnLineage": facets.column_lineage(publication, columns, attempt.names.dataset),
            "dataQualityMetrics": facets.metrics(publication, record.get("audit", ())),
            "dataQualityAssertions": assertions,
            "provender_decisions": facets.decisions(record),
        },
        rows=record.get("counts", {}).get("rows"),
    )  # fmt: skip
    side = [_output(attempt, name, {"schema": facets.schema(name)}) for name in record.get("side", ())]
    run = {"provender_publication": facets.publication(publication), "processing_engine": facets.engine(record)}
    return _event(
        attempt, RunState.COMPLETE, at, run=run, inputs=[_input(attempt, pin) for pin in publication.inputs],
        outputs=[main, *side],
    )  # fmt: skip


def failed(
    attempt: Attempt, at: datetime, *, message: str, outcomes: Sequence[Mapping[str, Any]] = (), aborted: bool = False
) -> dict[str, Any]:
    """FAIL, or ABORT where somebody stopped it: why, and what the audit found; the dataset keeps its version."""
    return _event(
        attempt, RunState.ABORT if aborted else RunState.FAIL, at, run={"errorMessage": facets.error(message)},
        outputs=[_output(
            attempt, attempt.table, {"dataQualityAssertions": facets.assertions(outcomes)} if outcomes else {}
        )],
    )  # fmt: skip


def abandoned(start: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """ABORT of an attempt that began with this event and whose program is gone."""
    error = Serde.to_dict(facets.error("the program was killed, or its machine went down"))
    run = {**start["run"], "facets": {**start["run"].get("facets", {}), "errorMessage": _signed(error)}}
    return {**start, "eventType": RunState.ABORT.value, "eventTime": at.isoformat(), "run": run}


def _event(
    attempt: Attempt, state: RunState, at: datetime, *, run: Mapping[str, Any] | None = None,
    inputs: Sequence[InputDataset] = (), outputs: Sequence[OutputDataset] = (),
) -> dict[str, Any]:  # fmt: skip
    job = {
        "jobType": facets.job_type(), "documentation": facets.job_documentation(attempt.table),
        "sourceCodeLocation": facets.source_code(attempt.code, attempt.module, attempt.names.repository),
    }  # fmt: skip
    parent = facets.parent(attempt.run_id, attempt.names.namespace)
    event = RunEvent(
        eventTime=at.isoformat(), eventType=state, producer=PRODUCER,
        run=Run(attempt.id, facets=_there({"parent": parent, **(run or {})})),
        job=Job(attempt.names.namespace, f"{attempt.recipe}.{attempt.stage}", facets=_there(job)),
        inputs=list(inputs), outputs=list(outputs),
    )  # fmt: skip
    return cast("dict[str, Any]", _signed(Serde.to_dict(event)))


def _output(attempt: Attempt, table: str, found: Mapping[str, Any], *, rows: int | None = None) -> OutputDataset:
    namespace, name = attempt.names.dataset(table)
    about = {"storage": facets.storage_layer(), "documentation": facets.documentation(table)}
    written = {"subset": facets.output_partition(table, attempt.partition), "outputStatistics": facets.statistics(rows)}
    return OutputDataset(namespace, name, outputFacets=_there(written), facets=_there({**about, **found}))


def _input(attempt: Attempt, pin: Mapping[str, Any]) -> InputDataset:
    table, partition = str(pin["table"]), str(pin["partition"])
    namespace, name = attempt.names.dataset(table)
    return InputDataset(
        namespace, name, inputFacets={"subset": facets.input_partition(table, partition)},
        facets={"version": facets.version(int(pin["version"])), "schema": facets.schema(table)},
    )  # fmt: skip


def _there(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facet for name, facet in found.items() if facet is not None}


def _signed(value: Any) -> Any:
    """Every facet names its producer: the client would name itself."""
    if isinstance(value, dict):
        return {key: PRODUCER if key == "_producer" else _signed(item) for key, item in value.items()}
    return [_signed(item) for item in value] if isinstance(value, list) else value
