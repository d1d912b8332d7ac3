"""Declarative automation: an asset's condition asks the ledger what is due, and Dagster requests just that.

Dagster's own conditions know code versions and events, not what a gate refused, nor the order of dedup; and over a
hundred partitions and more it skips some comparisons without a word. `plan.py` decides; here it meets Dagster.
"""

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import dagster as dg

from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from orchestration.plan import Plan, make_plan, utc_now
from orchestration.runs import InstanceRuns
from orchestration.settings import Settings
from orchestration.workshop import storage_options
from spark_jobs.lake.log_lake import LogLake
from spark_jobs.recipe.fingerprint import recipe_fingerprint
from spark_jobs.recipe.recipe import Recipe


@dataclass
class Lookout:
    """Looks at lake and runs without Spark, as often as sensors tick; what it read of a log is not read again."""

    settings: Settings
    recipe: Recipe
    catalog: dict[str, TableAsset]
    instance: Callable[[], dg.DagsterInstance] = field(default_factory=lambda: functools.cache(dg.DagsterInstance.get))
    _last: tuple[object, Plan] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.lake = LogLake(self.settings.home)
        self.workshop = Workshop(
            lake=self.lake, recipe=self.recipe, recipe_fingerprint=recipe_fingerprint(self.recipe), provenance={},
            scratch=str(self.settings.scratch), storage_options=storage_options(self.settings),
        )  # fmt: skip

    def plan(self, tick: object = None) -> Plan:
        """What is due now; for one tick of many assets it is made once."""
        with self._lock:
            if self._last is None or tick is None or self._last[0] != tick:
                self.lake.refresh()
                there = self.lake.is_there()
                runs = InstanceRuns(self.instance())
                made = Plan() if not there else make_plan(
                    self.workshop, self.catalog, runs, limit=self.settings.refresh_limit, now=utc_now()
                )  # fmt: skip
                self._last = (tick, made)
            return self._last[1]


class DueInLedger(dg.AutomationCondition[dg.AssetKey]):
    """True of the partitions that the ledger says are due: stale, not refused, in order, and within the limit."""

    def __init__(self, lookout: Lookout) -> None:
        self.lookout = lookout

    @property
    def description(self) -> str:
        """What the UI shows."""
        return (
            "stale by the ledger, not refused by its gate from the same inputs, in order, within the limit of refreshes"
        )

    def evaluate(self, context: dg.AutomationContext[dg.AssetKey]) -> dg.AutomationResult[dg.AssetKey]:
        """The due ones of an asset; says in the log of the tick why others wait."""
        name = context.key.to_user_string()
        plan = self.lookout.plan(context.evaluation_time)
        for what, why in plan.waiting.items():
            if what == name or what.startswith(f"{name}/"):
                context.log.info("%s is not requested: %s", what, why)
        if context.partitions_def is None:
            due = context.candidate_subset if name in plan.fits else context.get_empty_subset()
        else:
            due = context.candidate_subset.compute_intersection_with_partition_keys(plan.snapshots(name))
        return dg.AutomationResult(context=context, true_subset=due)


def automated(assets: list[dg.AssetsDefinition], lookout: Lookout) -> list[dg.AssetsDefinition]:
    """The assets, all but releases with the condition: none is made again, and `sensors.py` asks for new ones."""
    condition = DueInLedger(lookout)
    releases = {name for name, table in lookout.catalog.items() if table.stage.scope == "release"}

    def with_condition(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key.to_user_string() in releases:
            return spec
        return spec.replace_attributes(automation_condition=condition)

    return [one.map_asset_specs(with_condition) for one in assets]


def refresh_sensor(assets: list[dg.AssetsDefinition], lookout: Lookout) -> dg.AutomationConditionSensorDefinition:
    """What evaluates the conditions, in the process of the code location: they are no conditions of Dagster's own."""
    return dg.AutomationConditionSensorDefinition(
        "refresh_what_is_stale", target=dg.AssetSelection.assets(*assets), use_user_code_server=True,
        # A run for each snapshot: each has its own place in the order, and its own failure.
        emit_backfills=False,
        minimum_interval_seconds=lookout.settings.watch_seconds,
        default_status=status(on=lookout.settings.automation),
        run_tags={"provender/requested_by": "refresh_what_is_stale"},
        description="Requests what the ledger says is stale, and no more; PROVENDER_AUTOMATION turns it on.",
    )  # fmt: skip


def status(*, on: bool) -> dg.DefaultSensorStatus:
    """Whether a sensor runs until somebody says otherwise in the UI."""
    return dg.DefaultSensorStatus.RUNNING if on else dg.DefaultSensorStatus.STOPPED
