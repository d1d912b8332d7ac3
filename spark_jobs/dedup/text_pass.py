"""The levels of text, one after the other, over the documents that the levels of documents keep. No text is read here.

A level sees what the ones before it left: cut lines are gone, and so are documents that lost too much to be kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.cut_spans import cuts_of_documents, joined_spans, spans_of_lines, spans_of_repeats
from spark_jobs.dedup.dropped import resolved
from spark_jobs.dedup.frequency import held_by_many
from spark_jobs.dedup.holders import HOLDER, Found, Order, numbered
from spark_jobs.dedup.levels import Frequency, Overlap, TextLevels, WithinDocument
from spark_jobs.dedup.ngram_overlap import overlapping
from spark_jobs.dedup.order import id_of, snapshot_of
from spark_jobs.dedup.scratch import Scratch
from spark_jobs.dedup.settle import CHUNK, ROUNDS

_CUTS = f"place BIGINT, line INT, holder {HOLDER}, similarity DOUBLE, linked_line BIGINT, step STRING"
_DROPPED = f"place BIGINT, holder {HOLDER}, share DOUBLE, step STRING"
_STORED = "level STRING, hash BIGINT, doc_id STRING"


@dataclass(frozen=True, kw_only=True)
class TextResult:
    """`rows`: the rows of deduped, with place, cuts and chars_cut. `stored`: level, hash, doc_id. `counts`: by step."""

    rows: DataFrame
    stored: DataFrame
    counts: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class TextPass:
    """The levels of one snapshot. `chunk` and `rounds` are those of `settle`."""

    levels: TextLevels
    snapshot: str
    order: Order
    scratch: Scratch
    say: Callable[[str], None] = lambda _message: None
    chunk: int = CHUNK
    rounds: int = ROUNDS

    def run(self, rows: DataFrame, ranks: DataFrame, signed: DataFrame) -> TextResult:
        """Cut and drop. `rows`: of deduped, after the levels of documents.

        `ranks`: doc_id, rank of all that take part; `signed`: doc_id and the columns of `Pieces`.
        """
        keep = self.scratch.keep
        rows = keep(rows, "document_rows")
        documents = keep(self._numbered(rows.where("kept").select("doc_id"), ranks), "documents")
        texts = signed.select("doc_id", "lines", "own_cuts").join(documents, "doc_id")
        lines = keep(self._lines(texts), "lines")
        cuts, dropped, stored = self._levels(lines.drop("spans"))
        gone = keep(resolved(dropped, self.order, self.scratch), "gone")
        spans = spans_of_lines(cuts, lines).unionByName(spans_of_repeats(texts.where(F.size("own_cuts") > 0)))
        spans = keep(joined_spans(spans), "spans")
        found = cuts_of_documents(spans, documents, self.snapshot)
        return TextResult(
            rows=self._merged(rows, documents, found, gone),
            stored=stored.join(documents, "place").select("level", "hash", "doc_id"),
            counts=self._counts(spans, gone),
        )

    def _numbered(self, kept: DataFrame, ranks: DataFrame) -> DataFrame:
        """doc_id and place; a rank ends with the id."""
        by = [name for name in ranks.select("rank.*").columns if name != "doc_id"]
        ranked = kept.join(ranks.select("doc_id", *(F.col(f"rank.{name}").alias(name) for name in by)), "doc_id")
        return numbered(ranked, [*by, "doc_id"], self.scratch, "ranges").select("doc_id", "place")

    def _lines(self, texts: DataFrame) -> DataFrame:
        overlap = self.levels.overlap
        number = F.conv(F.substring("doc_id", 1, 8), 16, 10).cast("bigint")
        shard = F.pmod(number, F.lit(overlap.shards if overlap is not None else 1)).cast("int").alias("shard")
        placed = texts.select("place", shard, F.posexplode("lines").alias("line", "piece"))
        return placed.select("place", "shard", "line", "piece.*")

    def _levels(self, lines: DataFrame) -> tuple[DataFrame, DataFrame, DataFrame]:
        """Cut lines, documents that go with those that hold them, and what is stored, of all levels."""
        session = lines.sparkSession
        cuts = [session.createDataFrame([], _CUTS)]
        dropped = [session.createDataFrame([], _DROPPED)]
        stored = [session.createDataFrame([], "place BIGINT, level STRING, hash BIGINT")]
        for level in self.levels.levels:
            if isinstance(level, WithinDocument):
                continue
            self.say(f"dedup: {level.step}")
            found = self._found(level, lines)
            cut = self.scratch.keep(found.cuts, f"{level.step}_cuts")
            left = lines.join(cut.select("place", "line"), ["place", "line"], "left_anti")
            went = self.scratch.keep(self._went(found, cut, lines, left), f"{level.step}_dropped")
            lines = self.scratch.keep(left.join(went.select("place"), "place", "left_anti"), f"{level.step}_left")
            step = F.lit(level.step)
            cuts.append(cut.withColumn("step", step))
            dropped.append(went.withColumn("step", step))
            stored.append(found.stored.select("place", step.alias("level"), "hash"))
        return _united(cuts), _united(dropped), _united(stored)

    def _found(self, level: Frequency | Overlap, lines: DataFrame) -> Found:
        if isinstance(level, Frequency):
            return held_by_many(lines, level, self.order, self.scratch)
        return overlapping(lines, level, self.order, self.scratch, chunk=self.chunk, rounds=self.rounds, say=self.say)

    def _went(self, found: Found, cut: DataFrame, lines: DataFrame, left: DataFrame) -> DataFrame:
        """place, holder, share: documents that the level drops, and those that too little is left of after its cuts.

        A document that lost text to itself only is nobody's duplicate and stays.
        """
        chars = F.sum(F.when(F.col("hash").isNotNull(), F.col("chars"))).alias("chars")
        touched = cut.select("place").distinct().join(left.groupBy("place").agg(chars), "place", "left")
        short = touched.where(F.coalesce("chars", F.lit(0)) < self.levels.min_chars_left).select("place")
        if found.dropped is not None:
            short = short.join(found.dropped.select("place"), "place", "left_anti")
        whole = lines.groupBy("place").agg(F.sum("chars").alias("whole"))
        others = cut.where(~(self.order.is_here() & (F.col("holder.place") == F.col("place"))))
        lost = (
            others.join(short, "place", "left_semi")
            .join(lines.select("place", "line", "chars"), ["place", "line"])
            .groupBy("place", "holder")
            .agg(F.sum("chars").alias("lost"))
            .join(whole, "place")
            .select("place", "holder", (F.col("lost") / F.col("whole")).alias("share"))
        )
        return lost if found.dropped is None else lost.unionByName(found.dropped)

    def _merged(self, rows: DataFrame, documents: DataFrame, found: DataFrame, gone: DataFrame) -> DataFrame:
        """The rows of deduped: documents that went name their survivor, and so does what survived through them."""
        by_place = documents.select("place", F.col("doc_id").alias("_id"))
        linked = by_place.select(F.col("place").alias("_linked"), F.col("_id").alias("_linked_id"))
        last = by_place.select(F.col("place").alias("_last"), F.col("_id").alias("_last_id"))
        node, linked_node = F.col("survivor.node"), F.col("holder.node")
        here = F.lit(self.snapshot)
        went = (
            gone.join(by_place, "place")
            .withColumn("_linked", F.when(linked_node.isNull(), F.col("holder.place")))
            .withColumn("_last", F.col("survivor.place"))
            .join(linked, "_linked", "left").join(last, "_last", "left")
            .select(
                F.col("_id").alias("_gone"), F.col("step").alias("_step"), F.col("share").alias("_share"),
                F.when(node.isNull(), here).otherwise(snapshot_of(node)).alias("_survivor_snapshot"),
                F.when(node.isNull(), F.col("_last_id")).otherwise(id_of(node)).alias("_survivor_id"),
                F.when(linked_node.isNull(), here).otherwise(snapshot_of(linked_node)).alias("_linked_snapshot"),
                F.when(linked_node.isNull(), F.col("_linked_id")).otherwise(id_of(linked_node)).alias("_linked_to"),
            )
        )  # fmt: skip
        # A row is found by the document it names as its survivor: a document that went named itself.
        named = F.when(F.col("survivor_snapshot") == here, F.col("survivor_id")).alias("_gone")
        texts = documents.join(found, "place", "left")
        joined = rows.withColumn("_gone", named).join(went, "_gone", "left").join(texts, "doc_id", "left")
        moved, itself = F.col("_step").isNotNull(), F.col("_step").isNotNull() & F.col("kept")
        new = {
            "kept": F.col("kept") & ~itself,
            "duplicate_step": F.when(itself, F.col("_step")).otherwise(F.col("duplicate_step")),
            "survivor_snapshot": F.when(moved, F.col("_survivor_snapshot")).otherwise(F.col("survivor_snapshot")),
            "survivor_id": F.when(moved, F.col("_survivor_id")).otherwise(F.col("survivor_id")),
            "linked_snapshot": F.when(itself, F.col("_linked_snapshot")).otherwise(F.col("linked_snapshot")),
            "linked_to": F.when(itself, F.col("_linked_to")).otherwise(F.col("linked_to")),
            "similarity": F.when(itself, F.col("_share")).otherwise(F.col("similarity")),
        }
        columns = [new.get(name, F.col(name)).alias(name) for name in rows.columns]
        return joined.select(*columns, "place", "cuts", F.coalesce("chars_cut", F.lit(0)).alias("chars_cut"))

    def _counts(self, spans: DataFrame, gone: DataFrame) -> dict[str, dict[str, int]]:
        """By step: documents cut, spans, characters cut, documents dropped."""
        measures: list[tuple[DataFrame, Sequence[Any], Sequence[str]]] = [
            (spans, (F.countDistinct("place"), F.count(F.lit(1)), F.sum("length")), ("documents", "spans", "chars")),
            (gone, (F.count(F.lit(1)),), ("dropped",)),
        ]
        nothing = dict.fromkeys(("documents", "spans", "chars", "dropped"), 0)
        counts = {level.step: dict(nothing) for level in self.levels.levels}
        for frame, aggregates, names in measures:
            named = [value.alias(name) for value, name in zip(aggregates, names, strict=True)]
            for row in frame.groupBy("step").agg(*named).collect():
                counts[row["step"]] |= {name: int(row[name]) for name in names}
        return counts


def _united(frames: Sequence[DataFrame]) -> DataFrame:
    return reduce(lambda one, other: one.unionByName(other), frames)
