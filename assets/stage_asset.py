"""The one factory: a stage and its laws become a Dagster asset whose materialization is gated.

A failed law is yielded as a failed check and the step fails without a materialization; nothing is published then.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from assets.build import Built, GateFailedError, Prepare, build
from assets.columns import column_lineage, column_schema
from assets.pinned_recipe import keep_recipe
from assets.workshop import Workshop
from expectations.gate import Law, Outcome
from spark_jobs.lake.records import Publication
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.stage import Stage

SNAPSHOTS = dg.DynamicPartitionsDefinition(name="snapshots")
RELEASES = dg.DynamicPartitionsDefinition(name="releases")
SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


@dataclass(frozen=True, kw_only=True)
class TableAsset:
    """One table of the flow: how it is made, what must hold, and what is done beside it.

    `layer` is the group of the graph that it is shown in.
    """

    stage: Stage
    laws: Sequence[Law]
    description: str
    prepare: Prepare | None = None
    after: Callable[[Workshop, Publication], Mapping[str, Any]] | None = None
    kinds: frozenset[str] = field(default=frozenset({"spark", "deltalake", "python"}))
    layer: str = "corpus"

    @property
    def name(self) -> str:
        """The table's name, which is the asset's key."""
        return self.stage.table


def stage_asset(  # noqa: PLR0917 - an asset is made of all of these
    table: TableAsset, tables: Mapping[str, TableAsset], code_versions: Mapping[str, str],
    fingerprint: Callable[[Workshop, str], str], recipe: Recipe, models: Collection[str] = ("models",),
) -> dg.AssetsDefinition:  # fmt: skip
    """The asset of a table. `fingerprint` gives the table's full fingerprint in a lake, models included.

    `models` are the assets of models that the recipe has.
    """
    by_release = table.stage.scope == "release"

    @dg.asset(
        name=table.name,
        key_prefix=None,
        partitions_def=RELEASES if by_release else SNAPSHOTS,
        deps=[_dep(name, tables, by_release) for name in table.stage.upstream if name in tables or name in models],
        check_specs=[
            dg.AssetCheckSpec(
                name=law.name,
                asset=table.name,
                description=_described(law),
                metadata={"severity": law.severity if law.severity_in is None else "as the recipe says"},
                blocking=False,
            )
            for law in table.laws
        ],
        code_version=code_versions[table.name][:16],
        description=table.description,
        metadata={
            "dagster/column_schema": column_schema(table.name, recipe),
            "recipe": recipe.name,
        },
        group_name=table.layer,
        kinds=set(table.kinds),
        owners=["team:data"],
        output_required=False,
        required_resource_keys={"workshop"},
        pool="lake",
    )
    def table_asset(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workshop: Workshop = context.resources.workshop.get()
        partition = context.partition_key
        keep_recipe(workshop)
        try:
            built = build(
                workshop, table.stage, table.laws, partition=partition, fingerprint=fingerprint(workshop, table.name),
                run_id=context.run.run_id, prepare=table.prepare,
            )  # fmt: skip
        except GateFailedError as error:
            yield from _check_results(table.name, error.outcomes)
            # A release is named after its inputs, and has hundreds of them.
            made_from = () if by_release else error.inputs
            raise dg.Failure(
                str(error), allow_retries=False,
                metadata={
                    "candidate": error.candidate,
                    "refused": refusal(fingerprint(workshop, table.name), made_from),
                },
            ) from error  # fmt: skip
        extra = table.after(workshop, built.publication) if table.after else {}
        yield from _check_results(table.name, built.outcomes)
        yield dg.MaterializeResult(
            asset_key=table.name,
            metadata={**publication_metadata(built.publication), **_figures(built), **extra},
            data_version=dg.DataVersion(built.publication.digest),
        )

    return table_asset


def refusal(fingerprint: str, inputs: Sequence[Mapping[str, Any]]) -> dg.JsonMetadataValue:
    """What a gate refused, in the metadata of the failure: from the same state it would be refused again."""
    pins = [[str(pin["table"]), str(pin["partition"]), str(pin["publication"])] for pin in inputs]
    return dg.MetadataValue.json({"fingerprint": fingerprint, "inputs": sorted(pins)})


def _described(law: Law) -> str:
    """What must hold, and what comes of it if it does not; Dagster's word "blocking" is of another thing."""
    if law.severity_in is not None:
        return f"{law.says}. Whether this is an error or a warning, the recipe says."
    refused = law.severity == "error"
    return f"{law.says}. {'Error: nothing is published.' if refused else 'Warning: it is told, and published.'}"


