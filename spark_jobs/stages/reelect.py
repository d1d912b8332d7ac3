"""Electing again after a takedown: in the clusters and captures that lost a document, and nowhere else.

The same code elects as in the stage `dedup`, over fewer documents: those that could be linked to what is gone. Their
signatures are stored, so no text is read. Levels of text have no such neighbourhood; there the stage runs again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.dedup.captures import capture_id
from spark_jobs.dedup.clusters import deduped_columns
from spark_jobs.dedup.scratch import Scratch
from spark_jobs.lake.records import Publication
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.dedup import DedupRun, minhash_params
from spark_jobs.stages.stage import PinnedReader, StageContext

KEYS = ("snapshot", "doc_id")
_CAPTURED = ("capture_number", "previous_snapshot", "previous_id")
_LEFT_ALONE = (*KEYS, "place", "cuts", "chars_cut", "capture_id", *_CAPTURED)


@dataclass(frozen=True)
class Groups:
    """The clusters and groups of captures that documents belong to, by name."""

    clusters: tuple[str, ...]
    captures: tuple[str, ...]


@dataclass(frozen=True)
class Members:
    """Documents whose verdict or place may change: snapshot, doc_id, by_cluster, by_capture; and their snapshots."""

    rows: DataFrame
    snapshots: tuple[str, ...]


@dataclass(frozen=True)
class Reelected:
    """`changed`: rows of `deduped` that are other ones now; `index`: rows of `signatures` that belong elsewhere now.

    The latter (doc_id, cluster_id) only where the recipe keeps clusters of dropped documents, else None.
    """

    changed: DataFrame
    index: DataFrame | None


@dataclass(frozen=True)
class Among:
    """A PinnedReader that sees only some documents."""

    inputs: PinnedReader
    members: DataFrame

    def _those(self, frame: DataFrame) -> DataFrame:
        return frame.join(F.broadcast(self.members), list(KEYS), "left_semi")

    def partition(self, table: str, partition: str) -> DataFrame:
        """The members' rows."""
        return self._those(self.inputs.partition(table, partition))

    def partitions(self, table: str, partitions: tuple[str, ...] | None = None) -> DataFrame:
        """The members' rows."""
        return self._those(self.inputs.partitions(table, partitions))

    def behind(self, of: str, table: str, partitions: tuple[str, ...]) -> DataFrame:
        """The members' rows."""
        return self._those(self.inputs.behind(of, table, partitions))

    def whole(self, table: str) -> DataFrame:
        """As it is."""
        return self.inputs.whole(table)

    def snapshots(self) -> tuple[str, ...]:
        """As they are."""
        return self.inputs.snapshots()

    def earlier(self, table: str, partition: str, fits: Callable[[Publication], bool]) -> Publication | None:
        """As it is."""
        return self.inputs.earlier(table, partition, fits)


def groups_of(deduped: DataFrame, signatures: DataFrame | None, taken: DataFrame) -> Groups:
    """The groups of the documents `taken` (taken: their ids), over all snapshots.

    `signatures` also tell the clusters of documents that filters dropped; None where the recipe leaves those out.
    """
    ids = F.broadcast(taken.select(F.col("taken").alias("doc_id")))
    hit = deduped.join(ids, "doc_id", "left_semi")
    rows = hit.select("cluster_id", "joined_clusters", "capture_id").distinct().collect()
    clusters = {name for row in rows for name in (row["cluster_id"], *(row["joined_clusters"] or ())) if name}
    if signatures is not None:
        dropped = signatures.join(ids, "doc_id", "left_semi").where("cluster_id IS NOT NULL")
        clusters |= {row["cluster_id"] for row in dropped.select("cluster_id").distinct().collect()}
    captures = {row["capture_id"] for row in rows if row["capture_id"]}
    return Groups(tuple(sorted(_bridged(deduped, clusters))), tuple(sorted(captures)))


def _bridged(deduped: DataFrame, clusters: set[str]) -> set[str]:
    """The clusters with all that bridges make one with them."""
    of_row = F.array_union(F.array("cluster_id"), "joined_clusters").alias("together")
    bridges = deduped.where("joined_clusters IS NOT NULL").select(of_row)
    while clusters:
        known = _column(deduped.sparkSession, clusters, "known")
        met = bridges.withColumn("known", F.explode("together")).join(F.broadcast(known), "known", "left_semi")
        grown = clusters | {row["one"] for row in met.select(F.explode("together").alias("one")).distinct().collect()}
        if grown == clusters:
            break
        clusters = grown
    return clusters


