"""A table whose partitions depend on one another: one number for all, and who was made before whom, from records."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from assets.deduped import TABLE, _later, later_snapshots_follow
from spark_jobs.errors import LakeError
from spark_jobs.lake.freshness import overtaken, stale_reason
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import made_from
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import Scope
from spark_jobs.lake.records import Publication


def published(table: str, partition: str, version: int, *inputs: Publication, sequence: int = 1) -> Publication:
    record = {
        "publication": f"{table}/{partition} {version}", "sequence": sequence, "fingerprint": "f", "digest": "d",
        "inputs": [{"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id}
                   for p in inputs],
    }  # fmt: skip
    return Publication(table, partition, version, datetime(2024, 1, 1, tzinfo=UTC), record)


class Ledger(Lake):
    """A lake that knows what was published and holds no rows."""

    def __init__(self, *publications: Publication) -> None:
        super().__init__(None, "nowhere")  # type: ignore[arg-type]
        self.known = publications

    def history(self, table: str) -> tuple[Publication, ...]:
        return tuple(p for p in self.known if p.table == table)

    def read(self, publications: Any) -> Any:
        return [p.id for p in publications]


CLEANED_1, CLEANED_2 = published("cleaned", "s1", 1), published("cleaned", "s2", 2)
FIRST = published("deduped", "s1", 1, CLEANED_1, sequence=1)
SECOND = published("deduped", "s2", 2, CLEANED_2, FIRST, sequence=2)
THIRD = published("deduped", "s3", 3, FIRST, SECOND, sequence=3)
FIRST_AGAIN = published("deduped", "s1", 4, CLEANED_1, sequence=4)
SECOND_AGAIN = published("deduped", "s2", 5, CLEANED_2, FIRST_AGAIN, sequence=5)
BASE = (CLEANED_1, CLEANED_2, FIRST, SECOND, THIRD)


def test_partitions_of_a_serial_table_race_for_one_number() -> None:
    assert Scope("deduped", "s1").transaction == Scope("deduped", "s2").transaction == "provender/deduped"
    assert Scope("cleaned", "s1").transaction == "provender/cleaned/s1"
    lake = Ledger(*BASE)
    assert {lake.sequence("deduped", name) for name in ("s1", "s2", "s3", "s9")} == {3}
    assert (lake.sequence("cleaned", "s1"), lake.sequence("cleaned", "s9")) == (1, 0)
    assert Ledger().sequence("deduped", "s1") == 0


@pytest.mark.parametrize(
    ("later", "stale"),
    [
        ((), {}),
        ((FIRST_AGAIN,), {"s2": ("s1",), "s3": ("s1",)}),
        ((FIRST_AGAIN, SECOND_AGAIN), {"s3": ("s1", "s2")}),
        ((FIRST_AGAIN, SECOND_AGAIN, published("deduped", "s3", 6, FIRST_AGAIN, SECOND_AGAIN, sequence=6)), {}),
    ],
)
def test_snapshots_deduped_before_an_earlier_one_changed_are_named(later: Any, stale: dict[str, Any]) -> None:
    lake = Ledger(*BASE, *later)
    assert overtaken(lake, "deduped") == stale
    for name in ("s1", "s2", "s3"):
        told = stale_reason(lake, "deduped", name, "f")
        assert (told is not None) == (name in stale)
        assert told is None or told.endswith("was published again")
    resource = SimpleNamespace(get=lambda: SimpleNamespace(lake=lake))
    found = later_snapshots_follow(dg.build_asset_check_context(resources={"workshop": resource}))
    assert isinstance(found, dg.AssetCheckResult)
    assert found.passed is not bool(stale)
    assert found.severity == dg.AssetCheckSeverity.WARN
    shown = str(found.metadata["stale snapshots"].value)
    assert all(f"{name} (deduped before the current {', '.join(before)})" in shown for name, before in stale.items())


def test_a_materialization_says_what_it_leaves_behind() -> None:
    workshop: Any = SimpleNamespace(lake=Ledger(*BASE, FIRST_AGAIN))
    assert _later(workshop, FIRST_AGAIN) == {"stale later snapshots": "s2, s3"}
    workshop = SimpleNamespace(lake=Ledger(*BASE, FIRST_AGAIN, SECOND_AGAIN))
    assert _later(workshop, SECOND_AGAIN) == {"stale later snapshots": "s3"}
    assert _later(SimpleNamespace(lake=Ledger(*BASE)), THIRD) == {"stale later snapshots": "none"}  # type: ignore[arg-type]
    assert TABLE.after is _later


def test_what_lies_behind_an_input_is_read_in_its_version_and_is_no_input() -> None:
    """cleaned/s1 was published again since; deduped/s1 stands for the version it was made from."""
    newer = published("cleaned", "s1", 7)
    pins = Pins(Ledger(*BASE, newer))
    assert pins.behind("deduped", "cleaned", ("s1", "s2")) == [CLEANED_1.id, CLEANED_2.id]
    assert [(pin["table"], pin["partition"]) for pin in pins.inputs] == [("deduped", "s1"), ("deduped", "s2")]
    with pytest.raises(LakeError, match="deduped/s3 version 3: its record names no publication of cleaned"):
        made_from(Ledger(*BASE), THIRD, "cleaned")
