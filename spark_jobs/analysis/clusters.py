"""A publication of `deduped` as people look at it: sizes, what each level removed, the largest clusters, who copies.

Documents, characters and tokens are counted; text is read by `text_diff.py` alone. What lies in earlier snapshots is
read in the versions that were deduped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.analysis.stored import TOKENS, require_published
from spark_jobs.dedup.order import snapshot_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import made_from
from spark_jobs.lake.records import Publication
from spark_jobs.lake.suppressions import Suppressions, suppress

KEYS = ("snapshot", "doc_id")
MEMBERS = 8  # of a cluster are listed
_PLACES = ("url", "host", "source")


@dataclass(frozen=True)
class Clustered:
    """One publication of `deduped`, with the documents of this and earlier snapshots that it speaks of."""

    lake: Lake
    publication: Publication

    @property
    def snapshot(self) -> str:
        """The snapshot."""
        return self.publication.partition

    @cached_property
    def cleaned(self) -> Publication:
        """The publication of `cleaned` that was deduped."""
        return made_from(self.lake, self.publication, "cleaned")

    @property
    def has_tokens(self) -> bool:
        """Whether the recipe counted tokens."""
        return TOKENS in self.cleaned.record["columns"]

    @property
    def deduped(self) -> DataFrame:
        """The rows of `deduped` alone."""
        return self.lake.read([self.publication])

    @cached_property
    def rows(self) -> DataFrame:
        """The rows of `deduped`, with url, host, source, characters and tokens (0 where none were counted)."""
        tokens = F.coalesce(F.col(TOKENS).cast("long"), F.lit(0)) if self.has_tokens else F.lit(0).cast("long")
        own = self.lake.read([self.cleaned]).select("doc_id", *_PLACES, tokens.alias("tokens"))
        signed = self.lake.side("signatures", [self.publication]).select("doc_id", F.col("chars").alias("characters"))
        return self.deduped.join(own, "doc_id").join(signed, "doc_id", "left")

    def documents(self, snapshots: Sequence[str], *columns: str) -> DataFrame:
        """snapshot, doc_id and some columns of `cleaned`; what was taken down since is not among them."""
        pins = {p.partition: p for p in self._deduped_before()}
        listed = [made_from(self.lake, pins[name], "cleaned") for name in snapshots if name in pins]
        rows = self.lake.read([self.cleaned, *listed])
        named = {*KEYS, *columns, "canonical_url", "host", "licence"}
        wanted = [name for name in rows.columns if name in named]
        return suppress(rows.select(*wanted), Suppressions.read(self.lake)).select(*KEYS, *columns)

    def _deduped_before(self) -> list[Publication]:
        by_id = {p.id: p for p in self.lake.history("deduped")}
        return [by_id[str(pin["publication"])] for pin in self.publication.inputs if pin["table"] == "deduped"]

    def before(self) -> DataFrame | None:
        """The rows of `deduped` of the earlier snapshots, as this one saw them; None for the first."""
        listed = self._deduped_before()
        return self.lake.read(listed) if listed else None


def clustered(lake: Lake, snapshot: str) -> Clustered:
    """The current publication of a snapshot. Raises NotFoundError that names the nearest one."""
    return Clustered(lake, require_published(lake, "deduped", [snapshot])[0])


# counts -------------------------------------------------------------------------------------------------------------


def overview(found: Clustered) -> dict[str, Any]:
    """Documents, characters, tokens, clusters; how many documents belong to clusters of earlier snapshots."""
    elsewhere = snapshot_of(F.col("cluster_id")) != F.lit(found.snapshot)
    row = found.rows.agg(
        *_sums(), F.count_if("kept").alias("kept"), F.count_distinct("cluster_id").alias("clusters"),
        F.count_if(elsewhere).alias("of_earlier"), F.count("joined_clusters").alias("bridges"),
        F.max("cluster_size").alias("largest"),
    ).first()  # fmt: skip
    return _numbers(row.asDict()) if row is not None else {}


def _sums() -> tuple[Column, ...]:
    return (
        F.count(F.lit(1)).alias("documents"), F.sum("characters").alias("characters"), F.sum("tokens").alias("tokens")
    )  # fmt: skip


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: int(value or 0) if not isinstance(value, str) else value for name, value in row.items()}


def sizes(found: Clustered) -> list[dict[str, int]]:
    """Clusters by their size over all snapshots so far, in bands that double: 1, 2, 3 to 4, 5 to 8, ..."""
    by_cluster = found.deduped.groupBy("cluster_id").agg(
        F.max("cluster_size").alias("size"), F.count(F.lit(1)).alias("documents"), F.count_if("kept").alias("kept")
    )
    # Halving a whole number is exact where a logarithm is not.
    band = F.length(F.conv((F.col("size") - 1).cast("string"), 10, 2)).cast("int")
    counted = by_cluster.withColumn("band", F.when(F.col("size") > 1, band).otherwise(F.lit(0))).groupBy("band")
    bands = counted.agg(
        F.count(F.lit(1)).alias("clusters"), F.sum("documents").alias("documents"), F.sum("kept").alias("kept"),
        F.max("size").alias("largest"),
    ).orderBy("band").collect()  # fmt: skip
    return [
        {"from": 1 if r["band"] == 0 else 2 ** (r["band"] - 1) + 1, "to": 2 ** r["band"],
         **{name: int(r[name]) for name in ("clusters", "documents", "kept", "largest")}}
        for r in bands
    ]  # fmt: skip


def steps(found: Clustered) -> list[dict[str, Any]]:
    """What each level removed: documents, characters, tokens, and how many of them had a survivor before."""
    removed = found.rows.where("NOT kept").groupBy(F.col("duplicate_step").alias("step"))
    earlier = F.count_if(F.col("survivor_snapshot") != F.lit(found.snapshot)).alias("of_earlier")
    return [_numbers(r.asDict()) for r in removed.agg(*_sums(), earlier).orderBy(F.desc("documents"), "step").collect()]


def cuts(deduped: DataFrame) -> list[dict[str, Any]]:
    """What levels of text cut out of kept documents; nothing where the table knows no cuts (step, length)."""
    if "cuts" not in deduped.columns:
        return []
    pieces = deduped.where("kept").select("doc_id", F.explode("cuts").alias("cut"))
    counted = pieces.groupBy(F.col("cut.step").alias("step")).agg(
        F.count_distinct("doc_id").alias("documents"),
        F.count(F.lit(1)).alias("pieces"),
        F.sum("cut.length").alias("characters"),
    )
    return [_numbers(row.asDict()) for row in counted.orderBy(F.desc("characters"), "step").collect()]


# clusters -----------------------------------------------------------------------------------------------------------


def largest(found: Clustered, top: int) -> list[dict[str, Any]]:
    """The clusters with most documents, over all snapshots so far: their hosts, steps and some of their members.

    Members are listed by similarity to what they are linked to, the most different first; the survivor leads.
    """
    chosen = (
        found.rows.groupBy("cluster_id")
        .agg(
            F.max("cluster_size").alias("size"), F.count(F.lit(1)).alias("documents"), F.count_if("kept").alias("kept"),
            F.min("similarity").alias("lowest_similarity"), F.count_distinct("host").alias("hosts"),
        )
        .where("size > 1")
        .orderBy(F.desc("size"), F.desc("documents"), "cluster_id")
        .limit(top)
        .collect()
    )  # fmt: skip
    names = [row["cluster_id"] for row in chosen]
    if not names:
        return []
    inside = found.rows.where(F.col("cluster_id").isin(names))
    hosts = _grouped(inside, F.coalesce("host", F.lit("")))
    by_step = _grouped(inside.where("NOT kept"), F.col("duplicate_step"))
    members = _members(found, inside)
    survivors = _survivors(found, names)
    return [
        {
            "cluster": row["cluster_id"], "size": int(row["size"]), "documents": int(row["documents"]),
            "kept": int(row["kept"]), "lowest_similarity": row["lowest_similarity"], "hosts_in_all": int(row["hosts"]),
            "survivor": survivors[row["cluster_id"]], "hosts": hosts.get(row["cluster_id"], []),
            "steps": by_step.get(row["cluster_id"], []), "members": members.get(row["cluster_id"], []),
        }
        for row in chosen
    ]  # fmt: skip


def _grouped(rows: DataFrame, key: Column) -> dict[str, list[dict[str, Any]]]:
    """By cluster: the most frequent values of a key with their documents."""
    counted = rows.groupBy("cluster_id", key.alias("name")).agg(F.count(F.lit(1)).alias("documents"))
    ordered = F.sort_array(F.collect_list(F.struct((-F.col("documents")).alias("order"), "name", "documents")))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in counted.groupBy("cluster_id").agg(F.slice(ordered, 1, MEMBERS).alias("names")).collect():
        found[row["cluster_id"]] = [{"name": n["name"], "documents": int(n["documents"])} for n in row["names"]]
    return found


def _members(found: Clustered, inside: DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Duplicates of each cluster, the least similar ones first."""
    columns = ("doc_id", "url", "host", "duplicate_step", "linked_snapshot", "linked_to")
    listed = F.struct("similarity", *columns)
    first = F.slice(F.sort_array(F.collect_list(listed)), 1, MEMBERS)
    rows = inside.where("NOT kept").groupBy("cluster_id").agg(first.alias("members")).collect()
    return {
        row["cluster_id"]: [
            {"snapshot": found.snapshot, **{name: m[name] for name in (*columns, "similarity")}} for m in row["members"]
        ]
        for row in rows
    }


