"""A grid for any signal: all numbers of two significant digits, so that a distribution is a small table of counts.

A double falls on an edge or between two edges. Both are cells of their own, and cells are ordered as the doubles are:
what lies below, at and above an edge is counted exactly, in integers, in one scan whose range nobody needs to know.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LOWEST, _HIGHEST = -6, 15
# Read from decimal text, as a threshold in a recipe is: 0.3 here is the double that 0.3 is there.
EDGES: Floats = np.array(
    [float(f"{digits}e{power - 1}") for power in range(_LOWEST, _HIGHEST) for digits in range(10, 100)]
    + [float(f"1e{_HIGHEST}")]
)


def cells_of(values: Floats) -> Integers:
    """The cells of numbers: 0 for zero, even on an edge, odd between two; negative numbers mirror positive ones."""
    cells = np.where(values == 0, 0, 1 + places_among(EDGES, np.abs(values)))
    return np.where(values < 0, -cells, cells)


def places_among(marks: Floats, values: Floats) -> Integers:
    """Twice the ascending marks below each value, and one more where the value is on a mark: odd on, even between."""
    return (np.searchsorted(marks, values, "left") + np.searchsorted(marks, values, "right")).astype(np.int64)


def cell_of(value: float) -> int:
    """The cell of one number."""
    return int(cells_of(np.array([value]))[0])


def lower_end(cell: int) -> float:
    """The number of an even cell; of an odd cell its lower end."""
    if cell < 0:
        return -upper_end(-cell)
    return float(EDGES[cell // 2 - 1]) if cell > 1 else 0.0


def upper_end(cell: int) -> float:
    """The number of an even cell; of an odd cell its upper end, infinity beyond the last edge."""
    if cell < 0:
        return -lower_end(-cell)
    if cell % 2 == 0:
        return lower_end(cell)
    return float(EDGES[cell // 2]) if cell // 2 < len(EDGES) else math.inf
