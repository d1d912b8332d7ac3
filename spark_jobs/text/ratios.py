"""Exact ratios of counts: what the public filters compute as int / int, for a whole batch."""

from typing import Any

import numpy as np
import numpy.typing as npt


def ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """`part / whole` as doubles, NaN where `whole` is 0: no share of nothing."""
    result = np.full(len(whole), np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result
