"""Groups of candidate pairs: every pair once, few leaders a group, and the similarity that sets have by definition."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.dedup import groups, verify

Pair = tuple[int, int]
OLD = -(1 << 62)


def gathered(rows: list[tuple[int, int, int]], known: list[Pair], parts: int = 3) -> list[dict[str, Any]]:
    """Both tasks of `groups_of`, one after the other, over blocks of (number, other, hint)."""
    number, other, hint = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    blocks = [*groups.cut_pairs(number, other, hint, parts)]
    if known:
        batch = pa.RecordBatch.from_pylist([{"number": number, "other": other} for number, other in known])
        blocks += list(groups.cut_batches(parts, groups._known)(iter([batch])))
    distinct = [*through(groups._by_leader(parts), blocks, parts)]
    return [row for batch in through(groups._into_groups, distinct, parts) for row in batch.to_pylist()]


def through(task: Any, blocks: list[pa.RecordBatch], parts: int) -> Iterator[pa.RecordBatch]:
    """What a task makes of the blocks of each part."""
    whole = [row for batch in blocks for row in batch.to_pylist()]
    for part in range(parts):
        mine = [{"block": row["block"]} for row in whole if row["part"] == part]
        if mine:
            yield from task(iter([pa.RecordBatch.from_pylist(mine, pa.schema({"block": pa.binary()}))]))


def others(row: dict[str, Any]) -> list[int]:
    return [int(number) for number in np.frombuffer(row["others"], dtype=np.int64)]


pairs = st.tuples(st.integers(0, 30), st.integers(-3, 30)).filter(lambda pair: pair[1] < pair[0])
rows_of_pairs = st.lists(st.tuples(pairs, st.integers(0, 3)), min_size=1, max_size=120).map(
    lambda met: [(number, other, other - down) for (number, other), down in met]
)


@settings(deadline=None)
@given(rows_of_pairs, st.lists(pairs, max_size=10), st.integers(1, 4), st.integers(1, 5))
def test_every_pair_is_in_one_group_once(
    rows: list[tuple[int, int, int]], known: list[Pair], parts: int, most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "_LEADERS", most)
        found = gathered(rows, known, parts)
    asked = [(row["number"], other) for row in found for other in others(row)]
    assert sorted(asked) == sorted({(number, other) for number, other, _ in rows} - set(known))
    leads, documents = defaultdict(set), [(row["group"], row["number"]) for row in found]
    assert len(documents) == len(set(documents))
    for row in found:
        if row["leads"]:
            leads[row["group"]].add(row["number"])
    assert all(set(others(row)) <= leads[row["group"]] for row in found)
    assert all(len(leaders) <= most for leaders in leads.values())
    assert all(row["leads"] or others(row) for row in found), "no set is sent for nothing"


def test_pairs_that_met_the_same_best_document_are_one_group() -> None:
    """Ten documents in one bucket: ten sets are sent, not forty-five."""
    rows = [(number, other, 0) for number in range(10) for other in range(number)]
    found = gathered(rows, [])
    assert {row["group"] for row in found} == {0}
    assert [row["number"] for row in found] == list(range(10))
    assert [row["leads"] for row in found] == [True] * 9 + [False]


def test_a_published_document_leads_the_group_of_what_it_met() -> None:
    (first, *rest) = gathered([(5, OLD, OLD), (7, OLD, OLD), (7, 5, OLD)], [])
    assert (first["number"], first["leads"]) == (OLD, True)
    assert [(row["number"], row["leads"], others(row)) for row in rest] == [(5, True, [OLD]), (7, False, [OLD, 5])]


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(0, 40), max_size=25), min_size=2, max_size=25), st.data())
def test_similarities_are_those_of_the_sets_however_batches_are_cut(sets: list[set[int]], data: st.DataObject) -> None:
    numbers = st.integers(1, len(sets) - 1)
    members = data.draw(st.lists(numbers, min_size=1, max_size=40))
    asked = {(number, data.draw(st.integers(0, number - 1))) for number in members}
    hint = {number: data.draw(st.integers(-2, 0)) for number in range(len(sets))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "_LEADERS", data.draw(st.integers(1, 4)))
        rows = gathered([(number, other, hint[other]) for number, other in sorted(asked)], [], parts=1)
    rows.sort(key=lambda row: (row["group"], not row["leads"], row["number"]))
    for row in rows:
        row["shingles"] = np.array(sorted(sets[row["number"]]), dtype=np.uint64).tobytes()
    whole = pa.RecordBatch.from_pylist(rows)
    size = data.draw(st.integers(1, len(rows)))
    batches = [whole.slice(start, size) for start in range(0, len(rows), size)]
    found = [row for batch in verify._measure(iter(batches)) for row in batch.to_pylist()]
    assert {(row["number"], row["other"]) for row in found} == asked
    assert len(found) == len(asked)
    for row in found:
        one, two = sets[row["number"]], sets[row["other"]]
        assert row["similarity"] == (len(one & two) / len(one | two) if one | two else 0.0)


def test_a_pair_whose_leader_has_no_shingles_is_not_there() -> None:
    """Who asked for the pairs counts them: `find_matches` fails where one is missing."""
    rows = [
        {"group": 1, "number": number, "leads": leads, "others": np.array(others, dtype=np.int64).tobytes(),
         "shingles": np.array([7], dtype=np.uint64).tobytes()}
        for number, leads, others in [(2, True, []), (4, False, [1, 2])]
    ]  # fmt: skip
    (found,) = verify._measure(iter([pa.RecordBatch.from_pylist(rows)]))
    assert found.to_pylist() == [{"number": 4, "other": 2, "similarity": 1.0}]
