"""How a threshold of English becomes one of another language: the methods that FineWeb2 names (arXiv 2506.20920).

Each works on two exact histograms, English and the other language's. What the methods are called is published, which
one won for which filter is not; so the method is a parameter of the fit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from types import MappingProxyType
from typing import Final, Literal

Method = Literal["english", "mean_std", "quantile", "ten_tail", "median_ratio"]
_TAIL: Final = Fraction(9, 10)


@dataclass(frozen=True)
class Histogram:
    """Values with how often each occurs, ascending; at least one."""

    values: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, counted: Mapping[int, int]) -> "Histogram":
        """From counts by value; ValueError if there are none."""
        if not counted:
            raise ValueError("a histogram needs a value")
        values = tuple(sorted(counted))
        return cls(values, tuple(counted[value] for value in values))

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    @property
    def mean(self) -> Fraction:
        """Their mean, exact."""
        return Fraction(sum(v * c for v, c in zip(self.values, self.counts, strict=True)), self.total)

    @property
    def deviation(self) -> float:
        """Their standard deviation (population)."""
        squares = Fraction(sum(v * v * c for v, c in zip(self.values, self.counts, strict=True)), self.total)
        return sqrt(squares - self.mean**2)

    def share_at_most(self, limit: float) -> Fraction:
        """Share of the values up to `limit`."""
        return Fraction(sum(c for v, c in zip(self.values, self.counts, strict=True) if v <= limit), self.total)

    def quantile(self, share: Fraction) -> int:
        """The least value that at least `share` of the values do not exceed."""
        seen = 0
        for value, count in zip(self.values, self.counts, strict=True):
            seen += count
            if Fraction(seen, self.total) >= share:
                return value
        return self.values[-1]

    def mirrored(self) -> "Histogram":
        """The same with all signs turned: a minimum becomes a maximum."""
        return Histogram(tuple(-v for v in reversed(self.values)), tuple(reversed(self.counts)))


def _mean_std(limit: float, english: Histogram, other: Histogram) -> float | None:
    if not english.deviation:
        return None
    return float(other.mean) + (limit - float(english.mean)) / english.deviation * other.deviation


def _quantile(limit: float, english: Histogram, other: Histogram) -> float | None:
    return other.quantile(english.share_at_most(limit))


def _ten_tail(_limit: float, _english: Histogram, other: Histogram) -> float | None:
    return other.quantile(_TAIL)


def _median_ratio(limit: float, english: Histogram, other: Histogram) -> float | None:
    middle = english.quantile(Fraction(1, 2))
    return limit * other.quantile(Fraction(1, 2)) / middle if middle else None


_METHODS: Final[Mapping[str, Callable[[float, Histogram, Histogram], float | None]]] = MappingProxyType({
    "english": lambda limit, _english, _other: limit,
    "mean_std": _mean_std,
    "quantile": _quantile,
    "ten_tail": _ten_tail,
    "median_ratio": _median_ratio,
})  # fmt: skip


def mapped(method: Method, limit: float, *, is_minimum: bool, english: Histogram, other: Histogram) -> float | None:
    """The limit for the other language, in the unit of the histograms; None where the method has no answer.

    `mean_std`: as many standard deviations from the mean; `quantile`: the same share of documents kept; `ten_tail`:
    a tenth of the language's documents cut; `median_ratio`: scaled by the medians. No answer: English does not vary,
    or its median is 0.
    """
    if not is_minimum:
        return _METHODS[method](limit, english, other)
    turned = _METHODS[method](-limit, english.mirrored(), other.mirrored())
    return None if turned is None else -turned
