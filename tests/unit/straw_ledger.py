"""A ledger without tables or Spark: publications that a test states, rows of the registry and of models, and runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from assets.catalog import full_fingerprints, tables
from assets.workshop import Workshop
from orchestration.runs import Failed, Subject
from spark_jobs.lake.log_lake import LogLake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import FLOW
from spark_jobs.recipe.load import load_recipe
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.fit_plan import ASSETS, fit_fingerprint, fits

ROOT = Path(__file__).resolve().parents[2]
CATALOG = dict(tables())
SNAPSHOT_FLOW = FLOW[:-1]


def recipe_of(folder: Path, **changes: Any) -> Recipe:
    """The default recipe with other sections, from a file, as everywhere."""
    document = yaml.safe_load((ROOT / "recipes" / "default.yaml").read_text(encoding="utf-8"))
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**document, **changes}, sort_keys=False), encoding="utf-8")
    return load_recipe(path)


class StrawLake(LogLake):
    """A lake that knows what was published and holds no rows but those that it is given."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__("nowhere")
        self.known: list[Publication] = []
        self.snapshots: list[str] = []
        self.models: list[dict[str, Any]] = []
        self.workshop = Workshop(lake=self, recipe=recipe, recipe_fingerprint="r", provenance={}, scratch="nowhere")

    def is_there(self) -> bool:
        return True

    def history(self, table: str) -> tuple[Publication, ...]:
        return tuple(p for p in self.known if p.table == table)

    def rows(self, table: str) -> list[dict[str, Any]]:
        if table == "models":
            return self.models
        assert table == "snapshots"
        return [
            {"snapshot": name, "sequence": number, "inputs": [], "source": name, "licence": None}
            for number, name in enumerate(self.snapshots, 1)
        ]

    def register(self, *names: str) -> None:
        for name in names:
            if name not in self.snapshots:
                self.snapshots.append(name)
            self.publish("snapshots", name)

    def fit(self) -> None:
        """Every model that the recipe asks for."""
        for asset in ASSETS.values():
            for name, fit in fits(self.workshop.recipe, asset).items():
                self.models.append({
                    "number": len(self.models) + 1, "digest": f"{len(self.models):064d}", "name": name, "version": 1,
                    "kind": "k", "fit_fingerprint": fit_fingerprint(fit), "fitted_on": ["s"], "params": "{}",
                    "metrics": "{}", "bytes": 1, "location": "m",
                })  # fmt: skip

    def publish(self, table: str, partition: str, fingerprint: str | None = None) -> Publication:
        """A publication of the current inputs by the current recipe."""
        version = 1 + max((p.version for p in self.history(table)), default=0)
        upstream = CATALOG[table].stage.upstream if table in CATALOG else ()
        pins = [p for name in upstream if (p := self.current(name, partition))]
        if table == "deduped":
            before = self.snapshots[: self.snapshots.index(partition)]
            pins += [p for one in before if (p := self.current("deduped", one))]
        wanted = full_fingerprints(CATALOG, self.workshop)[table] if table in CATALOG else "registry"
        record = {
            "publication": f"{table}/{partition}/{version}", "sequence": version, "digest": f"d{version}",
            "fingerprint": fingerprint or wanted, "counts": {"rows": 4, "kept": 3, "dropped": 1}, "columns": ["text"],
            "inputs": [{"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id}
                       for p in pins],
        }  # fmt: skip
        made = Publication(table, partition, version, datetime(2026, 1, 1, tzinfo=UTC), record)
        self.known.append(made)
        return made

    def build(self, snapshots: Iterable[str], tables_: Sequence[str] = SNAPSHOT_FLOW) -> None:
        for snapshot in snapshots:
            for table in tables_:
                self.publish(table, snapshot)


@dataclass
class StrawRuns:
    """Runs as a test states them."""

    going: list[Subject] = field(default_factory=list)
    failed: dict[str | None, list[Failed]] = field(default_factory=dict)

    def under_way(self) -> Sequence[Subject]:
        return self.going

    def failures(self, subject: Subject) -> Sequence[Failed]:
        return self.failed.get(subject.partition, [])
