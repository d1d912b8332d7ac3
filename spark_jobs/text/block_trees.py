"""Boosted decision trees as arrays: how they judge rows of numbers, and how the fitted ones are read from the package.

Trees are full: node i has children 2i + 1 and 2i + 2, the last level are leaves.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel


@dataclass(frozen=True, eq=False)
class Trees:
    """`feature`, `bound`: [trees, inner nodes], right where the number is above the bound; `leaf`: [trees, leaves]."""

    feature: npt.NDArray[np.int32]
    bound: npt.NDArray[np.float32]
    leaf: npt.NDArray[np.float32]
    start: float

    def judge(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A value in (0, 1) for each row."""
        judged: npt.NDArray[np.float32] = judge(rows, self.feature, self.bound, self.leaf, self.start)
        return judged


@kernel
def judge(rows: Any, feature: Any, bound: Any, leaf: Any, start: float) -> Any:
    """Sum of the leaves each row falls into, squeezed into (0, 1)."""
    out = np.empty(rows.shape[0], np.float32)
    inner = feature.shape[1]
    for r in range(rows.shape[0]):
        total = start
        for t in range(feature.shape[0]):
            node = 0
            while node < inner:
                node = 2 * node + 1 + (rows[r, feature[t, node]] > bound[t, node])
            total += leaf[t, node - inner]
        out[r] = 1.0 / (1.0 + np.exp(-total))
    return out


@lru_cache(maxsize=4)
def fitted(name: str) -> Trees:
    """The trees of `<name>.json` beside this file."""
    stored = json.loads((files(__package__) / f"{name}.json").read_text(encoding="utf-8"))
    return Trees(
        np.array(stored["feature"], np.int32),
        np.array(stored["bound"], np.float32),
        np.array(stored["leaf"], np.float32),
        float(stored["start"]),
    )
