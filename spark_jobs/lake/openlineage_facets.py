"""The facets of OpenLineage events, made of publication records by the classes of the official client.

Each function makes one facet, None where there is nothing to tell. Facets of our own have the prefix `provender_`.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from openlineage.client.facet_v2 import (
    JobFacet,
    base_subset_dataset,
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_dataset,
    dataset_version_dataset,
    documentation_dataset,
    documentation_job,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    source_code_location_job,
    storage_dataset,
)

from spark_jobs.lake.column_lineage import OPEN, Origin, columns_from, declared_columns, rows_from
from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import TABLES

# Facets of our own are described in docs/openlineage.md; a change of meaning is a new number.
_OWN: Final = "urn:provender:facet:{name}:1"
_INDIRECT: Final = frozenset({"FILTER", "JOIN", "SORT"})
_SEVERITY: Final[Mapping[str, str]] = {"error": "error", "warning": "warn"}
_ERROR_CHARACTERS: Final = 1_000
# Laws that say what a key column holds.
_NO_NULLS, _DISTINCT = "ids_are_set", "ids_are_unique"


# datasets ---------------------------------------------------------------------------------------------------------


def version(number: int) -> Any:
    """The Delta version."""
    return dataset_version_dataset.DatasetVersionDatasetFacet(str(number))


def schema(table: str, columns: Iterable[str] = ()) -> Any:
    """Columns with their types: the declared ones, and of `columns` those that the recipe declares."""
    declared = {name: kind.lower() for name, kind in declared_columns(table).items()}
    found = declared | {name: "double" for name in columns if name not in declared and OPEN in name}
    return schema_dataset.SchemaDatasetFacet([
        schema_dataset.SchemaDatasetFacetFields(name, type=kind, ordinal_position=place)
        for place, (name, kind) in enumerate(found.items(), 1)
    ])  # fmt: skip


def column_lineage(
    publication: Publication, upstream: Mapping[str, Sequence[str]], dataset: Callable[[str], tuple[str, str]]
) -> Any:
    """What each column is made of, and which columns decided about rows."""

    def field(origin: Origin) -> column_lineage_dataset.InputField:
        kind = "INDIRECT" if origin.kind in _INDIRECT else "DIRECT"
        how = column_lineage_dataset.Transformation(kind, origin.kind)
        return column_lineage_dataset.InputField(*dataset(origin.table), origin.column, [how])

    found = columns_from(publication.table, publication.record.get("columns", ()), upstream)
    rows = rows_from(publication.table, upstream)
    if not found:
        return None
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={name: column_lineage_dataset.Fields([field(o) for o in origins]) for name, origins in found.items()},
        dataset=[field(origin) for origin in rows],
    )


def metrics(publication: Publication, audit: Sequence[Mapping[str, Any]]) -> Any:
    """Rows, kept ones, and what laws that held say of the key."""
    counts = publication.record.get("counts", {})
    held = {str(law["name"]) for law in audit if law["success"]}
    columns: dict[str, data_quality_metrics_dataset.ColumnMetrics] = {}
    rows = counts.get("rows")
    if rows is None:
        return None
    if {_NO_NULLS, _DISTINCT} <= held:
        columns["doc_id"] = data_quality_metrics_dataset.ColumnMetrics(nullCount=0, distinctCount=rows, count=rows)
    if "kept" in counts:
        columns["kept"] = data_quality_metrics_dataset.ColumnMetrics(sum=counts["kept"], count=rows)
    return data_quality_metrics_dataset.DataQualityMetricsDatasetFacet(
        columnMetrics=columns, rowCount=rows, lastUpdated=publication.published_at.isoformat()
    )


def assertions(outcomes: Sequence[Mapping[str, Any]]) -> Any:
    """One assertion a law; of what it found only whether and which number: names of hosts stay in the lake."""
    return data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet([
        data_quality_assertions_dataset.Assertion(
            assertion=str(outcome.get("expected", "")).partition(":")[0] or "expectation",
            success=bool(outcome["success"]), severity=_SEVERITY.get(str(outcome["severity"])),
            name=str(outcome["name"]), description=outcome.get("says"),
            actual=str(outcome["found"]).partition(": ")[0] if "found" in outcome else None,
        )
        for outcome in outcomes
    ])  # fmt: skip


def statistics(rows: int | None) -> Any:
    """Rows written."""
    return None if rows is None else output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)


def output_partition(table: str, partition: str) -> Any:
    """The partition that is replaced."""
    condition = _partition(table, partition)
    return condition and base_subset_dataset.OutputSubsetOutputDatasetFacet(condition)


def input_partition(table: str, partition: str) -> Any:
    """The partition that was read."""
    condition = _partition(table, partition)
    return condition and base_subset_dataset.InputSubsetInputDatasetFacet(condition)


def _partition(table: str, partition: str) -> Any:
    scope = TABLES[table].scope
    if scope is None:
        return None
    return base_subset_dataset.PartitionSubsetCondition([base_subset_dataset.Partition({scope: partition}, partition)])


def storage_layer() -> Any:
    """All tables are Delta tables of Parquet files."""
    return storage_dataset.StorageDatasetFacet("delta", "parquet")


def documentation(table: str) -> Any:
    """What a row of the table is."""
    return documentation_dataset.DocumentationDatasetFacet(f"A row is {TABLES[table].row}.")


def decisions(record: Mapping[str, Any]) -> Any:
    """Our own: what was decided about the rows, and how many for each reason."""
    counts = record.get("counts", {})
    told = {name: counts[name] for name in ("rows", "kept", "dropped") if name in counts}
    return _own("decisions", {
        **told, "suppressed": int(record.get("suppressed", 0)), "byReason": dict(counts.get("by_reason", {})),
    })  # fmt: skip


# runs -------------------------------------------------------------------------------------------------------------


def publication(published: Publication) -> Any:
    """Our own: the publication's identity, the recipe, every operator by fingerprint, models and packages."""
    record = published.record
    wanted = ("name", "kind", "version", "fingerprint", "artefact")
    return _own("publication", {
        "publication": published.id, "table": published.table, "partition": published.partition,
        "version": published.version, "sequence": published.sequence, "digest": published.digest,
        "fingerprint": published.fingerprint, "recipe": dict(record.get("recipe", {})),
        "suppressionsVersion": record.get("suppressions_version"), "overrides": list(record.get("overrides", ())),
        "operators": [{name: operator.get(name) for name in wanted} for operator in record.get("operators", ())],
        "packages": dict(record.get("provenance", {}).get("packages", {})),
    })  # fmt: skip


