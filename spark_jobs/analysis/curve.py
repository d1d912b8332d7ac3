"""Retention curve of one bound: what would be kept at every threshold, all other rules as they are, from one scan.

Thresholds are numbers of two significant digits and the published bound, so every point is counted and none estimated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spark_jobs.analysis.changes import require_code, require_filter
from spark_jobs.analysis.distribution import Bin, distributions
from spark_jobs.analysis.grid import cell_of, lower_end
from spark_jobs.analysis.overlap import Tally
from spark_jobs.analysis.stored import Stored, StoredFilter
from spark_jobs.analysis.verdicts import passes, tokens_of
from spark_jobs.errors import RecipeError, UsageError
from spark_jobs.operators import registry
from spark_jobs.operators.base import Rule

# Values to try a parameter with, where its own neighbours are out of range: shares, counts.
_PROBES = (0.5, 0.25, 0, 1, 2, 3, 10, 100)
# Of the documents, so many thousandths at each end do not stretch the axis.
_TAIL = 5


@dataclass(frozen=True, kw_only=True)
class Governed:
    """The one rule that a parameter is the bound of. `lower` says which: the minimum or the maximum.

    `others` are the rules of its filter without that bound.
    """

    filter: str
    parameter: str
    rule: Rule
    lower: bool
    whole: bool
    bound: float | None
    others: tuple[Rule, ...]

    @property
    def signal(self) -> str:
        """Column of the signal."""
        return f"{self.filter}__{self.rule.signal}"


@dataclass(frozen=True, kw_only=True)
class Point:
    """What is kept at a threshold."""

    threshold: float
    documents: int
    tokens: int
    published: bool


def governed(filters: Sequence[StoredFilter], name: str, parameter: str) -> Governed:
    """The rule behind `name.parameter`. Raises UsageError where it is not the bound of exactly one rule."""
    stored = require_filter(name, {stored.name: stored for stored in filters})
    require_code(stored)
    operator = registry.build("filters", name, stored.params)
    fields = type(operator.params).model_fields
    if parameter not in fields:
        # The registry knows how to say it, with the nearest name.
        registry.build("filters", name, {**stored.params, parameter: 0})
    value = getattr(operator.params, parameter)
    tried = [value + 1, value / 2] if isinstance(value, int | float) and not isinstance(value, bool) else []
    for probe in (*tried, *_PROBES):
        try:
            moved = registry.build("filters", name, {**stored.params, parameter: probe})
        except RecipeError:
            continue
        if getattr(moved.params, parameter) == value or isinstance(getattr(moved.params, parameter), bool):
            continue
        found = _difference(operator.rules(), moved.rules(), value, getattr(moved.params, parameter))
        if found is None:
            break
        rule, lower = found
        if getattr(rule, "limits", None) is not None:
            raise UsageError(
                f"{name}.{parameter}: {rule.reason} has other bounds for some values of a column, so no one threshold "
                "draws a curve; ask with --set and --by"
            )
        off = replace(rule, minimum=None) if lower else replace(rule, maximum=None)
        return Governed(
            filter=name, parameter=parameter, rule=rule, lower=lower,
            whole="float" not in str(fields[parameter].annotation), bound=None if value is None else float(value),
            others=tuple(off if stated == rule else stated for stated in operator.rules()),
        )  # fmt: skip
    raise UsageError(f"{name}.{parameter}: it is not the bound of one rule, so it has no curve; give a min_ or a max_")


def _difference(old: Sequence[Rule], new: Sequence[Rule], value: Any, probe: Any) -> tuple[Rule, bool] | None:
    """The rule that moved from `value` to `probe` and its side, if it is the only one that did and is that bound."""
    left = {(rule.reason, rule.signal): rule for rule in old}
    moved = [rule for rule in new if left.get((rule.reason, rule.signal)) != rule]
    if len(moved) != 1 or not left.keys() <= {(rule.reason, rule.signal) for rule in new}:
        return None
    (rule,) = moved
    was = left.get((rule.reason, rule.signal), replace(rule, minimum=None, maximum=None))
    for side in ("minimum", "maximum"):
        if getattr(was, side) == value and replace(was, **{side: probe}) == rule:
            return was, side == "minimum"
    return None


def governed_in(
    filters: Mapping[str, Sequence[StoredFilter]], stored: Sequence[Stored], name: str, parameter: str
) -> Governed:
    """The rule behind `name.parameter` in all publications (`filters` by publication). Raises UsageError."""
    found = {one.snapshot: governed(filters[one.publication], name, parameter) for one in stored}
    if len({(g.rule, g.lower, g.bound) for g in found.values()}) > 1:
        bounds = ", ".join(f"{snapshot}: {g.bound}" for snapshot, g in found.items())
        raise UsageError(f"{name}.{parameter} differs between the snapshots ({bounds}); name one with --snapshot")
    return found[stored[-1].snapshot]


def curve(
    stored: Sequence[Stored], filters: Mapping[str, Sequence[StoredFilter]], shown: Governed, points: int
) -> tuple[tuple[Point, ...], Tally]:
    """Documents and tokens kept at about `points` thresholds, ascending; and all documents there are."""
    marks = () if shown.bound is None else (shown.bound,)
    bins: list[Bin] = []
    for one in stored:
        others = [replace(f, stated=shown.others) if f.name == shown.filter else f for f in filters[one.publication]]
        counted = distributions(one.rows, {shown.signal: marks}, kept=passes(one, others), tokens=tokens_of(one))
        bins += counted[shown.signal]
    passed = [entry for entry in bins if entry.kept]
    every = Tally(sum(entry.documents for entry in bins), sum(entry.tokens for entry in bins))
    return tuple(_point(passed, shown, t) for t in _thresholds(passed, shown, points)), every


def _thresholds(bins: Sequence[Bin], shown: Governed, points: int) -> list[float]:
    """Evenly over the grid, between the tails of the distribution, and the published bound."""
    counted = sorted((entry.cell, entry.documents) for entry in bins if entry.cell is not None)
    total, seen, inner = sum(number for _, number in counted), 0, []
    for cell, number in counted:
        if seen + number > total * _TAIL // 1000 and seen < total - total * _TAIL // 1000:
            inner.append(cell)
        seen += number
    bound = shown.bound
    if bound is not None:
        inner.append(cell_of(bound))
    if not inner:
        return []
    low, high = min(inner) - min(inner) % 2, max(inner) + max(inner) % 2
    edges = [lower_end(cell) for cell in range(low, high + 1, 2)]
    if shown.whole:
        edges = [edge for edge in edges if edge.is_integer()]
    step = max(len(edges) - 1, 1) / max(points - 1, 1)
    chosen = {edges[min(round(i * step), len(edges) - 1)] for i in range(points)} if edges else set()
    return sorted(chosen | ({bound} if bound is not None else set()))


def _point(bins: Sequence[Bin], shown: Governed, threshold: float) -> Point:
    passing = [entry for entry in bins if not _broken(entry, shown, threshold)]
    return Point(
        threshold=threshold, documents=sum(e.documents for e in passing), tokens=sum(e.tokens for e in passing),
        published=threshold == shown.bound,
    )  # fmt: skip


def _broken(entry: Bin, shown: Governed, threshold: float) -> bool:
    """Whether the documents of a bin break the rule at a threshold, which is an edge of the grid or the bound."""
    if entry.cell is None:
        return False
    if threshold == shown.bound:
        place, on = entry.place, 1
    else:
        place, on = entry.cell, cell_of(threshold)
    if place == on:
        return shown.rule.exclusive
    return place < on if shown.lower else place > on
