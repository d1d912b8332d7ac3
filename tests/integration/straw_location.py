"""The real code location with stages of straw: they write commits into the logs of a lake, and no data. No Spark.

Everything that decides and requests is the real thing: sensors, conditions, plan, jobs, alerts, reports to Dagster. A
folder with a file `poison` is refused by the gate of `cleaned`; with `die`, the process dies between commit and event.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

import assets.mixed
import assets.stage_asset
import orchestration.registration
import orchestration.workshop
from assets.build import Built, GateFailedError
from assets.stage_asset import SNAPSHOTS
from assets.workshop import Workshop
from expectations.gate import Law, Outcome
from orchestration.report_page.page import location_of
from orchestration.workshop import read_recipe
from spark_jobs.crawl.inputs import expand_inputs
from spark_jobs.lake import commits, storage
from spark_jobs.lake.log_lake import LogLake
from spark_jobs.lake.records import Publication, seal
from spark_jobs.lake.registry import registered
from spark_jobs.lake.tables import FLOW
from spark_jobs.recipe.fingerprint import recipe_fingerprint
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.fit_plan import ASSETS, fit_fingerprint, fits

TABLES = (*FLOW, "snapshots", "releases", "models", "publications")


def commit(home: str, table: str, *, record: dict[str, Any] | None = None, rows: Sequence[dict[str, Any]] = ()) -> None:
    """The next commit of a table."""
    folder = Path(home) / "tables" / table
    (folder / "_delta_log").mkdir(parents=True, exist_ok=True)
    version = len(commits.versions(str(folder)))
    actions: list[dict[str, Any]] = [
        {"commitInfo": {"timestamp": 0, "userMetadata": json.dumps(record) if record else None}}
    ]
    if version == 0:
        actions.append({"metaData": {"configuration": {}}})
    for number, row in enumerate(rows):
        name = f"{version}-{number}.parquet"
        scope = {"snapshots": "snapshot", "releases": "release"}.get(table)
        pq.write_table(pa.Table.from_pylist([{k: v for k, v in row.items() if k != scope}]), folder / name)
        values = {scope: row[scope]} if scope else {}
        actions.append({"add": {"path": name, "partitionValues": values, "size": (folder / name).stat().st_size}})
        actions += [{"remove": {"path": path}} for path in _files(folder, values)] if scope == "snapshot" else []
    text = "\n".join(map(json.dumps, actions))
    (folder / "_delta_log" / f"{version:020d}.json").write_text(text, encoding="utf-8")


def _files(folder: Path, values: dict[str, Any]) -> set[str]:
    """The files of a partition that earlier commits added."""
    logs = sorted((folder / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
    return {a["add"]["path"] for a in actions if "add" in a and a["add"]["partitionValues"] == values}


def make_lake(home: Path, recipe: Recipe) -> None:
    """A lake of straw, with the models of a recipe."""
    for table in TABLES:
        commit(str(home), table)
    models = [
        {"number": number, "digest": f"{number:064d}", "name": name, "version": 1, "kind": "k",
         "fit_fingerprint": fit_fingerprint(fit), "fitted_on": ["s"], "params": "{}", "metrics": "{}", "bytes": 1,
         "location": "m"}
        for number, (name, fit) in enumerate((n, f) for pool in ASSETS.values() for n, f in fits(recipe, pool).items())
    ]  # fmt: skip
    commit(str(home), "models", rows=models)


def publish(lake: LogLake, table: str, partition: str, **record: Any) -> Publication:
    """A publication without rows."""
    whole = {"table": table, "partition": partition, "sequence": lake.sequence(table, partition) + 1, "digest": "d",
             "counts": {"rows": 4, "kept": 1, "dropped": 3, "by_reason": {"gopher_quality.too_short": 3}},
             "columns": ["snapshot", "doc_id", "host"], "inputs": [],
             "suppressions_version": 0, **record}  # fmt: skip
    commit(lake.home, table, record=seal(whole))
    lake.refresh(table)
    return lake.publications(table)[partition]


def build(
    workshop: Workshop, stage: Any, laws: Sequence[Law], *, partition: str, fingerprint: str, **_others: Any
) -> Built:
    """In the place of `assets.build.build`: the same pins and errors, a commit without data."""
    lake: Any = workshop.lake
    lake.refresh()
    order = list(registered(lake))
    if stage.scope == "release":
        read = [(table, one) for table in FLOW[:-1] for one in order]
    else:
        read = [(table, partition) for table in stage.upstream]
        read += [("deduped", one) for one in order[: order.index(partition)] if stage.table == "deduped"]
    pins = [{"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id}
            for table, one in read if table in TABLES and (p := lake.current(table, one))]  # fmt: skip
    input_folder = Path(registered(lake)[partition].inputs[0]["uri"]).parent if stage.scope == "snapshot" else Path()
    if stage.table == "cleaned" and (input_folder / "poison").exists():
        failed = Outcome(
            name="conserved", says="all is there", severity="error", success=False, expected="1", found="0"
        )
        told = f"{stage.table}/{partition}: nothing published, 1 of 1 expectations failed"
        raise GateFailedError(told, (failed,), str(input_folder), pins)
    made = publish(lake, stage.table, partition, fingerprint=fingerprint, stage=stage.name, inputs=pins)
    if stage.table == "scored" and (input_folder / "die").exists():
        (input_folder / "die").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    held = tuple(
        Outcome(name=law.name, says=law.says, severity="error", success=True, expected="1", found="1") for law in laws
    )
    return Built(made, held, made.record["counts"], {})


def register_input(workshop: Workshop, instance: dg.DagsterInstance, name: str, uris: Sequence[str]) -> str:
    """In the place of the real one: the files are entered, no record is counted."""
    lake: Any = workshop.lake
    lake.refresh()
    known = registered(lake)
    number = known[name].sequence if name in known else len(known) + 1
    inputs = [{"uri": f.uri, "format": f.format, "bytes": f.bytes, "modified": f.modified} for f in expand_inputs(uris)]
    row = {"snapshot": name, "sequence": number, "inputs": inputs, "source": name, "licence": ""}
    whole = {"table": "snapshots", "partition": name, "sequence": lake.sequence("snapshots", name) + 1, "digest": "d",
             "fingerprint": "registry", "inputs": inputs, "stage": "register", "suppressions_version": 0}  # fmt: skip
    commit(lake.home, "snapshots", record={**seal(whole), "inputs": []}, rows=[row])
    instance.add_dynamic_partitions(str(SNAPSHOTS.name), [name])
    return f"{len(inputs)} files"


def release(workshop: Workshop, publication: Publication) -> dict[str, Any]:
    """In the place of the manifest."""
    lake: Any = workshop.lake
    row = {"release": publication.partition, "recipe": "default", "state": "published", "publication": publication.id,
           "manifest": "{}"}  # fmt: skip
    whole = {"table": "releases", "partition": publication.partition, "sequence": 1, "digest": "d", "inputs": [],
             "fingerprint": publication.id, "stage": "register", "suppressions_version": 0}  # fmt: skip
    commit(lake.home, "releases", record=seal(whole), rows=[row])
    return {}


def write_report(lake: Any, publication: Publication) -> str:
    """In the place of the page: a line, where the page lies."""
    location = location_of(lake, publication, texts=False)
    storage.write_text(location, f"<html>the report on {publication.id}</html>")
    return location


def workshop_of(resource: orchestration.workshop.WorkshopResource) -> Workshop:
    """The workshop without Spark."""
    recipe = read_recipe(resource.settings)
    return Workshop(
        lake=LogLake(resource.settings.home), recipe=recipe, recipe_fingerprint=recipe_fingerprint(recipe),
        provenance={}, scratch=str(resource.settings.scratch), write_report=write_report,
    )  # fmt: skip


def with_straw() -> None:
    """Put straw where Spark would work; everywhere else the real thing stays."""
    assets.stage_asset.build = build  # type: ignore[attr-defined]
    assets.mixed.TABLE = replace(assets.mixed.TABLE, after=release)
    orchestration.registration.register_input = register_input
    orchestration.workshop.WorkshopResource._make = workshop_of


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    from orchestration.definitions import build_definitions

    with_straw()
    return build_definitions()


def main() -> int:
    """`ui` on this code location."""
    from orchestration.progress import Progress
    from orchestration.settings import Settings
    from orchestration.ui import serve

    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    settings = Settings.read(options["--home"], options["--recipe"]).check()
    workspace = Path(options["--home"]).parent / "workspace.yaml"
    return serve(settings, "127.0.0.1", int(options["--port"]), Progress(), workspace)


if __name__ == "__main__":
    raise SystemExit(main())