def _survivors(found: Clustered, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The document that names each cluster, wherever it lies; without url where it was taken down."""
    keys = {name: name.rpartition("/")[::2] for name in names}
    documents = found.documents(sorted({snapshot for snapshot, _ in keys.values()}), "url", "host")
    wanted = documents.where(F.col("doc_id").isin([doc for _, doc in keys.values()]))
    there = {(r["snapshot"], r["doc_id"]): r for r in wanted.collect()}
    return {
        name: {"snapshot": key[0], "doc_id": key[1], "url": there[key]["url"] if key in there else None,
               "host": there[key]["host"] if key in there else None}
        for name, key in keys.items()
    }  # fmt: skip


# hosts --------------------------------------------------------------------------------------------------------------


def copying(found: Clustered, top: int) -> dict[str, Any]:
    """Pairs of hosts by the duplicates between them, whichever holds the other's; and the duplicates within a host."""
    linked = F.col("linked_snapshot").alias("its_snapshot"), F.col("linked_to").alias("its_id")
    duplicates = found.rows.where("NOT kept").select(F.coalesce("host", F.lit("")).alias("host"), *linked)
    named = [r["its_snapshot"] for r in duplicates.select("its_snapshot").distinct().collect() if r["its_snapshot"]]
    places = found.documents(sorted(named), "host").select(
        F.col("snapshot").alias("its_snapshot"), F.col("doc_id").alias("its_id"),
        F.coalesce("host", F.lit("")).alias("its_host"),
    )  # fmt: skip
    placed = duplicates.join(places, ["its_snapshot", "its_id"])
    first, second = F.least("host", "its_host"), F.greatest("host", "its_host")
    pairs = placed.groupBy(first.alias("first"), second.alias("second")).agg(
        F.count(F.lit(1)).alias("documents"), F.count_if(F.col("host") == first).alias("of_first")
    )
    apart = F.col("first") != F.col("second")
    totals = pairs.agg(
        F.sum(F.when(~apart, F.col("documents"))).alias("within"),
        F.sum(F.when(apart, F.col("documents"))).alias("between"),
        F.count_if(apart).alias("pairs"),
    ).first()
    rows = pairs.where(apart).orderBy(F.desc("documents"), "first", "second").limit(top).collect()
    return {
        **(_numbers(totals.asDict()) if totals is not None else {}),
        "listed": [
            {"first": r["first"], "second": r["second"], "documents": int(r["documents"]),
             "removed_of_first": int(r["of_first"]), "removed_of_second": int(r["documents"] - r["of_first"])}
            for r in rows
        ],
    }  # fmt: skip
