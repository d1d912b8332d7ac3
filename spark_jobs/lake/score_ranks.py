"""Where a score stands among the others of its publication, from counts that the publication record holds.

Scores of a classifier crowd near 0 and near 1, so the cells are steps of log-odds: 2 % of the odds, at both ends.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_STEPS = 50  # cells in a unit of natural log-odds
_LAST = 800  # odds of e^16, beyond which scores are 0 or 1 for all purposes
_LEAST = 1e-9


def cell_of(score: float) -> int:
    """The cell of a score in [0, 1]; cells are in the order of scores."""
    inside = min(max(score, _LEAST), 1 - _LEAST)
    cell = round(_STEPS * math.log(inside / (1 - inside)))
    return max(-_LAST, min(_LAST, cell))


def count_cells(frame: DataFrame, columns: Sequence[str]) -> dict[str, list[list[int]]]:
    """By score column [cell, documents] in order, in one job; scores that are null or not a number are left out."""
    if not columns:
        return {}
    entries = F.array(*(F.struct(F.lit(name).alias("name"), _cell(F.col(f"`{name}`")).alias("cell"))
                        for name in columns))  # fmt: skip
    counted = frame.select(F.explode(entries).alias("entry")).where("entry.cell IS NOT NULL").groupBy("entry").count()
    found: dict[str, list[list[int]]] = {name: [] for name in columns}
    for row in counted.collect():
        found[row["entry"]["name"]].append([int(row["entry"]["cell"]), int(row["count"])])
    return {name: sorted(cells) for name, cells in found.items()}


def percentile(cells: Sequence[Sequence[int]], score: float) -> dict[str, Any] | None:
    """Percent of the scored documents below a score, half of its own cell counted, and of how many; None of none."""
    total = sum(number for _cell, number in cells)
    if not total:
        return None
    own = cell_of(score)
    below = sum(number for cell, number in cells if cell < own)
    beside = sum(number for cell, number in cells if cell == own)
    return {"percentile": round(100 * (below + beside / 2) / total, 2), "of": total}


def ranked(counts: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of a row of `scored` with their percentile; None where the record has no counts of the column."""
    cells: Mapping[str, Any] = counts.get("scores", {})
    return {
        name: {"score": value, **(percentile(cells.get(name, ()), value) or {"percentile": None, "of": None})}
        for name, value in row.items()
        if "__" in name and isinstance(value, float) and not math.isnan(value)
    }


def _cell(score: Column) -> Column:
    inside = F.least(F.greatest(score, F.lit(_LEAST)), F.lit(1 - _LEAST))
    cell = F.rint(F.lit(_STEPS) * F.log(inside / (F.lit(1.0) - inside))).cast("int")
    bounded = F.greatest(F.lit(-_LAST), F.least(F.lit(_LAST), cell))
    return F.when(score.isNotNull() & ~F.isnan(score), bounded)
