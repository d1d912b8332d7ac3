"""Counts that balance are told to balance, and one that is off by one is named; from records alone, without Spark."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.errors import NotFoundError
from spark_jobs.lake.balance import balance
from spark_jobs.lake.records import Publication

SPLIT = st.dictionaries(st.sampled_from(["a.x", "b.y", "c.z"]), st.integers(0, 50), max_size=3)


class NoLake:
    """Records are all that is asked for."""

    def side(self, *_words: Any) -> Any:
        raise AssertionError("nothing is missing, so nothing needs to be looked up")


def publication(table: str, partition: str, rows: int, counts: dict[str, Any], **more: Any) -> Publication:
    counts = {"rows": rows, "suppressed": 0, **counts}
    record = {"publication": f"{table} {partition}", "digest": f"{rows}:{0:032x}", "counts": counts, **more}
    return Publication(table, partition, 1, datetime(2026, 1, 1, tzinfo=UTC), record)


def snapshot(name: str, dropped: dict[str, int], duplicates: dict[str, int], kept: int) -> list[Publication]:
    scored = kept + sum(duplicates.values())
    rows = scored + sum(dropped.values())
    # Reasons overlap, first reasons do not.
    overlapping = {reason: 2 * number for reason, number in dropped.items()}
    cleaned = {"kept": scored, "dropped": rows - scored, "by_reason": overlapping, "by_first_reason": dropped}
    deduped = {"kept": kept, "dropped": scored - kept, "by_reason": duplicates}
    return [
        publication("raw", name, rows, {}), publication("cleaned", name, rows, cleaned),
        publication("scored", name, scored, {}), publication("deduped", name, scored, deduped),
        publication("rewritten", name, 3, {"kept": 2, "dropped": 1}),
    ]  # fmt: skip


def released(kept: int, out: int, rewrites: int, *, rows: int | None = None, suppressed: int = 0) -> Publication:
    decisions = [
        {"origin": "original", "reason": None, "documents": kept - out},
        {"origin": "original", "reason": "not_selected", "documents": out},
        {"origin": "rewire", "reason": None, "documents": rewrites - 1},
        {"origin": "rewire", "reason": "over_share", "documents": 1},
    ]
    rows = kept - out + rewrites - 1 if rows is None else rows
    return publication("mixed", "r", rows, {}, facts={"decisions": decisions}, suppressed=suppressed)


def told(mixed: Publication, pinned: list[Publication], records: dict[str, int]) -> dict[str, Any]:
    lake: Any = NoLake()
    return balance(lake, mixed, pinned, records)


@given(SPLIT, SPLIT, st.integers(1, 50), SPLIT)
def test_what_adds_up_is_told_to_and_every_loss_is_listed(
    dropped: dict[str, int], duplicates: dict[str, int], kept: int, more: dict[str, int]
) -> None:
    pinned = snapshot("one", dropped, duplicates, kept) + snapshot("two", more, {}, 3)
    records = {p.partition: p.record["counts"]["rows"] for p in pinned if p.table == "raw"}
    found = told(released(kept + 3, 1, 4), pinned, records)
    assert found["balanced"], found["unbalanced"]
    lost = sum(row["documents"] for row in found["lost"] if row["table"] != "rewrites")
    assert found["records"] - lost == found["originals"]
    assert found["originals"] + found["rewrites"] == found["documents"]


@pytest.mark.parametrize(("table", "key"), [("cleaned", "kept"), ("deduped", "kept"), ("deduped", "by_reason")])
def test_a_count_that_is_off_by_one_is_named(table: str, key: str) -> None:
    pinned = snapshot("one", {"a.x": 2}, {"minhash": 1}, 5)
    counts = next(p for p in pinned if p.table == table).record["counts"]
    counts[key] = {"minhash": 2} if key == "by_reason" else counts[key] + 1
    found = told(released(5, 1, 2), pinned, {"one": 8})
    assert not found["balanced"]
    assert any(text.startswith(f"{table}/one") for text in found["unbalanced"])


def test_a_release_with_more_rows_than_its_decisions_is_named() -> None:
    found = told(released(5, 1, 2, rows=99), snapshot("one", {}, {}, 5), {"one": 5})
    assert not found["balanced"]
    assert found["unbalanced"] == ["mixed/r: {'originals': 4, 'rewrites': 1, 'documents': 99}, 5 records, 1 lost"]


def test_a_record_without_first_reasons_still_balances() -> None:
    pinned = snapshot("one", {"a.x": 2, "b.y": 1}, {}, 5)
    del next(p for p in pinned if p.table == "cleaned").record["counts"]["by_first_reason"]
    found = told(released(5, 1, 2), pinned, {"one": 8})
    assert found["balanced"]
    assert {"table": "cleaned", "reason": "dropped", "documents": 3} in found["lost"]


class Vacuumed(NoLake):
    """Records are all that is left."""

    def vacuumed(self, _table: str) -> dict[str, datetime]:
        return {"raw one": datetime(2026, 2, 1, tzinfo=UTC)}

    def refuse_gone(self, _publications: Any) -> None:
        raise NotFoundError("mixed/r version 1: its rows are gone")


def test_what_needs_rows_that_are_gone_is_told_to_be_unknown_and_the_rest_is_told() -> None:
    lake: Any = Vacuumed()
    mixed = released(5, 1, 4, rows=6, suppressed=1)
    mixed.record["takedown"] = {}  # type: ignore[index] # its decisions are those before a takedown
    contents = [{"origin": "original", "documents": 4}, {"origin": "rewire", "documents": 2}]
    found = balance(lake, mixed, snapshot("one", {"a.x": 2}, {}, 5), {"one": 9}, contents=contents)
    assert found["balanced"], found["unbalanced"]
    assert (found["originals"], found["rewrites"], found["documents"]) == (4, 2, 6)
    assert {(row["table"], row["reason"]): row["documents"] for row in found["lost"]} == {
        ("raw", "unreadable: cause not known any more"): 2, ("cleaned", "a.x"): 2,
        ("mixed", "not in the release: reason not known any more"): 1,
    }  # fmt: skip
    assert found["incomplete"] == [
        "why records of raw/one could not be read: a vacuum removed the rows of version 1",
        "why documents are not in the release: mixed/r version 1: its rows are gone",
    ]
