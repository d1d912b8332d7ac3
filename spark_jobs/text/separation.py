"""How well numbers separate two classes, how they go together, and how sure a difference is. Plain arrays, no model.

Figures for the acceptance gate of a scorer; deterministic: what is drawn is drawn by a hash of a seed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: Floats = (last - (counts - 1) / 2.0)[inverse]
    return middle


def auc(positives: Floats, negatives: Floats) -> float | None:
    """Chance that a random positive is above a random negative, ties half (Mann-Whitney); None without both classes."""
    if not len(positives) or not len(negatives):
        return None
    of_positives = ranks(np.concatenate([positives, negatives]))[: len(positives)].sum()
    wins = of_positives - len(positives) * (len(positives) + 1) / 2.0
    return float(wins / (len(positives) * len(negatives)))


def rank_correlation(left: Floats, right: Floats) -> float | None:
    """Spearman's rank correlation; None where one side does not vary."""
    if len(left) < 2:
        return None
    a, b = ranks(left), ranks(right)
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / scale) if scale > 0 else None


def largest_gap(left: Floats, right: Floats) -> float | None:
    """Largest distance between two distribution functions, in [0, 1] (Kolmogorov-Smirnov); None without both."""
    if not len(left) or not len(right):
        return None
    at = np.concatenate([left, right])
    share_left = np.searchsorted(np.sort(left), at, side="right") / len(left)
    share_right = np.searchsorted(np.sort(right), at, side="right") / len(right)
    return float(np.abs(share_left - share_right).max())


@dataclass(frozen=True)
class Interval:
    """A figure with the interval that holds it in 95 of 100 resamplings."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether the interval lies wholly above 0."""
        return self.low > 0


def bootstrap_ratio(numerators: Floats, denominators: Floats, *, seed: int, replicates: int = 1000) -> Interval:
    """sum(numerators) / sum(denominators) with its 95 % percentile interval, resampling the pairs (documents).

    Which pairs a replicate holds depends on the seed, the replicate and the draw alone.
    """
    n = len(numerators)
    if n == 0 or denominators.sum() <= 0:
        raise ValueError("a bootstrap interval needs at least one document with a positive denominator")
    values = np.empty(replicates)
    draws = np.arange(n, dtype=np.uint64)
    for replicate in range(replicates):
        key = np.uint64((seed * 1_000_003 + replicate) % (1 << 32)) << np.uint64(32)
        chosen = (_uniform_bits(draws + key) % np.uint64(n)).astype(np.int64)
        values[replicate] = numerators[chosen].sum() / max(denominators[chosen].sum(), 1e-12)
    low, high = np.percentile(values, [2.5, 97.5])
    return Interval(float(numerators.sum() / denominators.sum()), float(low), float(high))


def _uniform_bits(counters: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    # SplitMix64 (Steele, Lea and Flood 2014) as a counter-based generator: stable over versions of numpy.
    values = counters * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
