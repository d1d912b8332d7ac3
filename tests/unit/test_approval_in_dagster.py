"""What Dagster is told of an approval: a failed check that is no error, each time anew."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from orchestration.gates import tell_of_overrides
from spark_jobs.lake.records import Publication


def approved(number: int) -> Publication:
    override = {"expectation": "conserved", "reason": f"reason {number}", "expected": "1", "found": "0",
                "approved_by": "somebody"}  # fmt: skip
    record = {"publication": f"{number:032x}", "overrides": [override]}
    return Publication("cleaned", "one", number, datetime(2026, 1, 1, tzinfo=UTC), record)


def test_a_second_approval_of_a_partition_is_told_as_well(tmp_path: Path) -> None:
    key = dg.AssetCheckKey(dg.AssetKey("cleaned"), "conserved")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for number in (1, 2):
            tell_of_overrides(instance, approved(number))
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
        told = [record.event.asset_check_evaluation for record in records if record.event is not None]
    assert [(one.description, one.passed, one.severity.value) for one in told] == [
        ("overridden: reason 2", False, "WARN"), ("overridden: reason 1", False, "WARN"),
    ]  # fmt: skip
