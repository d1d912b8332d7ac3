"""Refused candidates: kept with all that publishing needs, open until something newer stands, refused by name."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets import approval
from assets.approval import approve, refusals
from spark_jobs.errors import GateError, NotFoundError, UsageError, VerificationError
from spark_jobs.lake import quarantine
from spark_jobs.lake.candidate import Candidate
from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.quarantine import Attempt

GATE, LAW = "no_host_is_wiped_out", "conserved"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(None, str(tmp_path / "home"))  # type: ignore[arg-type] # nothing here asks Spark


def outcome(name: str, *, success: bool = False, severity: str = "error") -> dict[str, Any]:
    return {"name": name, "says": f"{name} holds", "severity": severity, "success": success, "expected": "e",
            "found": "did not hold"}  # fmt: skip


def refused(
    lake: Lake, *failed: str, attempt: str = "a1", sequence: int = 1, inputs: Any = (), partition: str = "one",
    table: str = "cleaned",
) -> Attempt:  # fmt: skip
    """A candidate that failed these expectations, held one and was warned by one."""
    base = Path(lake.home) / "candidates" / table / partition / attempt
    for part in ("main", "side/locator"):
        (base / part).mkdir(parents=True)
        (base / part / "part-0.parquet").write_bytes(part.encode())
    candidate = Candidate(
        table, partition, f"{base}/main", ("doc_id", "text"), ContentDigest(3, 7), 1, 2,
        {"locator": f"{base}/side/locator"},
    )  # fmt: skip
    outcomes = [*map(outcome, failed), outcome("held", success=True), outcome("warned", severity="warning")]
    record = {"fingerprint": "now", "inputs": list(inputs), "run_id": "run"}
    return quarantine.keep(lake, candidate, sequence=sequence, record=record, outcomes=outcomes)


def published(lake: Lake, table: str, partition: str, sequence: int, name: str, **more: Any) -> None:
    """A commit as far as it is read."""
    log = Path(lake.location(table)) / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    record = {"kind": "main", "partition": partition, "sequence": sequence, "publication": name, **more}
    info = {"commitInfo": {"timestamp": 0, "userMetadata": json.dumps(record)}}
    (log / f"{len(list(log.iterdir())):020d}.json").write_text(json.dumps(info))
    lake.refresh()


def shop(lake: Lake, *overridable: str, fingerprint: str = "now") -> Any:
    recipe = SimpleNamespace(overridable={"cleaned": overridable} if overridable else {})
    return SimpleNamespace(lake=lake, recipe=recipe, fingerprint=fingerprint)


@pytest.fixture(autouse=True)
def _fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "full_fingerprints", lambda _tables, workshop: {"cleaned": workshop.fingerprint})


def test_what_is_kept_is_read_back_whole_even_where_the_lake_was_moved(lake: Lake, tmp_path: Path) -> None:
    kept = refused(lake, GATE)
    assert quarantine.attempts(lake) == [kept]
    assert (kept.name, kept.number, [o["name"] for o in kept.failed]) == ("a1", 1, [GATE])
    assert set(kept.files) == {"main/part-0.parquet", "side/locator/part-0.parquet"}
    Path(lake.home).rename(tmp_path / "moved")
    moved = Lake(None, str(tmp_path / "moved"))  # type: ignore[arg-type] # the same
    (there,) = quarantine.attempts(moved)
    assert there.candidate.location == f"{moved.home}/candidates/cleaned/one/a1/main"
    assert there.candidate.side == {"locator": f"{moved.home}/candidates/cleaned/one/a1/side/locator"}
    assert quarantine.changed_files(moved, there) == []


def test_an_attempt_is_closed_by_a_publication_in_its_place(lake: Lake) -> None:
    kept = refused(lake, GATE)
    assert quarantine.closed(lake, kept) is None
    published(lake, "cleaned", "two", 1, "other")
    assert quarantine.closed(lake, kept) is None, "another partition is another matter"
    published(lake, "cleaned", "one", 1, "newer")
    assert quarantine.closed(lake, kept) == "cleaned/one was published since it was built"
    assert quarantine.open_attempts(lake) == []


def test_an_attempt_is_closed_by_a_new_publication_of_an_input(lake: Lake) -> None:
    published(lake, "raw", "one", 1, "first")
    kept = refused(lake, GATE, inputs=[{"table": "raw", "partition": "one", "publication": "first"}])
    assert quarantine.closed(lake, kept) is None
    published(lake, "raw", "one", 2, "second")
    told = quarantine.closed(lake, kept)
    assert told == "raw/one, which it was made from, was published again"


def test_the_newest_attempt_counts_whatever_the_clock_said(lake: Lake) -> None:
    refused(lake, GATE, attempt="zz")
    second = refused(lake, GATE, LAW, attempt="aa")
    assert second.number == 2
    assert quarantine.open_attempts(lake) == [second]
    assert quarantine.find(lake, "cleaned", "one") == second
    assert quarantine.find(lake, "cleaned", "one", "z").number == 1
    for partition, name in (("two", None), ("one", "q")):
        with pytest.raises(NotFoundError, match="there are candidates of: cleaned/one"):
            quarantine.find(lake, "cleaned", partition, name)


def test_a_release_that_was_published_later_closes_a_refused_one_unless_that_is_wanted_again(lake: Lake) -> None:
    published(lake, "mixed", "r0", 1, "before")
    first = refused(lake, LAW, table="mixed", partition="r1")
    assert quarantine.closed(lake, first) is None, "what was published before it says nothing of it"
    revised = {"takedown": {"receipt": "t"}}
    published(lake, "mixed", "r0", 2, "revised", **revised)
    assert quarantine.closed(lake, first) is None, "a takedown revises releases, and makes none"
    published(lake, "mixed", "r2", 1, "mended")
    assert quarantine.closed(lake, first) == "mixed/r2 was published in its place"
    assert quarantine.open_attempts(lake) == []
    assert quarantine.open_attempts(lake, wanted="r2") == []
    assert quarantine.open_attempts(lake, wanted="r1") == [first], "the recipe is as it was: it would be refused again"
    again = refused(lake, LAW, table="mixed", partition="r1", attempt="a2")
    third = refused(lake, LAW, table="mixed", partition="r3", attempt="a3")
    assert quarantine.open_attempts(lake, wanted="r3") == [again, third], "a gate that fails now is never hidden"


def test_a_table_of_snapshots_is_closed_by_its_own_partition_alone(lake: Lake) -> None:
    kept = refused(lake, GATE)
    published(lake, "cleaned", "two", 1, "other")
    assert quarantine.open_attempts(lake, wanted="r1") == [kept]


def test_it_is_approved_only_if_every_failure_is_marked(lake: Lake) -> None:
    kept = refused(lake, GATE, LAW)
    assert refusals(shop(lake, GATE, LAW), kept) == []
    told = refusals(shop(lake, GATE), kept)
    assert told == [f"{LAW} failed, and the recipe does not mark it as overridable (overridable.cleaned)"]
    assert len(refusals(shop(lake), kept)) == 2, "each one is named"
    with pytest.raises(GateError) as error:
        approve(shop(lake), "cleaned", "one", reason="we know", approved_by="ann")
    assert error.value.exit_status == 1
    assert GATE in str(error.value)
    assert LAW in str(error.value)


def test_a_candidate_of_another_recipe_or_without_a_reason_is_not_approved(lake: Lake) -> None:
    refused(lake, GATE)
    with pytest.raises(GateError, match="its part of the recipe, a model or a package changed since; run again"):
        approve(shop(lake, GATE, fingerprint="later"), "cleaned", "one", reason="we know", approved_by="ann")
    with pytest.raises(UsageError, match="say why"):
        approve(shop(lake, GATE), "cleaned", "one", reason="  ", approved_by="ann")


@pytest.mark.parametrize("name", ["main/part-0.parquet", "side/locator/part-0.parquet", "main/part-1.parquet"])
def test_a_candidate_whose_files_changed_is_not_approved(lake: Lake, name: str) -> None:
    kept = refused(lake, GATE)
    (Path(lake.home) / kept.folder / name).write_bytes(b"other rows")
    with pytest.raises(VerificationError, match="are not those that were audited") as error:
        approve(shop(lake, GATE), "cleaned", "one", reason="we know", approved_by="ann")
    assert name in str(error.value)
    (Path(lake.home) / kept.folder / name).unlink()
    assert quarantine.changed_files(lake, kept) == ([] if name == "main/part-1.parquet" else [name])