def members_of(
    groups: Groups, deduped: DataFrame, signatures: DataFrame | None, taken: DataFrame, scratch: Scratch
) -> Members:
    """The documents of some groups that are left."""
    session = deduped.sparkSession
    by_cluster = F.broadcast(_column(session, groups.clusters, "cluster_id"))
    by_capture = F.broadcast(_column(session, groups.captures, "capture_id"))
    found = [deduped.join(by_cluster, "cluster_id", "left_semi").select(*KEYS, F.lit("cluster").alias("by"))]
    found.append(deduped.join(by_capture, "capture_id", "left_semi").select(*KEYS, F.lit("capture").alias("by")))
    if signatures is not None:
        found.append(signatures.join(by_cluster, "cluster_id", "left_semi").select(*KEYS, F.lit("cluster").alias("by")))
    rows = found[0]
    for more in found[1:]:
        rows = rows.unionByName(more)
    gone = F.broadcast(taken.select(F.col("taken").alias("doc_id")))
    grouped = rows.join(gone, "doc_id", "left_anti").groupBy(*KEYS).agg(
        F.max(F.col("by") == "cluster").alias("by_cluster"), F.max(F.col("by") == "capture").alias("by_capture")
    )  # fmt: skip
    kept = scratch.keep(grouped, "members")
    return Members(kept, tuple(row["snapshot"] for row in kept.select("snapshot").distinct().collect()))


def _column(session: SparkSession, values: Sequence[str] | set[str], name: str) -> DataFrame:
    return session.createDataFrame([(value,) for value in sorted(values)], f"{name} STRING")


@dataclass(frozen=True, kw_only=True)
class Reelection:
    """Elects again, one snapshot after the other: each sees what the ones before it have published by then."""

    spark: SparkSession
    recipe: Recipe
    members: Members
    scratch: str
    say: Callable[[str], None] = lambda _message: None

    def of(self, snapshot: str, inputs: PinnedReader) -> Reelected:
        """What changes in a snapshot. `inputs` see the current publications, with the documents or without them."""
        mine = self.members.rows
        context = StageContext(
            spark=self.spark, recipe=self.recipe, partition=snapshot, inputs=Among(inputs, mine),
            scratch=f"{self.scratch}/{snapshot}", say=self.say,
        )  # fmt: skip
        run = _Run(context, self.recipe.deduped, minhash_params(self.recipe.deduped))
        before = context.inputs.partition("deduped", snapshot)
        assigned = run.again(mine.where("by_cluster"))
        elected = deduped_columns(assigned)
        clustered = [name for name in before.columns if name not in _LEFT_ALONE]
        captured = run.captured(before, mine.where("by_capture"))
        joined = before.join(
            elected.select("doc_id", F.struct(*clustered).alias("_elected")), "doc_id", "left"
        ).join(captured.select("doc_id", F.struct(*_CAPTURED).alias("_captured")), "doc_id", "left")  # fmt: skip
        after = joined.select(
            *(_from("_elected", name) if name in clustered else _from("_captured", name) if name in _CAPTURED
              else F.col(name) for name in before.columns),
            F.struct(*before.columns).alias("_before"),
        )  # fmt: skip
        other = after.where(~F.struct(*before.columns).eqNullSafe(F.col("_before")))
        changed = run.scratch.keep(other.drop("_before"), "changed")
        return Reelected(changed, run.index(assigned) if self.recipe.deduped.participants == "cleaned" else None)


def _from(source: str, name: str) -> Column:
    return F.when(F.col(source).isNotNull(), F.col(f"{source}.{name}")).otherwise(F.col(name)).alias(name)


class _Run(DedupRun):
    """The stage over the members of a snapshot."""

    def again(self, members: DataFrame) -> DataFrame:
        """The members of clusters, assigned anew."""
        current = self.context.inputs
        stored = current.partition("signatures", self.context.partition)
        one = F.struct("band", "band_hash")
        bands = current.partition("band_index", self.context.partition).groupBy("doc_id").agg(
            F.transform(F.array_sort(F.collect_list(one)), lambda band: band["band_hash"]).alias("bands")
        )  # fmt: skip
        here = members.where(F.col("snapshot") == self.context.partition).select("doc_id")
        signed = (
            stored.join(F.broadcast(here), "doc_id", "left_semi")
            .select("doc_id", "text_hash", "content_hash", "words", "chars", "signature", "shingles")
            .join(self._pages(), "doc_id").join(bands, "doc_id", "left")
            .withColumn("row", F.monotonically_increasing_id())
        )  # fmt: skip
        return self.scratch.keep(self.elect(self.scratch.keep(signed, "signed")).assigned, "assigned")

    def captured(self, before: DataFrame, members: DataFrame) -> DataFrame:
        """doc_id and the columns of captures of the members of groups of captures."""
        here = before.join(F.broadcast(members), list(KEYS), "left_semi").select(*KEYS)
        return self._captures(here.join(self._pages(), "doc_id"))

    def _pages(self) -> DataFrame:
        """doc_id, captured_at and capture_id of the snapshot."""
        cleaned = self.context.inputs.partition("cleaned", self.context.partition)
        return cleaned.select("doc_id", "captured_at", capture_id(self.section.captures.scope).alias("capture_id"))

    def index(self, assigned: DataFrame) -> DataFrame:
        """doc_id and cluster_id where the index says something else."""
        known = self.context.inputs.partition("signatures", self.context.partition).select(
            "doc_id", F.col("cluster_id").alias("_known")
        )
        now = assigned.select("doc_id", F.col("survivor").alias("cluster_id")).join(known, "doc_id")
        other = now.where(~F.col("cluster_id").eqNullSafe(F.col("_known"))).drop("_known")
        return self.scratch.keep(other, "index")
