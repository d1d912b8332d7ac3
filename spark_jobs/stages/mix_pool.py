"""The pool of originals a release is mixed from: one capture a URL, and what a selector takes. No text, only keys.

Every row that enters stays, with the reason why it is out, so that a release can say of each document why it is in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.lake.cuts import cut_text
from spark_jobs.operators.base import Selector
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.stages.mix_workers import MEASURED, MeasureText
from spark_jobs.stages.stage import PinnedReader

KEYS = ("snapshot", "doc_id")
ORIGINAL = "original"
# What a pool row holds beside its verdict.
COLUMNS = (
    *KEYS, "origin", "parent_snapshot", "parent_id", "url", "host", "captured_at", "licence", "language", "source",
    "quality", "tokens", "characters", "tie", "reason", "instead_snapshot", "instead_id",
)  # fmt: skip
TOKENS, CHARACTERS = "token_count__tokens", "token_count__characters"


def keyed_hash(purpose: str, seed: int, *parts: str) -> Column:
    """32 hex digits, uniform, from columns and a seed; each purpose has a hash of its own."""
    return F.substring(F.sha2(F.concat_ws("\x1f", F.lit(purpose), F.lit(str(seed)), *parts), 256), 1, 32)


def best_first(quality: str = "quality") -> tuple[Column, ...]:
    """The total order of a pool: higher scores first, then by hash."""
    return (F.desc_nulls_last(quality), F.asc("tie"), F.asc("doc_id"), F.asc("snapshot"))


@dataclass(frozen=True)
class Pools:
    """Reads the pools of a release over some snapshots, in sequence order."""

    inputs: PinnedReader
    snapshots: tuple[str, ...]
    section: MixedSection
    score: str | None

    def originals(self) -> DataFrame:
        """Every kept document: `reason` is null where it may be selected, else `no_tokens` or `other_capture`."""
        kept = self._deduped().where("kept").select(*KEYS, "capture_id")
        cleaned = self.inputs.partitions("cleaned", self.snapshots).select(
            *KEYS, "url", "host", "captured_at", "licence", "language", "source",
            F.coalesce(F.col(TOKENS), F.lit(0)).cast("long").alias("tokens"),
            F.coalesce(F.col(CHARACTERS), F.lit(0)).cast("long").alias("characters"),
        )  # fmt: skip
        rows = self._counted_again(kept.join(cleaned, list(KEYS))).join(self._scores(), list(KEYS), "left")
        tied = rows.withColumn("tie", keyed_hash("tie", self.section.seed, *KEYS))
        return self._one_capture(tied).select(*COLUMNS)

    def _deduped(self) -> DataFrame:
        return self.inputs.partitions("deduped", self.snapshots)

    def _counted_again(self, rows: DataFrame) -> DataFrame:
        """Cleaning counted documents whole: those that dedup cut are counted as they are now."""
        cut = self._deduped().where("kept AND chars_cut > 0").select(*KEYS)
        if cut.isEmpty():
            return rows
        measured = self.texts(cut).select(*KEYS, "text").mapInArrow(MeasureText(self.section.tokenizer), MEASURED)
        again = measured.select(*KEYS, F.col("tokens").alias("_tokens"), F.col("characters").alias("_characters"))
        return rows.join(again, list(KEYS), "left").withColumns({
            "tokens": F.coalesce("_tokens", "tokens"), "characters": F.coalesce("_characters", "characters")
        }).drop("_tokens", "_characters")  # fmt: skip

    def _scores(self) -> DataFrame:
        scored = self.inputs.partitions("scored", self.snapshots)
        if self.score is None:
            return scored.select(*KEYS, F.lit(None).cast("double").alias("quality"))
        score = F.col(f"`{self.score}`")
        return scored.select(*KEYS, F.when(~F.isnan(score), score).alias("quality"))

    def _one_capture(self, rows: DataFrame) -> DataFrame:
        """Among the captures of a URL that have text, the first by the recipe's total order."""
        # An empty capture must not stand for a full one, so it takes part behind all others.
        order = (F.asc(F.col("tokens") < 1), *self._preference(), F.asc("doc_id"))
        place = Window.partitionBy("capture_id").orderBy(*order)
        ranked = rows.withColumns(
            {
                "_place": F.row_number().over(place),
                "_best": F.first(F.struct(*KEYS)).over(place),
            }
        )
        other = F.col("_place") > 1
        return ranked.withColumns(
            {
                "origin": F.lit(ORIGINAL),
                "parent_snapshot": F.lit(None).cast("string"),
                "parent_id": F.lit(None).cast("string"),
                "reason": F.when(F.col("tokens") < 1, "no_tokens").when(other, "other_capture"),
                "instead_snapshot": F.when(other, F.col("_best.snapshot")),
                "instead_id": F.when(other, F.col("_best.doc_id")),
            }
        )

    def _preference(self) -> Sequence[Column]:
        sequence = F.array_position(F.array(*[F.lit(name) for name in self.snapshots]), F.col("snapshot"))
        newest = (F.desc_nulls_last("captured_at"), sequence.desc())
        if self.section.capture == "oldest":
            return (F.asc_nulls_last("captured_at"), sequence.asc())
        if self.section.capture == "best_scored":
            return (F.desc_nulls_last("quality"), *newest)
        return newest

    def texts(self, keys: DataFrame) -> DataFrame:
        """snapshot, doc_id, text of some originals, as dedup left it."""
        # The cuts move to the keys, so that the text moves once.
        cut = keys.join(self._deduped().select(*KEYS, "cuts"), list(KEYS), "left")
        texts = self.inputs.partitions("cleaned", self.snapshots).select(*KEYS, "text").join(cut, list(KEYS))
        return texts.withColumn("text", cut_text()).drop("cuts")


def chosen(pool: DataFrame, selector: Selector, *, scored: bool) -> DataFrame:
    """The pool after a selector: what it does not take of the eligible rows is `not_selected`, or has `no_score`.

    `scored` says whether the selector has a score to go by.
    """
    eligible = pool.where(F.col("reason").isNull())
    unscored = F.col("quality").isNull() & F.lit(scored)
    seen = selector.select(eligible).withColumn(
        "reason", F.when(~F.col("selected"), F.when(unscored, "no_score").otherwise("not_selected"))
    )
    columns = [F.col(name) for name in COLUMNS]
    return seen.select(*columns).unionByName(pool.where(F.col("reason").isNotNull()).select(*columns))
