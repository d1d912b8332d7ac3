"""The content digest: row count and the sum modulo 2^128 of SHA-256 over canonically serialised rows.

Independent of order and of files, and additive: digest(A + B) = digest(A) + digest(B), so after a takedown
after = before - removed can be checked by arithmetic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    MapType,
    StringType,
    StructType,
    TimestampType,
)

MODULUS = 1 << 128
_LIMBS = 4  # 4 limbs of 32 bits: their sums stay exact in a long for up to 2^31 rows


@dataclass(frozen=True)
class ContentDigest:
    """Rows, and the sum of their hashes."""

    rows: int
    total: int

    def __add__(self, other: "ContentDigest") -> "ContentDigest":
        return ContentDigest(self.rows + other.rows, (self.total + other.total) % MODULUS)

    def __sub__(self, other: "ContentDigest") -> "ContentDigest":
        return ContentDigest(self.rows - other.rows, (self.total - other.total) % MODULUS)

    def __str__(self) -> str:
        return f"{self.rows}:{self.total:032x}"

    @classmethod
    def parse(cls, text: str) -> "ContentDigest":
        """The inverse of `str`."""
        rows, total = text.split(":")
        return cls(int(rows), int(total, 16))


def _canonical(name: str, kind: DataType) -> Column:
    column = F.col(f"`{name}`")
    if isinstance(kind, StringType):
        value = column
    elif isinstance(kind, BinaryType):
        value = F.sha2(column, 256)
    elif isinstance(kind, TimestampType):
        value = F.unix_micros(column).cast("string")
    elif isinstance(kind, (ArrayType, StructType, MapType)):
        value = F.to_json(column, {"ignoreNullFields": "false"})
    else:
        value = column.cast("string")
    framed = F.concat(F.lit(f"{name}=V"), F.length(value).cast("string"), F.lit(":"), value)
    return F.when(column.isNull(), F.lit(f"{name}=N;")).otherwise(framed)


def row_hash(schema: StructType, columns: Sequence[str]) -> Column:
    """SHA-256 (hex) of a row: its columns in name order, framed by length, nulls marked."""
    parts = [_canonical(name, schema[name].dataType) for name in sorted(columns)]
    return F.sha2(F.concat(*parts), 256)


def digest_columns(schema: StructType, columns: Sequence[str]) -> list[Column]:
    """Aggregates for `observe` or `agg`, read back with `from_metrics`."""
    hashed = row_hash(schema, columns)
    limbs = [
        F.coalesce(F.sum(F.conv(F.substring(hashed, 33 + 8 * limb, 8), 16, 10).cast("long")), F.lit(0)).alias(
            f"limb{limb}"
        )
        for limb in range(_LIMBS)
    ]
    return [F.count(F.lit(1)).alias("rows"), *limbs]


def from_metrics(metrics: Mapping[str, Any]) -> ContentDigest:
    """The digest from the aggregates of `digest_columns`."""
    total = 0
    for limb in range(_LIMBS):
        total = (total << 32) + int(metrics[f"limb{limb}"])
    return ContentDigest(int(metrics["rows"]), total % MODULUS)


def digest_of(frame: DataFrame, columns: Sequence[str] | None = None) -> ContentDigest:
    """Read the data pages of a frame and digest them."""
    names = tuple(columns) if columns is not None else tuple(frame.columns)
    # An aggregate without keys has exactly one row.
    (row,) = frame.agg(*digest_columns(frame.schema, names)).collect()
    return from_metrics(row.asDict())
