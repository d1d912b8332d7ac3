"""Decisions: which rules a document breaks, from signals alone, for a whole batch at a time.

`stages/decide.py` states the same rules as Spark columns over stored signals; both must agree on every double.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

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
    """A rule as numbers: the value must lie in [minimum, maximum]; with `exclusive` strictly inside.

    A bound is one number for all rows, None where there is none, or an array with one a row, NaN where it is off.
    """

    minimum: float | Floats | None
    maximum: float | Floats | None
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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds by the values of columns: `bounds` maps a value to (minimum, maximum), None where it is off.

    The values of the columns `by`, joined by "_", are looked up first, then those without the last column, and so on:
    by language and script, "sr_Latn" goes before "sr". A row that is not listed has the bounds of the rule itself.
    """

    by: tuple[str, ...]
    bounds: Mapping[str, tuple[float | None, float | None]]

    @cached_property
    def known(self) -> tuple[str, ...]:
        """The listed values."""
        return tuple(self.bounds)

    @cached_property
    def table(self) -> Floats:
        """The bounds in the order of `known`, NaN where off: shape (values, 2)."""
        return np.array(list(self.bounds.values()), dtype=np.float64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries of one kind for some rows: `rows` ascending, one value per row in each of `columns`."""

    rows: Rows
    columns: Mapping[str, Any]


def places(by: Sequence[str], known: Sequence[str], columns: Mapping[str, pa.Array], count: int) -> Rows:
    """For each of `count` rows the index in `known` of its longest listed value (see `Limits`), -1 where none is."""
    found = np.full(count, -1, dtype=np.int64)
    values = pa.array(known, pa.string())
    for depth in range(len(by), 0, -1):
        keys = pc.binary_join_element_wise(*(columns[name].cast(pa.string()) for name in by[:depth]), "_")
        index = pc.index_in(keys, value_set=values).fill_null(-1).to_numpy(zero_copy_only=False)
        found = np.where(found < 0, index, found)
    return found


def bounds_at(limits: Limits, rows: Rows, otherwise: Bounds) -> Bounds:
    """The bounds of each row: `rows` are places in the known values of `limits`; -1 has those of `otherwise`."""
    own = np.array([_number(otherwise.minimum), _number(otherwise.maximum)], dtype=np.float64)
    low, high = np.vstack([limits.table, own])[rows].T
    return Bounds(minimum=low, maximum=high, exclusive=otherwise.exclusive)


def broken(annotator: str, version: int, reason: str, values: Floats, bounds: Bounds) -> Entries:
    """The rows that break one rule, as entries of `drop_reasons`, each with the bound it broke."""
    below = bounds.below(values)
    rows = np.flatnonzero(below | bounds.above(values))
    low, high = (np.broadcast_to(_number(bound), len(values))[rows] for bound in (bounds.minimum, bounds.maximum))
    limits = np.where(below[rows], low, high)
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


def _number(bound: float | Floats | None) -> float | Floats:
    return np.nan if bound is None else bound


def _empty(kind: pa.DataType) -> pa.Array:
    return pa.array([], type=kind)


def _column(field: pa.Field, entry: Entries) -> pa.Array:
    value = entry.columns[field.name]
    if isinstance(value, (str, int)):
        return pa.repeat(pa.scalar(value, type=field.type), len(entry.rows))
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return pa.array(value, type=field.type, mask=np.isnan(value))
    return pa.array(value, type=field.type)
