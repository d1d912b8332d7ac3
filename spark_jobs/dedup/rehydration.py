"""Weights by duplication: how often a document is repeated, by the size of its cluster (FineWeb2, arXiv 2506.20920).

Sizes whose documents survive the filters better than average are repeated, the others come once. Two rules:
`published_weights` is the arithmetic of the folder misc/rehydration of huggingface/fineweb-2, its accident with small
tables included; `supported_weights` is ours: fractions instead of floats, every row on enough clusters, and small
tables as they are. Plain values in, plain values out; counting clusters and mixing is done elsewhere.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import groupby
from typing import Literal

# Moves when weights can change for the same counts.
VERSION = 1
WINDOW = 5
Rule = Literal["supported", "published"]


@dataclass(frozen=True)
class SizeRow:
    """Clusters of one size, or of a run of sizes that begins at `first_size`.

    `documents` are all members and `dropped` those that filters dropped. `clusters` and `removed` are the same with
    every cluster counted once, as if one document of it, drawn at random, had gone through the filters.
    """

    first_size: int
    documents: int
    dropped: int
    clusters: Fraction
    removed: Fraction

    @classmethod
    def of(cls, size: int, documents: int, dropped: int) -> "SizeRow":
        """The row of one size; documents of a cluster that spans languages count for their own share of it."""
        return cls(size, documents, dropped, Fraction(documents, size), Fraction(dropped, size))

    @property
    def rate(self) -> Fraction:
        """Removal rate, in [0, 1]."""
        return self.removed / self.clusters

    def __add__(self, other: "SizeRow") -> "SizeRow":
        return SizeRow(
            min(self.first_size, other.first_size), self.documents + other.documents, self.dropped + other.dropped,
            self.clusters + other.clusters, self.removed + other.removed,
        )  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Neighbouring rows of one weight: it holds from `first_size` up to the next run."""

    first_size: int
    weight: int
    rows: int
    documents: int
    dropped: int
    clusters: Fraction


@dataclass(frozen=True)
class Weights:
    """The table of one language; rates in [0, 1], `lowest_rate` is that of the best row."""

    maximum: int
    global_rate: Fraction
    lowest_rate: Fraction
    runs: tuple[Run, ...]

    def of(self, size: int) -> int:
        """Copies of a document whose cluster has this size: the weight of the largest first size up to it."""
        return weight_of([(run.first_size, run.weight) for run in self.runs], size)


def weights(
    rows: Iterable[SizeRow], *, maximum: int, rule: Rule = "supported", min_clusters: int = 1,
    tail_size: int | None = None,
) -> Weights:  # fmt: skip
    """The table of one language from its rows (one a size, in any order, at least one).

    `min_clusters` is the support of a row under `supported`; under `published` sizes from `tail_size` on are one row.
    """
    ordered = sorted(rows, key=lambda row: row.first_size)
    whole = reduce(SizeRow.__add__, ordered)
    if rule == "published":
        table = with_tail(ordered, tail_size)
        percent = [float(100 * row.rate) for row in table]
        found = published_weights(percent, float(100 * whole.rate), maximum)
    else:
        table = pooled(ordered, min_clusters)
        found = supported_weights([row.rate for row in table], whole.rate, maximum)
    return Weights(maximum, whole.rate, min(row.rate for row in table), _runs(table, found))


def pooled(rows: Sequence[SizeRow], min_clusters: int) -> tuple[SizeRow, ...]:
    """Neighbours joined until each row has the support; what is too little at the end joins the row before it."""
    done: list[SizeRow] = []
    waiting: SizeRow | None = None
    for row in rows:
        waiting = row if waiting is None else waiting + row
        if waiting.clusters >= min_clusters:
            done.append(waiting)
            waiting = None
    if waiting is not None:
        done[-1:] = [done[-1] + waiting] if done else [waiting]
    return tuple(done)


def with_tail(rows: Sequence[SizeRow], tail_size: int | None) -> tuple[SizeRow, ...]:
    """Rows of sizes from `tail_size` on as one row, keyed by the first of them."""
    tail = [row for row in rows if tail_size is not None and row.first_size >= tail_size]
    head = tuple(rows[: len(rows) - len(tail)])
    return (*head, reduce(SizeRow.__add__, tail)) if tail else head


def supported_weights(rates: Sequence[Fraction], global_rate: Fraction, maximum: int) -> tuple[int, ...]:
    """A weight a row, exactly: the mean of five neighbours, rounded half to even; fewer than five rows stay raw."""
    lowest = min(rates)
    raw = [_raw(rate, global_rate, lowest, maximum) for rate in rates]
    edge = WINDOW // 2
    inner = [sum(raw[at - edge : at + edge + 1], Fraction(0)) / WINDOW for at in range(edge, len(raw) - edge)]
    smooth = [*raw[:edge], *inner, *raw[-edge:]] if len(raw) >= WINDOW else raw
    return tuple(round(value) for value in smooth)


def _raw(rate: Fraction, global_rate: Fraction, lowest: Fraction, maximum: int) -> Fraction:
    if rate >= global_rate:
        return Fraction(1)
    return 1 + (maximum - 1) * (rate - global_rate) / (lowest - global_rate)


def published_weights(rates: Sequence[float], global_rate: float, maximum: int) -> tuple[int, ...]:
    """A weight a row as huggingface/fineweb-2 computes it; rates in percent, ascending in size, the tail last.

    The smoothing is a convolution with five weights of .2: adding up first gives other ties. Of tables with three or
    four rows it makes an accident that parity needs: see the tests.
    """
    lowest = min(rates)
    raw = [
        1.0 if rate >= global_rate else 1 + (maximum - 1) * (rate - global_rate) / (lowest - global_rate)
        for rate in rates
    ]
    edge = WINDOW // 2
    places = range(edge, max(len(raw) - edge, edge + 1))
    inner = [reduce(lambda total, value: total + 0.2 * value, raw[at - edge : at + edge + 1], 0.0) for at in places]
    # With fewer rows than the window there are more values than rows: the last ones fall off.
    return tuple(round(value) for value in [*raw[:edge], *inner, *raw[-edge:]][: len(raw)])


def weight_of(runs: Sequence[tuple[int, int]], size: int) -> int:
    """The weight of the largest first size that is at most `size`; 1 below all of them. `runs` ascend."""
    place = bisect_right([first for first, _ in runs], size)
    return runs[place - 1][1] if place else 1


def _runs(rows: Sequence[SizeRow], found: Sequence[int]) -> tuple[Run, ...]:
    grouped = [[row for row, _ in pairs] for _, pairs in groupby(zip(rows, found, strict=True), key=lambda p: p[1])]
    heads = [weight for weight, _ in groupby(found)]
    return tuple(
        Run(
            members[0].first_size, weight, len(members), sum(row.documents for row in members),
            sum(row.dropped for row in members), sum((row.clusters for row in members), Fraction(0)),
        )
        for weight, members in zip(heads, grouped, strict=True)
    )  # fmt: skip