def engine(record: Mapping[str, Any]) -> Any:
    """Spark, in the version that the record names."""
    number = record.get("provenance", {}).get("packages", {}).get("pyspark")
    return number and processing_engine_run.ProcessingEngineRunFacet(number, "spark")


def parent(run_id: str, namespace: str) -> Any:
    """The Dagster run; its ids are UUIDs, and what has another id has no parent."""
    try:
        uuid.UUID(run_id)
    except ValueError:
        return None
    return parent_run.ParentRunFacet(parent_run.Run(run_id), parent_run.Job(namespace, "dagster"))


def error(message: str) -> Any:
    """Why nothing was published. No stack trace: those can hold what a worker had in hand."""
    return error_message_run.ErrorMessageRunFacet(message[:_ERROR_CHARACTERS], "Python")


# jobs -------------------------------------------------------------------------------------------------------------


def job_type() -> JobFacet:
    """A batch stage."""
    return job_type_job.JobTypeJobFacet("BATCH", "PROVENDER", "STAGE")


def job_documentation(table: str) -> JobFacet:
    """What the stage makes."""
    return documentation_job.DocumentationJobFacet(f"Builds a partition of {table}: {TABLES[table].row}.")


def source_code(code: Mapping[str, Any], module: str | None, repository: str | None) -> Any:
    """Commit and file of the stage; a tree with changes says so. None outside of git."""
    if not code.get("commit"):
        return None
    path = None if module is None else f"{module.replace('.', '/')}.py"
    facet = source_code_location_job.SourceCodeLocationJobFacet(
        "git", repository or f"urn:git:{code['commit']}", repository, path, str(code["commit"])
    )
    return facet.with_additional_properties(dirty=bool(code.get("dirty")))


def _own(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"_producer": "", "_schemaURL": _OWN.format(name=name), **values}
