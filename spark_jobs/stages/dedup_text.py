"""The levels of text in the stage `dedup`: from the recipe's words to values, and how earlier snapshots are asked.

What the levels do is in `spark_jobs/dedup`, which knows neither recipes nor the lake.
"""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.holders import HOLDER, Earlier
from spark_jobs.dedup.levels import Frequency, Level, Overlap, Sentences, TextLevels, WithinDocument
from spark_jobs.dedup.order import node_of
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.stage import PinnedReader


def text_levels(section: DedupedSection) -> TextLevels | None:
    """The levels of text that a recipe names; None if it names none."""
    levels = tuple(_level(section, step) for step in section.text_steps)
    if not levels:
        return None
    return TextLevels(levels=levels, marks=section.minhash.marks, min_chars_left=section.min_chars_left)


def _level(section: DedupedSection, step: str) -> Level:
    if step == "within_document":
        said = section.within_document
        sentences = Sentences(**said.sentences.model_dump()) if said.sentences is not None else None
        return WithinDocument(lines=said.lines, paragraphs=said.paragraphs, sentences=sentences)
    if step == "ngram_overlap":
        return Overlap(**section.ngram_overlap.model_dump())
    if step == "lines":
        return Frequency(step="lines", **section.lines.model_dump())
    return Frequency(step="paragraphs", **section.paragraphs.model_dump())


def earlier_holders(inputs: PinnedReader, earlier: Sequence[str]) -> Earlier | None:
    """How stored pieces of earlier snapshots are looked up; None for the first snapshot.

    Of a document that went as a whole the pieces count as long as its survivor is published: what takes a survivor
    down gives its text back to those who had lost it.
    """
    if not earlier:
        return None
    listed = tuple(earlier)

    def ask(level: str, hashes: DataFrame) -> DataFrame:
        rows = inputs.partitions("deduped", listed).where("place IS NOT NULL")
        node = node_of(F.col("snapshot"), F.col("doc_id"))
        kept = rows.where("kept").select(node.alias("survivor"))
        survivor = F.when(F.col("kept"), node).otherwise(node_of(F.col("survivor_snapshot"), F.col("survivor_id")))
        standing = rows.select("snapshot", "doc_id", "place", survivor.alias("survivor")).join(kept, "survivor")
        stored = inputs.partitions("units", listed).where(F.col("level") == level).select("snapshot", "doc_id", "hash")
        position = F.array_position(F.array(*map(F.lit, listed)), F.col("snapshot")) - 1
        holder = F.struct(position.cast("int"), F.col("place"), node, F.col("survivor")).cast(HOLDER)
        found = stored.join(hashes, "hash", "left_semi").join(standing, ["snapshot", "doc_id"])
        return found.select("hash", holder.alias("holder"))

    return ask
