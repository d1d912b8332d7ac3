"""What is due, from the ledger: which tables of which snapshots, which fits, which release; and why the rest waits.

Dagster knows neither the order of dedup, nor what a gate refused, nor staleness over more than a hundred partitions;
the ledger knows all of it. Pure reading: who asks (`automation.py`, `sensors.py`) requests the runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.catalog import full_fingerprints, stale_parts
from assets.models import fits_fingerprint, pool_pins, pool_tables, unfitted
from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from orchestration.runs import Failed, Runs, Subject
from spark_jobs.lake.lake import SERIAL
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import release_name

# After the first, second, ... failure in a row that no gate explains. It never gives up, and never floods.
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 360))


@dataclass
class Plan:
    """What to request now. `waiting` says of the rest, as `table/partition`, why not now."""

    refresh: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fits: tuple[str, ...] = ()
    release: str | None = None
    waiting: dict[str, str] = field(default_factory=dict)

    def snapshots(self, table: str) -> frozenset[str]:
        """The snapshots of which a table is due."""
        return frozenset(snapshot for snapshot, due in self.refresh.items() if table in due)


def next_release(workshop: Workshop, catalog: Mapping[str, TableAsset]) -> str:
    """The name of the release that the current publications make: another one for other publications."""
    lake = workshop.lake
    order = tuple(registered(lake))
    names = [name for name, table in catalog.items() if table.stage.scope == "snapshot"]
    pins = {f"{table}/{s}": p.id for table in names for s in order if (p := lake.current(table, s))}
    return release_name(workshop.recipe.name, order, {**pins, "mixed": full_fingerprints(catalog, workshop)["mixed"]})


def make_plan(workshop: Workshop, catalog: Mapping[str, TableAsset], runs: Runs, *, limit: int, now: datetime) -> Plan:
    """What is due of a lake with these runs; not more than `limit` refreshes are under way then."""
    return _Planner(workshop, catalog, runs, limit, now).plan()


def pause_of(failures: Sequence[Failed], now: datetime) -> str | None:
    """Until when a thing that failed is left alone; None where it may be tried. A gate's refusal is no such failure."""
    unexplained = [failed for failed in failures if not failed.refused]
    if not unexplained:
        return None
    until = unexplained[0].at + PAUSES[min(len(unexplained), len(PAUSES)) - 1]
    # A clock that was put back must not stop the refresh for long.
    if now < until and unexplained[0].at <= now:
        return f"failed {len(unexplained)} times, is tried again after {until:%Y-%m-%d %H:%M} UTC"
    return None


