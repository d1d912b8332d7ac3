"""Geometry of the charts: histograms as SVG shapes in numbers, drawn by the template. No markup here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.report_page.words import short
from spark_jobs.analysis.histogram import Bar, Histogram

WIDTH, HEIGHT = 360.0, 132.0
LEFT, RIGHT, TOP, BOTTOM = 8.0, 8.0, 22.0, 20.0
# Where zero has no place on the axis, or towers over everything: a bar of its own, and how far it may tower.
_ZERO_WIDTH, _ZERO_GAP, _TOWERS = 14.0, 6.0, 2.5


@dataclass(frozen=True, kw_only=True)
class Column:
    """A bar: kept documents below, dropped ones on top of them; `cut` if it is higher than the chart."""

    x: float
    width: float
    kept_y: float
    kept_height: float
    dropped_y: float
    dropped_height: float
    title: str
    cut: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """A threshold. `text_left`: its words stand left of it, for want of room on the right."""

    x: float
    label: str
    text_left: bool


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A number on the axis. `anchor` keeps it inside the chart at both ends."""

    x: float
    label: str

    @property
    def anchor(self) -> str:
        """SVG's text-anchor."""
        return "start" if self.x < LEFT + 8 else "end" if self.x > WIDTH - RIGHT - 8 else "middle"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A histogram in pixels."""

    width: float
    height: float
    base: float
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Axis:
    """Values to pixels."""

    scale: str
    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value; what is off the axis is put at its end."""
        inside = min(max(value, self.low), self.high)
        if self.scale == "log":
            part = math.log(inside / self.low) / math.log(self.high / self.low) if self.high > self.low else 0.0
        else:
            part = (inside - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return round(self.start + part * (self.end - self.start), 2)


def axis_of(drawn: Histogram) -> Axis:
    """The axis of a histogram."""
    start = LEFT + (_ZERO_WIDTH + _ZERO_GAP if drawn.zero and drawn.scale == "log" else 0.0)
    if drawn.scale == "whole":
        return Axis("linear", drawn.bars[0].low - 0.5, drawn.bars[-1].high + 0.5, start, WIDTH - RIGHT)
    low, high = drawn.bars[0].low, drawn.bars[-1].high
    scale = "linear" if drawn.scale == "linear" or low <= 0 else "log"
    return Axis(scale, low, high if math.isfinite(high) else drawn.bars[-1].low * 1.1, start, WIDTH - RIGHT)


def chart(drawn: Histogram, thresholds: Sequence[tuple[float, str]]) -> Chart:
    """The histogram with its thresholds, each a value and its words."""
    axis = axis_of(drawn)
    top = _top([bar.kept + bar.dropped for bar in (*drawn.bars, *([drawn.zero] if drawn.zero else []))])
    half = 0.5 if drawn.scale == "whole" else 0.0
    columns = [
        _column(bar, axis.at(bar.low - half), axis.at(bar.high + half), top)
        for bar in drawn.bars
        if bar.kept + bar.dropped
    ]
    if drawn.zero is not None:
        columns.insert(0, _column(drawn.zero, LEFT, LEFT + _ZERO_WIDTH, top))
    lines = [_line(axis, value, label) for value, label in thresholds]
    return Chart(
        width=WIDTH, height=HEIGHT, base=HEIGHT - BOTTOM, columns=tuple(columns), lines=tuple(lines),
        ticks=_ticks(axis, drawn),
    )  # fmt: skip


def _top(heights: Sequence[int]) -> float:
    """The height of the chart in documents: the highest bar, unless it towers over all others and is cut."""
    ranked = sorted(heights, reverse=True)
    if len(ranked) > 1 and ranked[1] and ranked[0] > _TOWERS * ranked[1]:
        return ranked[1] * 1.25
    return max(ranked[0], 1)


def _column(bar: Bar, left: float, right: float, top: float) -> Column:
    room, base = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    total = bar.kept + bar.dropped
    height = min(total / top, 1.0) * room
    # What is there can be seen, be it one document among millions.
    height = max(height, 1.0)
    kept = height * bar.kept / total
    gap = 0.6 if right - left > 3 else 0.2
    span = f"{short(bar.low)}" if bar.low == bar.high else f"{short(bar.low)} to {short(bar.high)}"
    return Column(
        x=round(left, 2), width=round(max(right - left - gap, 0.5), 2),
        kept_y=round(base - kept, 2), kept_height=round(kept, 2),
        dropped_y=round(base - height, 2), dropped_height=round(height - kept, 2),
        title=f"{span}: {bar.kept:,} kept, {bar.dropped:,} dropped", cut=short(total) if total > top else "",
    )  # fmt: skip


def _line(axis: Axis, value: float, label: str) -> Line:
    x = axis.at(value)
    return Line(x=x, label=label, text_left=x > WIDTH * 0.6)


def _ticks(axis: Axis, drawn: Histogram) -> tuple[Tick, ...]:
    zero = [Tick(x=LEFT + _ZERO_WIDTH / 2, label="0")] if drawn.zero and drawn.scale == "log" else []
    if axis.scale == "log":
        powers = range(math.ceil(math.log10(axis.low) - 1e-9), math.floor(math.log10(axis.high) + 1e-9) + 1)
        values = [10.0**power for power in powers]
        if len(values) < 3:
            values = [digit * 10.0**power for power in range(powers.start - 1, powers.stop + 1) for digit in (1, 2, 5)]
        values = [value for value in values if axis.low <= value * 1.0000001 and value <= axis.high * 1.0000001]
        values = values[:: max(1, math.ceil(len(values) / 6))]
    else:
        values = _nice(axis.low, axis.high)
        if drawn.scale == "whole":
            values = [value for value in values if value.is_integer()]
    return (*zero, *(Tick(x=axis.at(value), label=short(value)) for value in values))


def _nice(low: float, high: float) -> list[float]:
    """About five round numbers between two."""
    rough = (high - low) / 5 or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]
