"""Decisions: which rules a document breaks, from signals alone, for a whole batch at a time.

`stages/decide.py` states the same rules as Spark columns over stored signals; both must agree on every double.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DROP_REASON = pa.struct(
    [
        ("annotator", pa.string()),
        ("version", pa.int32()),
        ("reason", pa.string()),
        ("value", pa.float64()),
        ("bound", pa.float64()),
    ]
)
EDIT = pa.struct(
    [("editor", pa.string()), ("version", pa.int32()), ("count", pa.int32()), ("chars_removed", pa.int64())]
)

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A rule as numbers: the value must lie in [minimum, maximum]; with `exclusive` strictly inside."""

    minimum: float | None
    maximum: float | None
    exclusive: bool

    def below(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Where the minimum is broken; NaN breaks nothing."""
        if self.minimum is None:
            return np.zeros(len(values), dtype=bool)
        return (values <= self.minimum) if self.exclusive else (values < self.minimum)

    def above(self, values: Floats) -> npt.NDArray[np.bool_]:
        """Where the maximum is broken; NaN breaks nothing."""
        if self.maximum is None:
            return np.zeros(len(values), dtype=bool)
        return (values >= self.maximum) if self.exclusive else (values > self.maximum)


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries of one kind for some rows: `rows` ascending, one value per row in each of `columns`."""

    rows: Rows
    columns: Mapping[str, Any]


def broken(annotator: str, version: int, reason: str, values: Floats, bounds: Bounds) -> Entries:
    """The rows that break one rule, as entries of `drop_reasons`."""
    below = bounds.below(values)
    rows = np.flatnonzero(below | bounds.above(values))
    limits = np.where(below[rows], _number(bounds.minimum), _number(bounds.maximum))
    return entries_of(
        rows,
        {"annotator": annotator, "version": version, "reason": reason, "value": values[rows], "bound": limits},
    )


def entries_of(rows: Rows, columns: Mapping[str, Any]) -> Entries:
    """Entries from arrays and constants; NaN becomes null when the list is built."""
    return Entries(rows, columns)


def list_column(kind: pa.StructType, count: int, entries: Sequence[Entries]) -> pa.ListArray:
    """One list per row from all entries, in the order given; shape (count,), never null."""
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *(entry.rows for entry in entries)])
    order = np.argsort(rows, kind="stable")
    fields = [pa.concat_arrays([_empty(field.type), *(_column(field, entry) for entry in entries)]) for field in kind]
    flat = pa.StructArray.from_arrays(fields, fields=list(kind)).take(pa.array(order))
    offsets = np.zeros(count + 1, dtype=np.int32)
    np.cumsum(np.bincount(rows, minlength=count), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def _number(bound: float | None) -> float:
    return np.nan if bound is None else float(bound)


def _empty(kind: pa.DataType) -> pa.Array:
    return pa.array([], type=kind)


def _column(field: pa.Field, entry: Entries) -> pa.Array:
    value = entry.columns[field.name]
    if isinstance(value, (str, int)):
        return pa.repeat(pa.scalar(value, type=field.type), len(entry.rows))
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return pa.array(value, type=field.type, mask=np.isnan(value))
    return pa.array(value, type=field.type)
