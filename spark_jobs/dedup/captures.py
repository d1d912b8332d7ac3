"""Captures of one page: documents of one canonical URL, linked over all snapshots. Which one is taken is for mixing.

The canonical form is a column of the documents, versioned where it is made. A document without a URL is its own page.
"""

from typing import Literal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

# Moves when the same captures get another id.
CAPTURES = 1

Scope = Literal["all", "year"]


def capture_id(scope: Scope) -> Column:
    """The id of a group, of canonical_url, url, doc_id and captured_at: 128 bits in hex."""
    page = F.coalesce("canonical_url", "url", "doc_id")
    parts = [F.lit(str(CAPTURES)), page]
    if scope == "year":
        parts.append(F.coalesce(F.year("captured_at").cast("string"), F.lit("")))
    return F.substring(F.sha2(F.concat_ws("\x1f", *parts), 256), 1, 32)


def with_captures(rows: DataFrame, published: DataFrame | None) -> DataFrame:
    """Number the captures of each page: capture_number, previous_snapshot and previous_id, in the place of the date.

    `rows`: snapshot, doc_id, captured_at, capture_id, ...; `published`: snapshot, doc_id, capture_id, capture_number of
    earlier snapshots. Captures are numbered from 1: earlier snapshots first, then by date (none first) and id.
    """
    turn = Window.partitionBy("capture_id").orderBy(F.asc_nulls_first("captured_at"), "doc_id")
    here = rows.withColumns({
        "_turn": F.row_number().over(turn), "_snapshot": F.lag("snapshot").over(turn),
        "_id": F.lag("doc_id").over(turn),
    })  # fmt: skip
    if published is None:
        nothing = F.lit(None).cast("struct<number: bigint, snapshot: string, doc_id: string>")
        here = here.withColumn("_last", nothing)
    else:
        last = F.max(F.struct(F.col("capture_number").alias("number"), "snapshot", "doc_id")).alias("_last")
        here = here.join(published.groupBy("capture_id").agg(last), "capture_id", "left")
    number = F.coalesce("_last.number", F.lit(0)) + F.col("_turn")
    return here.select(
        *(name for name in rows.columns if name != "captured_at"), number.cast("bigint").alias("capture_number"),
        F.coalesce("_snapshot", "_last.snapshot").alias("previous_snapshot"),
        F.coalesce("_id", "_last.doc_id").alias("previous_id"),
    )  # fmt: skip