class _Planner:
    def __init__(
        self, workshop: Workshop, catalog: Mapping[str, TableAsset], runs: Runs, limit: int, now: datetime
    ) -> None:
        self.workshop, self.lake, self.catalog, self.runs, self.now = workshop, workshop.lake, catalog, runs, now
        self.tables = {name: table for name, table in catalog.items() if table.stage.scope == "snapshot"}
        self.wanted = full_fingerprints(catalog, workshop)
        self.missing = {asset for asset in ("models", "rewrite_models") if unfitted(workshop, asset)}
        self.order = tuple(registered(self.lake))
        self.under_way = runs.under_way()
        self.room = max(0, limit - len(self.under_way))
        self.result = Plan()

    def plan(self) -> Plan:
        if not self.order:
            return self.result
        parts = stale_parts(self.catalog, self.workshop)
        stale = {name: tuple(table for table, snapshot in parts if snapshot == name) for name in self.order}
        for snapshot, tables in stale.items():
            due = self._due(snapshot, tables, stale)
            if due and self._has_room(f"{due[0]}/{snapshot}", Subject(frozenset(due), snapshot)):
                self.result.refresh[snapshot] = due
        for asset in sorted(self.missing):
            self._fit(asset, stale)
        if not any(stale.values()) and not self.missing:
            self._release()
        return self.result

    def _due(self, snapshot: str, tables: tuple[str, ...], stale: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
        """Those that one run can build now. What waits holds up what is behind it, and nothing else."""
        failures: tuple[Failed, ...] | None = None
        due: list[str] = []
        for name in tables:
            upstream = set(self.tables[name].stage.upstream)
            if failures is None:
                failures = tuple(self.runs.failures(Subject(frozenset(tables), snapshot)))
            reason = (
                self._behind(upstream, tables, due)
                or self._out_of_turn(name, snapshot, stale)
                or (None if upstream & set(due) else self._refused(name, failures))
            )
            if reason is None:
                due.append(name)
            else:
                self.result.waiting[f"{name}/{snapshot}"] = reason
        paused = pause_of(failures or (), self.now) if due else None
        if paused is not None:
            self.result.waiting.update({f"{name}/{snapshot}": paused for name in due})
            return ()
        return tuple(due)

    def _behind(self, upstream: set[str], tables: tuple[str, ...], due: list[str]) -> str | None:
        unmade = upstream & self.missing
        if unmade:
            return f"{', '.join(sorted(unmade))} must be fitted first"
        held = [name for name in tables if name in upstream and name not in due]
        return f"waits for {held[0]}" if held else None

    def _out_of_turn(self, name: str, snapshot: str, stale: Mapping[str, tuple[str, ...]]) -> str | None:
        """Serial tables are built in the order of the registry: behind all earlier snapshots, in a run after theirs."""
        if name not in SERIAL:
            return None
        earlier = self.order[: self.order.index(snapshot)]
        first = next((one for one in earlier if name in stale[one]), None)
        return f"waits for {name}/{first}, an earlier snapshot" if first is not None else None

    def _refused(self, name: str, failures: tuple[Failed, ...]) -> str | None:
        """Whether a gate refused just this: from the same inputs by the same recipe the rows are the same."""
        for failed in failures:
            state = failed.refused.get(name)
            if state is not None:
                same = state["fingerprint"] == self.wanted[name] and all(
                    (head := self.lake.current(table, pin)) is not None and head.id == publication
                    for table, pin, publication in state["inputs"]
                )
                return f"its gate refused it in run {failed.run_id}; mend the input or the recipe" if same else None
        return None

    def _has_room(self, what: str, subject: Subject) -> bool:
        """Whether a run may be requested: none is about the same, and there are fewer than the limit."""
        same = [one for one in self.under_way if one.partition == subject.partition and one.assets & subject.assets]
        if same:
            self.result.waiting[what] = "a run is under way"
        elif self.room == 0:
            self.result.waiting[what] = "as many refreshes are queued or running as may be"
        else:
            self.room -= 1
            return True
        return False

    def _fit(self, asset: str, stale: Mapping[str, tuple[str, ...]]) -> None:
        held = [f"{t}/{s}" for s, tables in stale.items() for t in pool_tables(asset) if t in tables]
        if held:
            self.result.waiting[asset] = f"waits for {held[0]}"
            return
        failures = tuple(self.runs.failures(Subject(frozenset({asset}))))
        state: Any = next((failed.refused[asset] for failed in failures if asset in failed.refused), None)
        pins = sorted([p["table"], p["partition"], p["publication"]] for p in pool_pins(self.lake, asset))
        if state == {"fingerprint": fits_fingerprint(self.workshop.recipe, asset), "inputs": pins}:
            self.result.waiting[asset] = f"its gate refused it in run {failures[0].run_id}; mend the recipe"
        elif (paused := pause_of(failures, self.now)) is not None:
            self.result.waiting[asset] = paused
        elif self._has_room(asset, Subject(frozenset({asset}))):
            self.result.fits += (asset,)

    def _release(self) -> None:
        name = next_release(self.workshop, self.catalog)
        if self.lake.current("mixed", name) is not None:
            return
        subject = Subject(frozenset({"mixed"}), name)
        failures = tuple(self.runs.failures(subject))
        reason = self._refused("mixed", failures) or pause_of(failures, self.now)
        if reason is not None:
            self.result.waiting[f"mixed/{name}"] = reason
        elif self._has_room(f"mixed/{name}", subject):
            self.result.release = name


def utc_now() -> datetime:
    """The time by which pauses are measured."""
    return datetime.now(UTC)