def _share(part: int, counts: Mapping[str, Any]) -> float:
    return round(part / counts["rows"], 6) if counts.get("rows") else 0.0


def _dep(name: str, tables: Mapping[str, TableAsset], by_release: bool) -> dg.AssetDep:  # noqa: FBT001
    if by_release and name in tables:
        return dg.AssetDep(name, partition_mapping=dg.AllPartitionMapping())
    return dg.AssetDep(name)


def _check_results(table: str, outcomes: Sequence[Outcome]) -> Iterator[dg.AssetCheckResult]:
    for outcome in outcomes:
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(table), check_name=outcome.name, passed=outcome.success,
            severity=SEVERITIES[outcome.severity], description=outcome.says,
            metadata={"expected": outcome.expected, "found": outcome.found},
        )  # fmt: skip


def publication_metadata(publication: Publication) -> dict[str, Any]:
    """What a materialization says of its publication; from the record alone, so it can be reported later too."""
    record = publication.record
    counts = record.get("counts", {})
    reasons = [
        dg.TableRecord({"reason": reason, "documents": number})
        for reason, number in sorted(counts.get("by_reason", {}).items(), key=lambda item: -item[1])
    ]
    columns = [dg.TableColumn("reason", "string"), dg.TableColumn("documents", "int")]
    operators = [
        f"- `{o['name']}` v{o['version']} {_params(o['params'])}"
        for o in record.get("operators", [])
        if isinstance(o, dict)
    ]
    inputs = [f"- {i['table']}/{i['partition']} version {i['version']}" for i in record.get("inputs", [])]
    metadata: dict[str, Any] = {
        "dagster/row_count": int(counts.get("rows", 0)),
        "publication": publication.id,
        "table version": publication.version,
        "content digest": publication.digest,
        "fingerprint": publication.fingerprint,
        "suppressed": int(record.get("suppressed", 0)),
        "operators": dg.MetadataValue.md("\n".join(operators) or "none"),
        "inputs": dg.MetadataValue.md("\n".join(inputs) or "none"),
        "run id of the ledger": str(record.get("run_id", "")),
    }
    lineage = column_lineage(publication.table, record.get("columns", ()), _score_of(record))
    if lineage is not None:
        metadata["dagster/column_lineage"] = lineage
    if again := record.get("redecided_from"):
        metadata["decided again from publication"] = str(again["publication"])
    if "largest_cluster" in counts:
        metadata |= {"clusters": int(counts["clusters"]), "documents in the largest": int(counts["largest_cluster"])}
    if "kept" in counts:
        metadata |= {
            "kept": int(counts["kept"]),
            "dropped": int(counts["dropped"]),
            # Numbers of their own, so that the UI draws their history.
            "kept share": _share(counts["kept"], counts),
            "drop rate": _share(counts["dropped"], counts),
            "dropped by reason": dg.MetadataValue.table(reasons, schema=dg.TableSchema(columns)),
        }
    return metadata


def _score_of(record: Mapping[str, Any]) -> str | None:
    """The score that the selector of a release chose by."""
    selectors = (o for o in record.get("operators", []) if isinstance(o, dict) and o.get("kind") == "selectors")
    return next((str(score) for o in selectors if (score := o["params"].get("score"))), None)


def _params(params: Mapping[str, Any]) -> str:
    shown = {
        k: v for k, v in params.items() if v is not None and not (isinstance(v, list | tuple | dict) and len(v) > 8)
    }
    return ", ".join(f"{key}={value}" for key, value in shown.items())


def _figures(built: Built) -> dict[str, Any]:
    return {f"seconds {phase}": round(seconds, 3) for phase, seconds in built.seconds.items()}
