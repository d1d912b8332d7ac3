"""The grid of two significant digits: cells are ordered as doubles are, edges are exact, bars count every bin once."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.analysis.distribution import Bin
from spark_jobs.analysis.grid import EDGES, cell_of, cells_of, lower_end, places_among, upper_end
from spark_jobs.analysis.histogram import histogram

DOUBLES = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(DOUBLES, DOUBLES)
def test_cells_are_ordered_as_the_numbers_are(a: float, b: float) -> None:
    if a <= b:
        assert cell_of(a) <= cell_of(b)


@given(DOUBLES)
def test_a_number_lies_in_its_cell_and_mirrors_its_negative(value: float) -> None:
    cell = cell_of(value)
    if cell % 2 == 0:
        assert lower_end(cell) == upper_end(cell) == value
    else:
        assert lower_end(cell) <= value <= upper_end(cell)
        assert value not in (lower_end(cell) if abs(cell) > 1 else math.nan, upper_end(cell))
    assert cell_of(-value) == -cell


@pytest.mark.parametrize("text", ["0.3", "0.07", "0.29", "50", "80", "1e5", "0.12", "0.0001"])
def test_a_threshold_as_a_recipe_writes_it_is_an_edge(text: str) -> None:
    value = float(text)
    assert cell_of(value) % 2 == 0
    assert cell_of(math.nextafter(value, 0)) == cell_of(value) - 1
    assert cell_of(math.nextafter(value, math.inf)) == cell_of(value) + 1


def test_edges_ascend_and_all_cells_at_once_are_the_cells_one_by_one() -> None:
    assert bool((np.diff(EDGES) > 0).all())
    values = np.concatenate([EDGES, -EDGES, EDGES * 1.003, [0.0, -0.0, 1e300]])
    assert cells_of(values).tolist() == [cell_of(value) for value in values]


@given(st.lists(DOUBLES, max_size=5).map(lambda v: sorted(set(v))), DOUBLES)
def test_a_place_tells_below_at_and_above_each_mark(marks: list[float], value: float) -> None:
    (place,) = places_among(np.array(marks, dtype=float), np.array([value]))
    for index, mark in enumerate(marks):
        on = 2 * index + 1
        assert (place < on, place == on, place > on) == (value < mark, value == mark, value > mark)


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e9), st.booleans(), st.integers(1, 9)), min_size=1, max_size=30),
    st.lists(st.sampled_from([0.0, 0.1, 0.65, 50.0, 1e5]), max_size=2),
)
def test_a_histogram_counts_every_document_once_and_where_it_lies(
    rows: list[tuple[float, bool, int]], bounds: list[float]
) -> None:
    bins = [Bin(cell_of(value), 0, kept, number, 2 * number) for value, kept, number in rows]
    drawn = histogram([*bins, Bin(None, 0, False, 7, 0)], bounds)
    assert drawn is not None
    assert drawn.missing == 7
    bars = [*drawn.bars, *([drawn.zero] if drawn.zero else [])]
    assert sum(bar.kept + bar.dropped for bar in bars) == sum(number for _, _, number in rows) == drawn.documents
    assert sum(bar.kept for bar in bars) == sum(number for _, kept, number in rows if kept)
    assert sum(bar.tokens for bar in bars) == 2 * drawn.documents
    for bar in drawn.bars[1:-1]:
        inside = sum(n for value, _, n in rows if (bar.low <= value < bar.high or value == bar.low == bar.high))
        inside -= sum(n for value, _, n in rows if drawn.scale == "log" and value == 0 and bar.low <= 0 < bar.high)
        assert bar.kept + bar.dropped == inside
    assert [bar.low for bar in drawn.bars] == sorted(bar.low for bar in drawn.bars)


def test_scales_fit_what_is_measured() -> None:
    def scale(*values: float, bounds: tuple[float, ...] = ()) -> str:
        drawn = histogram([Bin(cell_of(v), 0, True, 1, 0) for v in values], bounds)
        assert drawn is not None
        return drawn.scale

    assert scale(0.0, 0.25, 1.0) == "linear"
    assert scale(0.0, 3.0, 8.0, bounds=(2.0,)) == "whole"
    assert scale(3.0, 250.0, 80_000.0) == "log"
    assert histogram([Bin(None, 0, False, 3, 0)]) is None
