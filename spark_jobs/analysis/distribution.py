"""Distributions of signals: documents and tokens by cell of the grid and by side of the bounds, in one scan, no text.

The counting is done by batch in the workers, as integers, so it is exact and does not depend on the partitioning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.analysis.grid import Floats, cells_of, places_among

_SCHEMA = "signal STRING, cell BIGINT, place BIGINT, kept BOOLEAN, documents BIGINT, tokens BIGINT"
_ARROW = pa.schema(
    [("signal", pa.string()), ("cell", pa.int64()), ("place", pa.int64()), ("kept", pa.bool_()),
     ("documents", pa.int64()), ("tokens", pa.int64())]
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Bin:
    """Documents of one cell that lie on one side of the bounds and share a verdict; `cell` None: no value.

    `place` counts the bounds: 2i between the i-th and the next, 2i + 1 on the i-th (from 0) itself.
    """

    cell: int | None
    place: int
    kept: bool
    documents: int
    tokens: int


def distributions(
    rows: DataFrame, bounds: Mapping[str, Sequence[float]], *, kept: Column, tokens: Column
) -> dict[str, tuple[Bin, ...]]:
    """Bins by signal column, ascending, for each key of `bounds`, whose values are the bounds to tell the sides of.

    `kept` and `tokens` say what is counted of a row: its verdict (boolean) and its tokens (long).
    """
    signals = [F.col(f"`{name}`") for name in bounds]
    columns = [kept.alias("kept"), tokens.cast("long").alias("tokens"), *signals]
    passed = DistributionPass({name: tuple(sorted(set(values))) for name, values in bounds.items()})
    partial = rows.select(*columns).mapInArrow(passed, _SCHEMA)
    keys = ("signal", "cell", "place", "kept")
    whole = partial.groupBy(*keys).agg(F.sum("documents").alias("documents"), F.sum("tokens").alias("tokens"))
    found: dict[str, list[Bin]] = {name: [] for name in bounds}
    for row in whole.collect():
        found[row["signal"]].append(Bin(row["cell"], row["place"], row["kept"], row["documents"], row["tokens"]))
    return {name: tuple(sorted(bins, key=_ascending)) for name, bins in found.items()}


def _ascending(entry: Bin) -> tuple[bool, int, int, bool]:
    return entry.cell is not None, entry.cell or 0, entry.place, entry.kept


@dataclass(frozen=True)
class DistributionPass:
    """The function given to `mapInArrow`: columns kept, tokens and the signals, to counts by bin."""

    bounds: Mapping[str, tuple[float, ...]]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The bins of each batch."""
        for batch in batches:
            kept = batch["kept"].to_numpy(zero_copy_only=False).astype(np.int64)
            tokens = batch["tokens"].fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
            for name, bounds in self.bounds.items():
                values = batch[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
                yield _counted(name, values, np.array(bounds, dtype=np.float64), kept, tokens)


def _counted(
    name: str, values: Floats, bounds: Floats, kept: np.typing.NDArray[np.int64], tokens: np.typing.NDArray[np.int64]
) -> pa.RecordBatch:
    there = ~np.isnan(values)
    numbers = np.where(there, values, 0.0)
    cells, places = np.where(there, cells_of(numbers), 0), np.where(there, places_among(bounds, numbers), 0)
    keys = np.stack([there, cells, places, kept])
    unique, where = np.unique(keys, axis=1, return_inverse=True)
    documents, sums = np.zeros(unique.shape[1], dtype=np.int64), np.zeros(unique.shape[1], dtype=np.int64)
    np.add.at(documents, where.ravel(), 1)
    np.add.at(sums, where.ravel(), tokens)
    columns = [
        pa.array([name] * unique.shape[1], pa.string()),
        pa.array(unique[1], pa.int64(), mask=unique[0] == 0),
        pa.array(unique[2], pa.int64()),
        pa.array(unique[3].astype(bool)),
        pa.array(documents),
        pa.array(sums),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW)
