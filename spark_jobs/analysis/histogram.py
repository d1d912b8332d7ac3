"""Bars of a histogram from the bins of a distribution: on a linear or a logarithmic axis, every count exact.

Ends of bars are numbers of two significant digits, so no bin is ever split or shared.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from spark_jobs.analysis.distribution import Bin
from spark_jobs.analysis.grid import cell_of, lower_end, upper_end

# Two-digit numbers that divide a decade of a logarithmic axis evenly, as well as two digits can.
_TEN = (10, 13, 16, 20, 25, 32, 40, 50, 63, 79)
_FORTY = (*range(10, 30), *range(30, 60, 2), *range(60, 100, 4))
_MOST_WHOLE = 40
_FINE_DECADES = 1.5
# Upper ends of an axis of shares, and bars up to there: their ends are numbers of two digits too.
_SHARES = ((0.02, 20), (0.05, 50), (0.1, 50), (0.2, 20), (0.5, 50), (1.0, 50))


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Documents with low <= value < high; of the last bar, and of a bar of one number, also those at `high`."""

    low: float
    high: float
    kept: int
    dropped: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Bars ascending. `zero` stands apart on a logarithmic axis, which has no place for it; `missing` have no value."""

    scale: Literal["linear", "log", "whole"]
    bars: tuple[Bar, ...]
    zero: Bar | None
    missing: int
    documents: int


def histogram(bins: Sequence[Bin], bounds: Sequence[float] = ()) -> Histogram | None:
    """The histogram of a signal, wide enough for its bounds; None where no document has a value."""
    valued = [entry for entry in bins if entry.cell is not None]
    if not valued:
        return None
    missing = sum(entry.documents for entry in bins if entry.cell is None)
    documents = sum(entry.documents for entry in valued)
    low = min(lower_end(e.cell or 0) for e in valued)
    high = max(upper_end(e.cell or 0) for e in valued)
    whole = all((e.cell or 0) % 2 == 0 and lower_end(e.cell or 0).is_integer() for e in valued)
    if low >= 0 and high <= 1 and not (whole and not bounds):
        return _made("linear", valued, _share_ends(max(high, *bounds, 0.0)), missing, documents)
    if whole and low >= 0 and max(high, *bounds, 0) <= _MOST_WHOLE:
        ends = [float(i) for i in range(int(max(high, *bounds, 1)) + 1)]
        return _made("whole", valued, ends, missing, documents)
    return _made("log", valued, _log_ends(valued, bounds), missing, documents)


def _share_ends(high: float) -> list[float]:
    end, bars = next((pair for pair in _SHARES if pair[0] >= high), _SHARES[-1])
    # A quotient of whole numbers, not a product of shares: it is the double that the decimal text is.
    return [i * round(100 * end) / (100 * bars) for i in range(bars + 1)]


def _log_ends(bins: Sequence[Bin], bounds: Sequence[float]) -> list[float]:
    sizes = [
        abs(end) for e in bins for end in (lower_end(e.cell or 0), upper_end(e.cell or 0)) if 0 < abs(end) < math.inf
    ]
    sizes += [abs(bound) for bound in bounds if bound]
    if not sizes:
        return [0.0, 1.0]
    low, high = min(sizes), max(sizes)
    fine = math.log10(high / low) <= _FINE_DECADES
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    every = [float(f"{digits}e{power - 1}") for power in powers for digits in (_FORTY if fine else _TEN)]
    inside = [end for end in every if end <= low][-1:] + [end for end in every if low < end < high]
    inside += [end for end in every if end >= high][:1]
    negative = any((e.cell or 0) < 0 for e in bins)
    return sorted({*(-end for end in inside), *inside}) if negative else inside


def _made(
    scale: Literal["linear", "log", "whole"], bins: Sequence[Bin], ends: list[float], missing: int, documents: int
) -> Histogram:
    starts = [cell_of(end) for end in ends]
    counts = [[0, 0, 0] for _ in ends]
    zero = [0, 0, 0]
    for entry in bins:
        cell = entry.cell or 0
        place = max(index for index, start in enumerate(starts) if start <= cell or index == 0)
        if scale != "whole":
            # The last end closes the last bar and opens none.
            place = min(place, len(ends) - 2)
        into = zero if scale == "log" and cell == 0 else counts[place]
        into[0 if entry.kept else 1] += entry.documents
        into[2] += entry.tokens
    pairs = [(e, e) for e in ends] if scale == "whole" else list(pairwise(ends))
    bars = tuple(_bar(low, high, counts[i]) for i, (low, high) in enumerate(pairs))
    return Histogram(
        scale=scale, bars=bars, zero=_bar(0.0, 0.0, zero) if any(zero[:2]) else None, missing=missing,
        documents=documents,
    )  # fmt: skip


def _bar(low: float, high: float, counts: Sequence[int]) -> Bar:
    return Bar(low=low, high=high, kept=counts[0], dropped=counts[1], tokens=counts[2])
