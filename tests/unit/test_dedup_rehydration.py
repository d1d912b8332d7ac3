"""Weights by duplication: FineWeb2's published arithmetic by its golden values, and what our own rule promises."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.dedup.rehydration import (
    SizeRow,
    Weights,
    pooled,
    published_weights,
    supported_weights,
    weight_of,
    weights,
    with_tail,
)

# Rows 1..7 and the tail 8, M = 10, g = 62.
WORKED = (70.0, 60.0, 50.0, 40.0, 45.0, 55.0, 65.0, 80.0)
WORKED_RUNS = [(1, 1), (2, 2), (3, 5), (4, 6), (6, 5), (7, 1)]
# Published for M = 10 (huggingface/fineweb-2, misc/rehydration).
ITALIAN = [(1, 1), (2, 3), (3, 4), (4, 5), (5, 6), (7, 7), (8, 8), (11, 9), (17, 10), (26, 9), (31, 8), (46, 7),
           (52, 6), (63, 5), (76, 4), (96, 3), (118, 2), (122, 3), (125, 2), (145, 1)]  # fmt: skip
HAND_SET = [(1, 1), (2, 2), (3, 3), (5, 5), (100, 8), (1000, 1)]


def rows_of(*rates: float, clusters: int = 1000) -> list[SizeRow]:
    """A row a size from 1 on, with so many clusters and these removal rates in percent."""
    return [
        SizeRow.of(size, size * clusters, round(size * clusters * rate / 100)) for size, rate in enumerate(rates, 1)
    ]


def runs_of(found: Weights) -> list[tuple[int, int]]:
    return [(run.first_size, run.weight) for run in found.runs]


def test_the_worked_example() -> None:
    assert published_weights(WORKED, 62.0, 10) == (1, 2, 5, 6, 6, 5, 1, 1)
    exact = [Fraction(int(rate), 100) for rate in WORKED]
    assert supported_weights(exact, Fraction(62, 100), 10) == (1, 2, 5, 6, 6, 5, 1, 1)


@pytest.mark.parametrize("rule", ["supported", "published"])
def test_the_worked_example_from_counts(rule: str) -> None:
    """Clusters are dealt so that the mean of the rates over clusters is 62 percent."""
    clusters = (450, 100, 100, 100, 100, 100, 200, 100)
    rates = [int(rate) for rate in WORKED]
    rows = [SizeRow.of(n, n * c, n * c * r // 100) for n, (c, r) in enumerate(zip(clusters, rates, strict=True), 1)]
    found = weights(rows, maximum=10, rule=rule)  # type: ignore[arg-type]
    assert found.global_rate == Fraction(62, 100)
    assert found.lowest_rate == Fraction(40, 100)
    assert runs_of(found) == WORKED_RUNS
    assert sum(run.documents for run in found.runs) == sum(n * c for n, c in enumerate(clusters, 1))
    assert sum(run.rows for run in found.runs) == 8


def test_of_singles_that_are_dropped_more_often_than_the_rest_nothing_is_repeated() -> None:
    """French: g = 62.377, r(1) = 70.441; with M = 10 the weights of the published file begin at 1."""
    assert published_weights([70.441, 50.0], 62.377, 10)[0] == 1
    assert published_weights([50.0, 70.441], 62.377, 10) == (10, 1)


def test_a_look_up_takes_the_largest_key_up_to_the_size() -> None:
    assert [weight_of(ITALIAN, size) for size in (1, 2, 6, 7, 10, 16, 17, 25, 26, 121, 122, 124, 125, 145, 10**9)] == [
        1, 3, 6, 7, 8, 9, 10, 10, 9, 2, 3, 3, 2, 1, 1,
    ]  # fmt: skip
    assert [weight_of(HAND_SET, size) for size in (2, 4, 99, 100, 999, 1000)] == [2, 3, 5, 8, 8, 1]
    assert weight_of([(3, 7)], 2) == 1


def test_a_tie_falls_where_the_convolution_puts_it() -> None:
    """The raw weights 8, 9, 7.5, 7, 1 have the mean 6.5, which rounds to 6; five times .2 make a little more."""
    rates = [60.0, 58.0, 61.0, 62.0, 78.0]
    assert published_weights(rates, 74.0, 9) == (8, 9, 7, 7, 1)
    exact = [Fraction(int(rate), 100) for rate in rates]
    assert supported_weights(exact, Fraction(74, 100), 9) == (8, 9, 6, 7, 1)


@pytest.mark.parametrize(
    ("rates", "published", "ours"),
    [
        # raw: 9 | 5, 9 | 9, 5, 1 -> third is 15/5 | 9, 5, 7, 1 -> third is 22/5, fourth the raw value of the third
        ([20.0], (9,), (9,)),
        ([40.0, 20.0], (5, 9), (5, 9)),
        ([20.0, 40.0, 60.0], (9, 5, 3), (9, 5, 1)),
        ([20.0, 40.0, 30.0, 70.0], (9, 5, 4, 7), (9, 5, 7, 1)),
    ],
)
def test_small_tables_by_both_rules(rates: list[float], published: tuple[int, ...], ours: tuple[int, ...]) -> None:
    assert published_weights(rates, 60.0, 9) == published
    assert supported_weights([Fraction(int(rate), 100) for rate in rates], Fraction(60, 100), 9) == ours


def test_a_row_stands_on_enough_clusters() -> None:
    """One lucky cluster of size 47 would be repeated most: its row is joined to the one before."""
    rows = [*rows_of(70, 50, 60, 65, 68, 70), SizeRow.of(47, 47, 0)]
    assert runs_of(weights(rows, maximum=10, min_clusters=1))[-1][0] == 47
    alone = weights(rows, maximum=10, min_clusters=1)
    assert alone.of(47) == 10
    joined = weights(rows, maximum=10, min_clusters=100)
    assert joined.of(47) == joined.of(6) == 1
    assert sum(run.clusters for run in joined.runs) == 6001
    nothing = weights(rows, maximum=10, min_clusters=10_000)
    assert runs_of(nothing) == [(1, 1)]
    assert nothing.runs[0].rows == 1


def test_the_tail_is_one_row_keyed_by_its_first_size() -> None:
    rows = rows_of(70, 50, 60, 65, 68, 70)
    found = with_tail(rows, 4)
    assert [row.first_size for row in found] == [1, 2, 3, 4]
    assert found[-1].documents == sum(row.documents for row in rows[3:])
    assert with_tail(rows, None) == tuple(rows)
    assert with_tail(rows, 100) == tuple(rows)


def test_a_cluster_counts_once_whatever_its_size() -> None:
    """Half of a cluster of four dropped is half a document removed of one, as for a cluster of two."""
    assert SizeRow.of(4, 4, 2).rate == SizeRow.of(2, 2, 1).rate == Fraction(1, 2)
    whole = SizeRow.of(1, 100, 100) + SizeRow.of(100, 100, 0)
    assert whole.rate == Fraction(100, 101)


counts = st.lists(
    st.tuples(st.integers(1, 300), st.integers(1, 400)).flatmap(
        lambda pair: st.integers(0, pair[0] * pair[1]).map(
            lambda dropped: SizeRow.of(pair[0], pair[0] * pair[1], dropped)
        )
    ),
    min_size=1, max_size=40, unique_by=lambda row: row.first_size,
)  # fmt: skip


@given(counts, st.integers(1, 10), st.integers(1, 500), st.sampled_from(["supported", "published"]))
def test_weights_are_copies_within_the_maximum_and_cover_every_size(
    rows: list[SizeRow], maximum: int, min_clusters: int, rule: str
) -> None:
    found = weights(rows, maximum=maximum, rule=rule, min_clusters=min_clusters)  # type: ignore[arg-type]
    assert all(1 <= run.weight <= maximum for run in found.runs)
    assert [run.first_size for run in found.runs] == sorted({run.first_size for run in found.runs})
    assert all(a.weight != b.weight for a, b in zip(found.runs, found.runs[1:], strict=False))
    assert sum(run.documents for run in found.runs) == sum(row.documents for row in rows)
    assert sum(run.dropped for run in found.runs) == sum(row.dropped for row in rows)
    assert found.of(min(row.first_size for row in rows)) == found.runs[0].weight
    assert found.of(10**9) == found.runs[-1].weight
    assert weights(list(reversed(rows)), maximum=maximum, rule=rule, min_clusters=min_clusters) == found  # type: ignore[arg-type]


@given(counts, st.integers(1, 2000))
def test_pooling_loses_nothing_and_every_row_has_its_support(rows: list[SizeRow], least: int) -> None:
    ordered = sorted(rows, key=lambda row: row.first_size)
    found = pooled(ordered, least)
    assert len(found) == 1 or all(row.clusters >= least for row in found)
    assert sum(row.clusters for row in found) == sum(row.clusters for row in rows)
    assert {row.first_size for row in found} <= {row.first_size for row in rows}
    assert pooled(ordered, 1)[0].first_size == ordered[0].first_size


@given(st.lists(st.integers(0, 100), min_size=5, max_size=30), st.integers(0, 100), st.integers(1, 10))
def test_both_rules_agree_up_to_ties_on_tables_of_five_rows_and_more(rates: list[int], rate: int, maximum: int) -> None:
    published = published_weights([float(r) for r in rates], float(rate), maximum)
    ours = supported_weights([Fraction(r, 100) for r in rates], Fraction(rate, 100), maximum)
    assert all(abs(a - b) <= 1 for a, b in zip(published, ours, strict=True))


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=30), st.fractions(0, 1))
def test_without_repetition_every_weight_is_one(rates: list[Fraction], rate: Fraction) -> None:
    assert set(supported_weights(rates, rate, 1)) == {1}


@given(st.lists(st.fractions(Fraction(1, 2), 1), min_size=1, max_size=30))
def test_rates_at_or_above_the_average_are_never_repeated(rates: list[Fraction]) -> None:
    assert set(supported_weights(rates, Fraction(1, 2), 10)) == {1}
