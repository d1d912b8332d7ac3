"""The stage `dedup`: every scored document of a snapshot is kept, or the duplicate of a named survivor.

Within the snapshot and against all earlier ones. Text is read in one pass that signs the snapshot's documents; of
earlier snapshots only hashes are read. Everything that shuffles is keys, hashes and ranks.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.captures import CAPTURES, capture_id, with_captures
from spark_jobs.dedup.clusters import Published, assign, deduped_columns
from spark_jobs.dedup.components import components
from spark_jobs.dedup.exact import exact_groups, exact_key, with_leaders
from spark_jobs.dedup.holders import Order
from spark_jobs.dedup.matching import Matches, Matching, find_matches
from spark_jobs.dedup.normal_form import NORMAL_FORM
from spark_jobs.dedup.order import node_of, numbered, rank_new, rank_old
from spark_jobs.dedup.pieces import Pieces
from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.dedup.signatures import MinHash, bands_for, sign_frame
from spark_jobs.dedup.text_pass import TextPass, TextResult
from spark_jobs.errors import LakeError, NotFoundError, RecipeError
from spark_jobs.lake.cuts import CUTS
from spark_jobs.lake.records import sha256_of
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.dedup_text import earlier_holders, text_levels
from spark_jobs.stages.stage import OperatorRecord, StageContext, StageOutput

# Moves when the algorithm can give other rows for the same recipe.
VERSION = 2
_KEYS = ("text_hash", "content_hash")


def minhash_params(section: DedupedSection) -> MinHash:
    """How a recipe signs; bands and rows are derived where it gives a threshold."""
    said = section.minhash
    bands, rows = said.bands, said.rows
    if said.threshold is not None:
        bands, rows = bands_for(said.threshold, said.permutations)
    return MinHash(unit=said.unit, ngram=said.ngram, bands=bands, rows=rows, seed=said.seed, marks=said.marks)


@dataclass(frozen=True)
class Dedup:
    """Exact and near-duplicate clusters, incremental over the snapshots in sequence order."""

    name: ClassVar[str] = "dedup"
    table: ClassVar[str] = "deduped"
    side_tables: ClassVar[tuple[str, ...]] = ("signatures", "band_index", "units")
    upstream: ClassVar[tuple[str, ...]] = ("cleaned", "scored")
    scope: ClassVar[str] = "snapshot"

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """The section as resolved, the version of the algorithm and normal form, and the Unicode data it stands on."""
        params = minhash_params(recipe.deduped)
        levels = text_levels(recipe.deduped)
        return {
            "version": VERSION,
            "captures": CAPTURES,
            "text_params_id": levels.params_id if levels is not None else None,
            "normal_form": NORMAL_FORM,
            "unicode": unicodedata.unidata_version,
            "section": recipe.deduped.model_dump(mode="json", exclude={"gates"}),
            "minhash": asdict(params),
            "params_id": params.params_id,
        }

    def run(self, context: StageContext) -> StageOutput:
        """Sign, match, cluster, elect. Raises LakeError when the index was written with other parameters."""
        section = context.recipe.deduped
        return DedupRun(context, section, minhash_params(section)).output()


@dataclass(frozen=True, kw_only=True)
class Elected:
    """The documents of a snapshot as the levels of documents leave them; see `assign` for the columns of `assigned`."""

    new: DataFrame
    assigned: DataFrame
    counts: Mapping[str, int]


class DedupRun:
    """One snapshot being deduped."""

    def __init__(self, context: StageContext, section: DedupedSection, params: MinHash) -> None:
        self.context, self.section, self.params = context, section, params
        self.scratch = Scratch(context.spark, f"{context.scratch}/dedup")
        order = context.inputs.snapshots()
        if context.partition not in order:
            raise NotFoundError(f"dedup: snapshot {context.partition!r} is not registered; read its input first")
        self.earlier = order[: order.index(context.partition)]
        self.criteria = tuple(name for name in section.order if name not in ("published", "id"))
        self.levels = text_levels(section)
        self.text_params_id = self.levels.params_id if self.levels is not None else None

    def output(self) -> StageOutput:
        """All frames of the stage."""
        self._check_index()
        self.context.say("dedup: signing the documents")
        cleaned = self.context.inputs.partition("cleaned", self.context.partition)
        beside = Pieces(self.levels) if self.levels is not None else None
        # A row's number is good within this attempt: it is written once and read from there.
        pages = cleaned.withColumn("capture_id", capture_id(self.section.captures.scope))
        frame = sign_frame(pages, self.params, beside, carried=("capture_id",))
        signed = self.scratch.keep(frame.withColumn("row", F.monotonically_increasing_id()), "signed")
        elected = self.elect(signed)
        text = self._text(deduped_columns(elected.assigned), elected.new, signed)
        return StageOutput(
            main=self._captures(text.rows),
            side={
                "signatures": self._signatures(signed, elected.assigned), "band_index": self._band_index(signed),
                "units": self._units(text.stored),
            },
            operators=(self._record(),),
            facts={
                "min_similarity": self.section.minhash.min_similarity, "params_id": self.params.params_id,
                **elected.counts, "text_levels": text.counts,
            },
        )  # fmt: skip

    def elect(self, signed: DataFrame) -> Elected:
        """Match, cluster and elect. `signed`: the documents as `sign_frame` gives them, with their `row`, kept."""
        published = self._published()
        new = self.scratch.keep(self._participants(signed), "participants")
        groups = self._exact_groups(new, published)
        self.context.say("dedup: matching")
        matches = self._matches(new, groups, signed, published)
        labels = self._labels(matches, published)
        led = with_leaders(new, groups)
        return Elected(new=new, assigned=assign(led, matches.links, labels, published), counts=matches.counts)

    def _check_index(self) -> None:
        """Signatures of other parameters never match: found out before the work, not as missing duplicates."""
        if not self.earlier:
            return
        fits = F.col("params_id") == self.params.params_id
        if self.text_params_id is not None:
            fits &= F.col("text_params_id").eqNullSafe(F.lit(self.text_params_id))
        other = self.context.inputs.partitions("signatures", self.earlier).where(~fits)
        row = other.agg(F.array_sort(F.collect_set("snapshot")).alias("snapshots")).first()
        if row is not None and row["snapshots"]:
            raise LakeError(
                f"dedup of {self.context.partition}: the near-duplicate index of {', '.join(row['snapshots'])} was "
                f"written with other parameters than the recipe's ({self._ids()}); dedup those snapshots "
                "again first, in order, or restore the parameters"
            )

    def _ids(self) -> str:
        return " and ".join(filter(None, (self.params.params_id, self.text_params_id)))

    def _text(self, rows: DataFrame, new: DataFrame, signed: DataFrame) -> TextResult:
        """The rows after the levels of text, if the recipe names any."""
        if self.levels is None:
            nothing = {"place": F.lit(None).cast("bigint"), "cuts": F.lit(None).cast(CUTS), "chars_cut": F.lit(0)}
            empty = self.context.spark.createDataFrame([], "level STRING, hash BIGINT, doc_id STRING")
            return TextResult(rows=rows.withColumns(nothing), stored=empty, counts={})
        run = TextPass(
            levels=self.levels, snapshot=self.context.partition, scratch=self.scratch.below("text"),
            order=Order(position=len(self.earlier), earlier=earlier_holders(self.context.inputs, self.earlier)),
            say=self.context.say,
        )  # fmt: skip
        return run.run(rows, new, signed)

    def _captures(self, rows: DataFrame) -> DataFrame:
        published = self.context.inputs.partitions("deduped", self.earlier) if self.earlier else None
        return with_captures(rows, published)

    def _published(self) -> Published | None:
        """Members of earlier snapshots; dropped documents are only known from the index, and only if they take part."""
        if not self.earlier:
            return None
        columns = ("snapshot", "doc_id", "kept", "cluster_id", "joined_clusters")
        rows = self.context.inputs.partitions("deduped", self.earlier).select(*columns)
        if self.section.participants == "cleaned":
            # Of the index, only what deduped does not list.
            signed = self.context.inputs.partitions("signatures", self.earlier).where("cluster_id IS NOT NULL")
            dropped = signed.select("snapshot", "doc_id", "cluster_id").join(rows, ["snapshot", "doc_id"], "left_anti")
            rows = rows.unionByName(dropped.withColumn("kept", F.lit(False)), allowMissingColumns=True)
        return Published(snapshots=self.earlier, rows=rows)

    def _participants(self, signed: DataFrame) -> DataFrame:
        """New documents that take part, numbered in the order of election."""
        scored = self.context.inputs.partition("scored", self.context.partition)
        score = self._score_column(scored)
        taken = scored.select("doc_id", *([score] if score else []), F.lit(True).alias("taken"))
        how = "left" if self.section.participants == "cleaned" else "inner"
        columns = ("row", "doc_id", "captured_at", "capture_id", *_KEYS, "chars", "bands")
        rows = signed.select(*columns).join(taken, "doc_id", how).withColumn("taken", F.coalesce("taken", F.lit(False)))
        snapshot = F.lit(self.context.partition)
        ranked = rows.select(
            snapshot.alias("snapshot"), "row", "doc_id", node_of(snapshot, F.col("doc_id")).alias("node"), *_KEYS,
            "bands", "taken", "captured_at", "capture_id",
            rank_new(self.criteria, score, len(self.earlier)).alias("rank"),
        )  # fmt: skip
        return numbered(ranked, 0)

    def _exact_groups(self, new: DataFrame, published: Published | None) -> DataFrame:
        old = self._same_content(new, published) if published is not None else None
        return self.scratch.keep(exact_groups(new, old, self.section.steps), "exact")

    def _score_column(self, scored: DataFrame) -> str | None:
        columns = [name for name in scored.columns if "__" in name]
        wanted = self.section.score
        if "score" not in self.criteria or (wanted is None and not columns):
            return None
        if wanted is None and len(columns) > 1:
            raise RecipeError(f"deduped.score: scored has several scores, name one of {', '.join(sorted(columns))}")
        if wanted is not None and wanted not in columns:
            there = ", ".join(sorted(columns)) or "none"
            raise RecipeError(f"deduped.score: scored has no column {wanted!r}, but {there}")
        return wanted or columns[0]

    def _same_content(self, ranked: DataFrame, published: Published) -> DataFrame | None:
        """Published documents with the content of a new one."""
        key = exact_key(self.section.steps)
        if key is None:
            return None
        index = self.context.inputs.partitions("signatures", self.earlier).select("snapshot", "doc_id", *_KEYS)
        same = index.join(ranked.select(key).distinct(), key, "left_semi")
        return self._ranked_old(same, published)

    def _ranked_old(self, rows: DataFrame, published: Published) -> DataFrame:
        """Rows of an index (snapshot, doc_id, ...) that belong to a cluster, with node, cluster and rank."""
        known = published.rows.select("snapshot", "doc_id", "kept", F.col("cluster_id").alias("cluster"))
        return (
            rows.join(known, ["snapshot", "doc_id"])
            .withColumn("node", node_of(F.col("snapshot"), F.col("doc_id")))
            .withColumn("rank", rank_old(self.criteria, self.earlier, F.col("kept")))
        )

    def _matches(self, new: DataFrame, groups: DataFrame, signed: DataFrame, published: Published | None) -> Matches:
        if "minhash" not in self.section.steps:
            return Matches(links=None, counts={})
        said = self.section.minhash
        count = totals(new.agg(F.count("bands").alias("documents")))["documents"]
        matching = Matching(
            scratch=self.scratch, min_similarity=said.min_similarity, full_pairs=said.full_pairs, rounds=said.rounds,
            places=count * self.params.bands, say=self.context.say,
        )  # fmt: skip
        shingles = signed.where("shingles IS NOT NULL").select("row", "shingles")
        if published is None:
            return find_matches(matching, new, groups, shingles)
        inputs = self.context.inputs
        index = inputs.partitions("band_index", self.earlier).select("snapshot", "doc_id", "band", "band_hash")
        stored = inputs.partitions("signatures", self.earlier).select(
            node_of(F.col("snapshot"), F.col("doc_id")).alias("node"), "shingles"
        )
        return find_matches(
            matching,
            new,
            groups,
            shingles,
            index=index,
            stored=stored,
            rank=lambda rows: self._ranked_old(rows, published),
        )

    def _labels(self, matches: Matches, published: Published | None) -> DataFrame | None:
        """Components of the verified pairs, with the bridges that are known already."""
        count = matches.counts.get("similar_pairs", 0)
        edges = None
        if matches.links is not None and count:
            edges = matches.links.select(F.col("node").alias("u"), F.coalesce("other_cluster", "other").alias("v"))
        if published is not None:
            bridges = published.bridges()
            known = totals(bridges.agg(F.count(F.lit(1)).alias("bridges")))["bridges"]
            count += known
            if known:
                edges = bridges if edges is None else edges.unionByName(bridges)
        if edges is None:
            return None
        self.context.say("dedup: clusters")
        return self.scratch.keep(components(edges, self.scratch, count=count, say=self.context.say), "labels")

    def _signatures(self, signed: DataFrame, assigned: DataFrame) -> DataFrame:
        """The side table; with dropped documents taking part, also where they belong."""
        if self.section.participants == "cleaned":
            signed = signed.join(assigned.select("doc_id", F.col("survivor").alias("cluster_id")), "doc_id", "left")
        else:
            signed = signed.withColumn("cluster_id", F.lit(None).cast("string"))
        return signed.select(
            F.lit(self.context.partition).alias("snapshot"), F.lit(self.params.params_id).alias("params_id"),
            F.lit(self.text_params_id).cast("string").alias("text_params_id"), "doc_id",
            *_KEYS, "words", "chars", "cluster_id", "signature", "shingles",
        )  # fmt: skip

    def _units(self, stored: DataFrame) -> DataFrame:
        return stored.select(
            F.lit(self.context.partition).alias("snapshot"),
            F.lit(self.text_params_id).cast("string").alias("params_id"), "level", "hash", "doc_id",
        )  # fmt: skip

    def _band_index(self, signed: DataFrame) -> DataFrame:
        rows = signed.select("doc_id", F.posexplode("bands").alias("band", "band_hash"))
        return rows.select(
            F.lit(self.context.partition).alias("snapshot"), F.lit(self.params.params_id).alias("params_id"), "band",
            "band_hash", "doc_id",
        )  # fmt: skip

    def _record(self) -> OperatorRecord:
        section = self.section.model_dump(mode="json", exclude={"gates"})
        params = {**section, "minhash": {**section["minhash"], "bands": self.params.bands, "rows": self.params.rows}}
        return OperatorRecord(
            name="dedup", kind="dedup", version=VERSION, params=params, fingerprint=sha256_of(params | {"v": VERSION})
        )
