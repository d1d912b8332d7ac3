"""Candidates from buckets: every pair of a small one, leaders of a large one, no quadratic work, nothing skipped."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.dedup import buckets

NEW, OLD = 0, -(1 << 62)


def met(
    places: Sequence[tuple[int, int]], *, full_pairs: int = 4, leaders: int = 1
) -> tuple[set[tuple[int, int]], list[tuple[int, int, int | None]]]:
    """Pairs whose members are done with this round, and (key, number, other) of members that wait."""
    keys, numbers = (np.array(column, dtype=np.int64) for column in zip(*places, strict=True))
    found = buckets.paired(keys.view(np.uint64), numbers, full_pairs=full_pairs, leaders=leaders)
    waiting = waits(found)
    compared = compared_pairs(found)
    assert {(a, b) for _, a, b in waiting if b is not None} <= compared
    return compared - {(a, b) for _, a, b in waiting}, waiting


def compared_pairs(found: buckets.Paired) -> set[tuple[int, int]]:
    return set(zip(found.number.tolist(), found.other.tolist(), strict=True))


def waits(found: buckets.Paired) -> list[tuple[int, int, int | None]]:
    return list(zip(found.waits_key.tolist(), found.waits_number.tolist(), found.waits_other.to_pylist(), strict=True))


def test_small_buckets_give_every_pair_once() -> None:
    done, waiting = met([(7, 3), (7, 1), (7, 2), (9, 2), (9, 1), (5, 8)])
    assert done == {(2, 1), (3, 1), (3, 2)}
    assert waiting == []


def test_published_documents_are_only_compared_with_new_ones() -> None:
    done, waiting = met([(7, OLD), (7, OLD + 5), (9, OLD), (9, OLD + 5), (9, 4)])
    assert done == {(4, OLD), (4, OLD + 5)}
    assert waiting == []


def test_a_large_bucket_waits_with_its_leader() -> None:
    done, waiting = met([(7, number) for number in range(6)])
    assert done == set()
    assert waiting == [(7, number, 0) for number in range(1, 6)]


def test_few_new_documents_meet_many_clusters() -> None:
    """Ten clusters and two new documents: for the same work a bucket, six leaders; the other four wait their turn."""
    done, waiting = met([(7, OLD + number) for number in range(10)] + [(7, 0), (7, 1)])
    assert done == set()
    assert {(number, other) for _, number, other in waiting if other is not None} == {
        (new, OLD + leader) for new in (0, 1) for leader in range(6)
    }
    assert [number for _, number, other in waiting if other is None] == [OLD + number for number in range(6, 10)]


def rounds(groups: Sequence[int], *, most: int, full_pairs: int = 4) -> tuple[int, set[tuple[int, int]], int, int]:
    """One bucket whose members are similar within hidden groups: comparisons, links, rounds, members left."""
    links: set[tuple[int, int]] = set()
    known: set[tuple[int, int]] = set()
    keys = np.full(len(groups), 7, dtype=np.uint64)
    numbers = np.arange(len(groups))
    for number in range(most):
        found = buckets.paired(keys, numbers, full_pairs=full_pairs, leaders=2**number)
        known |= compared_pairs(found)
        similar = {(a, b) for a, b in known if groups[a] == groups[b]}
        links |= similar
        waiting = waits(found)
        if not waiting:
            return len(known), links, number + bool(len(found.number)), 0
        confirmed = np.array([(member, other) in similar for _, member, other in waiting])
        keys, numbers = buckets.unconfirmed(found.waits_key, found.waits_number, confirmed)
    return len(known), links, most, len(numbers)


def test_a_large_bucket_is_neither_skipped_nor_squared() -> None:
    """Two hundred members of three hidden groups: every member finds its group's leader in few rounds."""
    compared, links, used, left = rounds([number % 3 for number in range(200)], most=3)
    assert (used, left) == (2, 0)
    assert len({a for a, _ in links}) == 197
    assert compared < 2.5 * 200


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.integers(1, 4))
def test_work_is_bounded_and_who_is_left_is_counted(groups: list[int], most: int) -> None:
    compared, links, _, left = rounds(groups, most=most)
    assert compared <= max(len(groups) * (2**most - 1), 6)
    assert all(groups[a] == groups[b] and b < a for a, b in links)
    firsts = {groups.index(group) for group in groups}
    assert len(groups) - len({a for a, _ in links}) - len(firsts) <= left


def test_how_places_are_cut_into_blocks_changes_nothing() -> None:
    state = np.random.RandomState(3)
    keys, numbers = state.randint(0, 50, 400), np.repeat(np.arange(100), 4)
    whole = met(list(zip(keys.tolist(), numbers.tolist(), strict=True)))
    order = state.permutation(400)
    again = met(list(zip(keys[order].tolist(), numbers[order].tolist(), strict=True)))
    assert whole[0] == again[0]
    assert sorted(whole[1]) == sorted(again[1])


@pytest.mark.parametrize(("places", "tasks"), [(0, 1), (1, 1), (1 << 20, 1), ((1 << 20) + 1, 2), (14_000_000, 14)])
def test_tasks_grow_with_the_places(places: int, tasks: int) -> None:
    assert buckets.parts_for(places) == tasks
