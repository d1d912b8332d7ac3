"""`run`: register the input as a snapshot, launch the jobs that are due on the Dagster instance, and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from assets.catalog import full_fingerprints, tables
from assets.mixed import register_missing
from assets.models import unfitted
from assets.stage_asset import RELEASES
from assets.workshop import Workshop
from orchestration.definitions import SNAPSHOT_TABLES, build_definitions
from orchestration.instance import reconcile
from orchestration.plan import next_release
from orchestration.progress import Progress
from orchestration.registration import register_input
from orchestration.workshop import WorkshopResource, storage_options
from spark_jobs.crawl.inputs import InputFile, expand_inputs
from spark_jobs.crawl.watch import SNAPSHOT_ID, snapshot_name
from spark_jobs.errors import GateError, LostRaceError, UsageError
from spark_jobs.lake.freshness import stale_reason
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import find_release
from spark_jobs.sample.build import build_sample
from spark_jobs.stages.fit_plan import ASSETS, fits

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Refresh:
    """One run of the command: what it built, by table and partition, and the release it ends in."""

    resource: WorkshopResource
    instance: dg.DagsterInstance
    progress: Progress
    built: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.definitions = build_definitions(self.resource.settings, workshop=self.resource)
        self.catalog = tables()

    def run(self, inputs: Sequence[str], snapshot: str | None, *, refit: bool = False) -> dict[str, Any]:
        """Build through to a release; whatever is fresh is left alone."""
        # Input that cannot be used is told before anything slow starts.
        found = [(name, uris, self._files(name, uris)) for name, uris in self._snapshots(inputs, snapshot)]
        with self.progress.step("start Spark, open the lake") as said:
            workshop = self.resource.get()
            said.append(workshop.lake.home)
            register_missing(workshop)
            reconcile(self.instance, workshop)
        for name, uris, files in found:
            self._register(workshop, name, uris, files)
        order = tuple(registered(workshop.lake))
        self._before_models(workshop, order)
        self._fit(workshop, "models", refit=refit)
        for name in order:
            self._refresh_snapshot(workshop, name, SNAPSHOT_TABLES)
        # Of what was rewritten just now: a release never goes without the filter that its recipe asks for.
        self._fit(workshop, "rewrite_models", refit=refit)
        release = self._release(workshop, order)
        return {"release": release, "snapshots": list(order), "built": self.built, "home": workshop.lake.home}

    # input --------------------------------------------------------------------------------------------------------

    def _snapshots(self, inputs: Sequence[str], snapshot: str | None) -> list[tuple[str, list[str]]]:
        if not inputs:
            if snapshot is not None:
                raise UsageError("--snapshot names the snapshot of an --input; say which input it is")
            folder = Path(self.resource.settings.scratch).parent / "sample"
            with self.progress.step("sample crawl") as said:
                made = build_sample(folder)
                said.append(f"{len(made)} snapshots in {folder}")
            return [(sample.id, [str(path) for path in sample.paths]) for sample in made]
        name = snapshot or _name_of(inputs)
        if not SNAPSHOT_ID.match(name):
            raise UsageError(f"--snapshot {name!r}: use letters, digits, '.', '_' and '-', at most 64 of them")
        return [(name, list(inputs))]

    def _files(self, name: str, uris: Sequence[str]) -> tuple[InputFile, ...]:
        with self.progress.step(f"{name}: files") as said:
            files = expand_inputs(uris, storage_options(self.resource.settings))
            said.append(str(len(files)))
            return files

    def _register(self, workshop: Workshop, name: str, uris: Sequence[str], files: Sequence[InputFile]) -> None:
        with self.progress.step(f"{name}: input") as said:
            said.append(register_input(workshop, self.instance, name, uris, files))

    # building -----------------------------------------------------------------------------------------------------

    def _before_models(self, workshop: Workshop, order: Sequence[str]) -> None:
        """A model is fitted on cleaned rows, so the snapshots it is fitted on come that far first."""
        if unfitted(workshop, "models"):
            for name in order:
                self._refresh_snapshot(workshop, name, ("raw", "cleaned"))

    def _fit(self, workshop: Workshop, asset: str, *, refit: bool) -> None:
        """Fit what the recipe asks for and the lake lacks; on request, what it has as well."""
        if fits(workshop.recipe, ASSETS[asset]) and (refit or unfitted(workshop, asset)):
            self._launch(f"fit_{asset}", None, [asset], f"{asset}: fit")

    def _refresh_snapshot(self, workshop: Workshop, name: str, wanted: Sequence[str]) -> None:
        for table in wanted:
            workshop.lake.refresh()
            fingerprint = full_fingerprints(self.catalog, workshop)[table]
            reason = stale_reason(workshop.lake, table, name, fingerprint)
            if reason is not None:
                self._launch("refresh_snapshot", name, [table], f"{name}: {table}")

    def _release(self, workshop: Workshop, order: Sequence[str]) -> dict[str, Any]:
        lake = workshop.lake
        lake.refresh()
        meanwhile = [name for name in registered(lake) if name not in order]
        if meanwhile and any(lake.current(table, name) is None for table in SNAPSHOT_TABLES for name in meanwhile):
            raise LostRaceError(
                f"no release yet: another run registered {', '.join(meanwhile)} meanwhile; what this one built stands, "
                "and a release holds all snapshots: when the other run has ended, run again"
            )
        name = next_release(workshop, self.catalog)
        if lake.current("mixed", name) is None:
            self.instance.add_dynamic_partitions(str(RELEASES.name), [name])
            self._launch("build_release", name, ["mixed"], f"release {name}")
        else:
            self.progress.line(f"release {name}: already published, nothing new")
        lake.refresh()
        return {"name": name, **dict(find_release(lake, name).manifest.get("totals", {}))}

    def _launch(self, job: str, partition: str | None, assets: Sequence[str], title: str) -> None:
        """Run a job of the code location in this process, on the instance that the UI shows."""
        with self.progress.step(title) as said:
            try:
                result = self.definitions.resolve_job_def(job).execute_in_process(
                    run_config=_QUIET, instance=self.instance, partition_key=partition,
                    asset_selection=[dg.AssetKey(a) for a in assets], raise_on_error=True,
                )  # fmt: skip
            except dg.Failure as failure:
                raise GateError(failure.description or f"{title} failed") from failure
            except dg.DagsterExecutionStepExecutionError as error:
                raise _cause(error) from error
            for event in result.get_asset_materialization_events():
                data = event.step_materialization_data.materialization
                row = _figures(data.metadata)
                self.built.append({"asset": data.asset_key.to_user_string(), "partition": data.partition, **row})
                said.append(_sentence(row))


def _cause(error: dg.DagsterExecutionStepExecutionError) -> BaseException:
    user: BaseException = error.user_exception
    if isinstance(user, dg.Failure):
        return GateError(user.description or "the step failed")
    return user


def _figures(metadata: Mapping[str, Any]) -> dict[str, Any]:
    wanted = ("dagster/row_count", "kept", "dropped", "documents", "tokens", "suppressed")
    row = {key.removeprefix("dagster/"): metadata[key].value for key in wanted if key in metadata}
    row["seconds"] = {k.removeprefix("seconds "): v.value for k, v in metadata.items() if k.startswith("seconds ")}
    return row


def _sentence(row: Mapping[str, Any]) -> str:
    if "tokens" in row:
        return f"{row['documents']:,} documents, {row['tokens']:,} tokens"
    if "kept" in row:
        return f"{row['kept']:,} of {row['row_count']:,} kept"
    if "row_count" in row:
        return f"{row['row_count']:,} rows"
    return "done"


def _name_of(inputs: Sequence[str]) -> str:
    if len(inputs) > 1:
        raise UsageError("several inputs make one snapshot: name it with --snapshot ID")
    return snapshot_name(inputs[0])
