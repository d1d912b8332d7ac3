"""The total order that decides who survives, as one comparable struct a document: smaller is better.

Published documents come before new ones, survivors among them first; then the criteria of the recipe; then the id.
Everything in it is a stable value of the document, so no partitioning, batch or retry can change an election.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Classes of documents, best first.
SURVIVOR, PUBLISHED, NEW, DROPPED = range(4)


def node_of(snapshot: Column, doc_id: Column) -> Column:
    """The key of a document as one string; ids are hexadecimal, so the last slash splits it."""
    return F.concat(snapshot, F.lit("/"), doc_id)


def id_of(node: Column) -> Column:
    """The document id of a node."""
    return F.substring_index(node, "/", -1)


def snapshot_of(node: Column) -> Column:
    """The snapshot of a node."""
    return F.substring(node, F.lit(1), F.length(node) - F.length(id_of(node)) - 1)


def numbered(rows: DataFrame, first: int) -> DataFrame:
    """`rows` with `number`: larger from `first` on in the order of `rank`, with gaps."""
    return rows.orderBy("rank").withColumn("number", F.monotonically_increasing_id() + F.lit(first))


def criterion(name: str, score: str | None) -> Column:
    """One criterion as a double, smaller is better; a missing value comes last.

    Lengths and times stay below 2^53, so the double is exact.
    """
    if name == "score":
        measured = F.col(score) if score is not None else F.lit(0.0)
        value = F.when(~F.isnan(measured), -measured)
    elif name == "length":
        value = -F.col("chars").cast("double")
    elif name == "date":
        value = F.unix_micros("captured_at").cast("double")
    else:
        raise ValueError(f"no criterion {name!r}")
    return F.coalesce(value, F.lit(float("inf")))


def rank_new(criteria: Sequence[str], score: str | None, position: int) -> Column:
    """Rank of documents of the snapshot being deduped; `taken` says which may survive."""
    kind = F.when(F.col("taken"), F.lit(NEW)).otherwise(F.lit(DROPPED))
    values = [criterion(name, score) for name in criteria]
    return _rank(kind, values, F.lit(position))


def rank_old(criteria: Sequence[str], earlier: Sequence[str], kept: Column) -> Column:
    """Rank of published documents: survivors first, then the order of the snapshots."""
    kind = F.when(kept, F.lit(SURVIVOR)).otherwise(F.lit(PUBLISHED))
    position = F.array_position(F.array(*map(F.lit, earlier)), F.col("snapshot")).cast("int") - 1
    return _rank(kind, [F.lit(0.0) for _ in criteria], position)


def _rank(kind: Column, values: Sequence[Column], position: Column) -> Column:
    fields = [value.alias(f"by_{number}") for number, value in enumerate(values)]
    return F.struct(
        kind.cast("int").alias("kind"), *fields, position.cast("int").alias("position"), F.col("doc_id").alias("doc_id")
    )
