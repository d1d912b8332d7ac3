"""The conditions meet Dagster: over 150 snapshots all that is due is requested and no more, where Dagster skips."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import DueInLedger, Lookout, automated
from orchestration.jobs import RELEASE, asset_jobs
from orchestration.sensors import release_sensor
from orchestration.settings import Settings
from tests.unit.straw_ledger import CATALOG, SNAPSHOT_FLOW, StrawLake, recipe_of

MANY = tuple(f"s{number:03d}" for number in range(150))
SNAPSHOTS = dg.DynamicPartitionsDefinition(name="snapshots")
RELEASES = dg.DynamicPartitionsDefinition(name="releases")


def assets() -> list[dg.AssetsDefinition]:
    """Assets of the names and partitions of the real ones that do nothing."""

    def made(name: str) -> dg.AssetsDefinition:
        upstream = [table for table in CATALOG[name].stage.upstream if table in CATALOG]
        mapping = dg.AllPartitionMapping() if name == "mixed" else None

        @dg.asset(name=name, deps=[dg.AssetDep(u, partition_mapping=mapping) for u in upstream],
                  partitions_def=RELEASES if name == "mixed" else SNAPSHOTS)  # fmt: skip
        def nothing() -> None:
            pass

        return nothing

    return [made(name) for name in CATALOG]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("snapshots", list(MANY))
        yield instance


@pytest.fixture
def lookout(tmp_path: Path, instance: dg.DagsterInstance) -> Lookout:
    """150 snapshots that are registered, and models."""
    settings = Settings(home=str(tmp_path), refresh_limit=len(MANY))
    found = Lookout(settings, recipe_of(tmp_path), CATALOG, instance=lambda: instance)
    found.lake = StrawLake(found.recipe)
    found.workshop = found.lake.workshop
    found.lake.register(*MANY)
    found.lake.fit()
    return found


def requested(lookout: Lookout, instance: dg.DagsterInstance) -> dict[str, frozenset[str]]:
    defs = dg.Definitions(assets=automated(assets(), lookout))
    result = dg.evaluate_automation_conditions(defs, instance)
    return {
        name: frozenset(result.get_requested_partitions(dg.AssetKey(name))) for name in SNAPSHOT_FLOW
        if result.get_num_requested(dg.AssetKey(name))
    }  # fmt: skip


def test_of_150_snapshots_everything_that_is_due_is_requested(lookout: Lookout, instance: dg.DagsterInstance) -> None:
    every = frozenset(MANY)
    first = frozenset(MANY[:1])
    wanted = {"raw": every, "cleaned": every, "scored": every, "deduped": first, "rewritten": first}
    assert requested(lookout, instance) == wanted


def test_one_stale_snapshot_among_150_is_requested_alone(lookout: Lookout, instance: dg.DagsterInstance) -> None:
    lookout.lake.build(MANY)
    assert requested(lookout, instance) == {}
    lookout.lake.publish("scored", MANY[120])
    found = requested(lookout, instance)
    assert found == {"deduped": {MANY[120]}, "rewritten": {MANY[120]}}


def test_no_more_than_the_limit_is_requested_at_once(lookout: Lookout, instance: dg.DagsterInstance) -> None:
    lookout.settings = replace(lookout.settings, refresh_limit=3)
    found = requested(lookout, instance)
    assert found["raw"] == set(MANY[:3])
    assert found["deduped"] == set(MANY[:1])


def test_a_release_of_150_snapshots_is_requested_when_one_of_them_changed(
    lookout: Lookout, instance: dg.DagsterInstance
) -> None:
    lookout.lake.build(MANY)
    from dagster._core.definitions.partitions.context import partition_loading_context

    job = asset_jobs([])[RELEASE]
    defs = dg.Definitions(assets=assets(), jobs=[job], sensors=[release_sensor(lookout, job)])
    sensor = defs.get_repository_def().get_sensor_def("release_what_is_fresh")

    def tick() -> list[str | None]:
        repository = defs.get_repository_def()
        # The daemon's process has this around every tick.
        with (
            dg.build_sensor_context(instance=instance, repository_def=repository) as context,
            partition_loading_context(dynamic_partitions_store=instance),
        ):
            data = sensor.evaluate_tick(context)
        return [request.partition_key for request in data.run_requests or ()]

    (first,) = tick()
    assert first is not None
    lookout.lake.publish("mixed", first)
    assert tick() == []
    lookout.lake.publish("rewritten", MANY[33])
    (second,) = tick()
    assert second != first


def test_dagster_itself_does_not_see_a_change_behind_150_snapshots(instance: dg.DagsterInstance) -> None:
    """Why the ledger is asked: the state that Dagster's UI and conditions go by is silent from 100 inputs on."""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver
    from dagster._core.loader import LoadingContextForTest

    def status(number: int) -> str:
        with dg.DagsterInstance.ephemeral() as blank:
            blank.add_dynamic_partitions("snapshots", list(MANY[:number]))
            blank.add_dynamic_partitions("releases", ["r"])

            def report(name: str, partition: str, version: str) -> None:
                tags = {"dagster/data_version": version}
                blank.report_runless_asset_event(
                    dg.AssetMaterialization(asset_key=name, partition=partition, tags=tags)
                )

            @dg.asset(partitions_def=SNAPSHOTS)
            def many(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
                return dg.MaterializeResult(data_version=dg.DataVersion(context.partition_key))

            @dg.asset(partitions_def=RELEASES, deps=[dg.AssetDep(many, partition_mapping=dg.AllPartitionMapping())])
            def one() -> None:
                pass

            for partition in MANY[:number]:
                report("many", partition, partition)
            assert dg.materialize([many, one], partition_key="r", selection=[one], instance=blank).success
            report("many", MANY[0], "changed")
            graph = dg.Definitions(assets=[many, one]).resolve_asset_graph()
            with blank:
                resolver = CachingStaleStatusResolver(blank, graph, LoadingContextForTest(blank))
                return str(resolver.get_status(one.key, "r").value)

    assert (status(20), status(150)) == ("STALE", "FRESH")


def test_the_condition_says_what_it_is(lookout: Lookout) -> None:
    assert "stale by the ledger" in DueInLedger(lookout).description
