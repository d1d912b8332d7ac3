"""Gradient boosting of full decision trees on the log loss: small, exact, the same on every machine.

Numbers are cut into at most BINS quantile bins; the best cut of each node is found from histograms in float64.
"""

from typing import Any

import numpy as np
from numba import njit

from spark_jobs.text.block_trees import Trees

BINS = 32


def bins_of(rows: Any) -> list[Any]:
    """Bounds between the bins of each column."""
    bounds = []
    for column in rows.T:
        values = np.unique(column)
        if len(values) > BINS:
            values = np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1], method="nearest"))
        else:
            values = values[:-1]
        bounds.append(values.astype(np.float32))
    return bounds


def binned(rows: Any, bounds: list[Any]) -> Any:
    """Bin of each number: how many bounds lie below it."""
    out = np.empty(rows.shape, np.uint8)
    for column, cuts in enumerate(bounds):
        out[:, column] = np.searchsorted(cuts, rows[:, column], side="left")
    return out


def fit(
    rows: Any, labels: Any, weights: Any, *, trees: int, depth: int, rate: float, penalty: float, share: float
) -> Trees:
    """Fit on rows with labels in [0, 1]; `share` of the columns, by a fixed rule, may be used by each tree."""
    bounds = bins_of(rows)
    bins = binned(rows, bounds)
    mean = float((labels * weights).sum() / weights.sum())
    start = float(np.log(mean / (1 - mean)))
    inner, leaves = 2**depth - 1, 2**depth
    feature = np.zeros((trees, inner), np.int32)
    bound = np.full((trees, inner), np.inf, np.float32)
    leaf = np.zeros((trees, leaves), np.float32)
    total = np.full(len(rows), start)
    columns = rows.shape[1]
    random = np.random.default_rng(0)
    for tree in range(trees):
        chance = 1 / (1 + np.exp(-total))
        gradient = weights * (labels - chance)
        curvature = weights * chance * (1 - chance)
        node = np.zeros(len(rows), np.int64)
        used = np.sort(random.choice(columns, max(1, int(share * columns)), replace=False))
        for level in range(depth):
            first = 2**level - 1
            chosen, cut = _best_cuts(bins, node, gradient, curvature, used, 2**level, penalty)
            for place in range(2**level):
                feature[tree, first + place] = chosen[place]
                if cut[place] >= 0:
                    bound[tree, first + place] = bounds[chosen[place]][cut[place]]
            goes = bins[np.arange(len(rows)), chosen[node]] > np.where(cut[node] >= 0, cut[node], BINS)
            node = 2 * node + goes
        sums = np.zeros((leaves, 2))
        np.add.at(sums, node, np.stack([gradient, curvature], 1))
        leaf[tree] = rate * sums[:, 0] / (sums[:, 1] + penalty)
        total += leaf[tree][node]
    return Trees(feature, bound, leaf, start)


@njit
def _best_cuts(  # noqa: PLR0917 - numba takes no keywords
    bins: Any, node: Any, gradient: Any, curvature: Any, used: Any, nodes: int, penalty: float
) -> Any:
    """Per node, the column and the bin to cut behind (-1: none gains)."""
    chosen = np.zeros(nodes, np.int64)
    cut = np.full(nodes, -1, np.int64)
    gain = np.full(nodes, 1e-6)
    for column in used:
        histogram = np.zeros((nodes, BINS + 1, 2))
        for row in range(bins.shape[0]):
            histogram[node[row], bins[row, column], 0] += gradient[row]
            histogram[node[row], bins[row, column], 1] += curvature[row]
        for place in range(nodes):
            g, c = histogram[place, :, 0].sum(), histogram[place, :, 1].sum()
            left_g = left_c = 0.0
            for b in range(BINS):
                left_g += histogram[place, b, 0]
                left_c += histogram[place, b, 1]
                right_g, right_c = g - left_g, c - left_c
                if min(left_c, right_c) < penalty / 2:
                    continue
                value = left_g**2 / (left_c + penalty) + right_g**2 / (right_c + penalty) - g**2 / (c + penalty)
                if value > gain[place]:
                    gain[place], chosen[place], cut[place] = value, column, b
    return chosen, cut
