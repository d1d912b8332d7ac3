"""From lines that are cut to spans of the text: in order, apart, each with its step and the document that holds it."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.dedup.order import id_of, snapshot_of

_SPAN = ("start", "length", "byte_start", "byte_length")
_EVIDENCE = ("step", "linked_place", "linked_node", "linked_start")
WITHIN = "within_document"


def spans_of_lines(cuts: DataFrame, lines: DataFrame) -> DataFrame:
    """Spans of cut lines. `cuts`: place, line, step, holder, similarity, linked_line; `lines`: place, line, spans.

    Gives place, the columns of a span, step, linked_place (in this snapshot) or linked_node, linked_start, similarity.
    """
    itself = lines.select(
        "place", F.col("line").cast("bigint").alias("linked_line"), F.col("spans")[0]["start"].alias("linked_start")
    )
    found = cuts.join(lines.select("place", "line", "spans"), ["place", "line"])
    found = found.join(itself, ["place", "linked_line"], "left")
    return found.select(
        "place", F.inline("spans"), "step",
        F.when(F.col("holder.node").isNull(), F.col("holder.place")).alias("linked_place"),
        F.col("holder.node").alias("linked_node"), "linked_start", "similarity",
    ).select("place", *_SPAN, *_EVIDENCE, "similarity")  # fmt: skip


def spans_of_repeats(documents: DataFrame) -> DataFrame:
    """The same of what documents repeat themselves: place, own_cuts."""
    return documents.select("place", F.inline("own_cuts")).select(
        "place", *_SPAN, F.lit(WITHIN).alias("step"), F.col("place").alias("linked_place"),
        F.lit(None).cast("string").alias("linked_node"), "linked_start", "similarity",
    )  # fmt: skip


def joined_spans(spans: DataFrame) -> DataFrame:
    """Neighbouring spans with the same evidence as one: place, the span, evidence, the least similarity."""
    document = Window.partitionBy("place").orderBy("start")
    end = F.col("start") + F.col("length")
    same: Column = F.lag(end).over(document).eqNullSafe(F.col("start")) & F.col("linked_start").isNull()
    for name in _EVIDENCE:
        same &= F.lag(name).over(document).eqNullSafe(F.col(name))
    run = F.sum(F.when(same, 0).otherwise(1)).over(document)
    return (
        spans.withColumn("_run", run)
        .groupBy("place", "_run", *_EVIDENCE)
        .agg(
            F.min("start").alias("start"), F.sum("length").alias("length"), F.min("byte_start").alias("byte_start"),
            F.sum("byte_length").alias("byte_length"), F.min("similarity").alias("similarity"),
        )
    )  # fmt: skip


def cuts_of_documents(spans: DataFrame, documents: DataFrame, snapshot: str) -> DataFrame:
    """One row a document with cuts: place, cuts (as the table `deduped` has them), chars_cut.

    `documents`: place, doc_id, of the snapshot.
    """
    named = documents.select(F.col("place").alias("linked_place"), F.col("doc_id").alias("_here"))
    whole = spans.join(named, "linked_place", "left")
    here = F.col("linked_node").isNull()
    node = F.col("linked_node")
    span = F.struct(
        *_SPAN, "step",
        F.when(here, F.lit(snapshot)).otherwise(snapshot_of(node)).alias("linked_snapshot"),
        F.when(here, F.col("_here")).otherwise(id_of(node)).alias("linked_to"),
        "linked_start", "similarity",
    )  # fmt: skip
    return whole.groupBy("place").agg(
        F.sort_array(F.collect_list(span)).alias("cuts"), F.sum("length").alias("chars_cut")
    )
