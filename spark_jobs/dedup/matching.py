"""Near-duplicates of one snapshot, within it and against the index: buckets, rounds of candidates, verified pairs.

Documents are numbered in the order of election and meet as numbers; names come back with the verified pairs. The index
is scanned once for its bands and once for the shingles of the few documents that share a bucket.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup import buckets, order
from spark_jobs.dedup.groups import groups_of
from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.dedup.verify import verify
from spark_jobs.errors import ProvenderError

# Published documents are numbered from here, in their order: all are better than new ones, which start at 0.
_PUBLISHED = -(1 << 62)


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How candidates are made and judged. `places`: new documents times bands, or more."""

    scratch: Scratch
    min_similarity: float
    full_pairs: int
    rounds: int
    places: int
    say: Callable[[str], None] = lambda _message: None


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Verified pairs (node, rank, other, other_cluster, other_rank, similarity), None if there are none, and counts."""

    links: DataFrame | None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Members:
    """Who may meet. `numbered`: number, row, node, rank, cluster; `sets`: row, shingles; `parts`: tasks for buckets."""

    new: DataFrame
    old: DataFrame | None
    numbered: DataFrame
    sets: DataFrame
    parts: int


def find_matches(
    matching: Matching,
    new: DataFrame,
    groups: DataFrame,
    shingles: DataFrame,
    *,
    index: DataFrame | None = None,
    stored: DataFrame | None = None,
    rank: Callable[[DataFrame], DataFrame] = lambda rows: rows,
) -> Matches:
    """Pairs of new documents, and of new and published ones, at or above the similarity.

    `new`: number, node, row, rank, bands, read several times, so written before; `groups`: number, leader (only
    documents that lead their exact group are compared). `shingles`: row, shingles of the new documents; `index` and
    `stored`: bands, and shingles by node, of published ones; `rank` adds node, cluster and rank to rows of the index
    and drops what belongs to no cluster. Raises ProvenderError where shingles of a candidate pair are missing.
    """
    keep = matching.scratch.keep
    follow = groups.where("leader IS NOT NULL").select("number")
    fresh = new.where("bands IS NOT NULL").select("number", "bands").join(follow, "number", "left_anti")
    numbered = new.select("number", "row", "node", "rank", F.lit(None).cast("string").alias("cluster"))
    old, places, sets = None, 0, shingles
    if index is not None:
        meeting = _meeting(index, fresh, rank)
        old = keep(meeting, "published_members")
        places = totals(old.agg(F.count(F.lit(1)).alias("places")))["places"]
        members = keep(
            order.numbered(old.select("node", "cluster", "rank").distinct(), _PUBLISHED), "published_numbered"
        )
        numbered = numbered.unionByName(members.withColumn("row", F.col("number")))
        old = old.join(members.select("node", "number"), "node") if places else None
        if stored is not None and places:
            theirs = stored.join(members.select("node", F.col("number").alias("row")), "node").drop("node")
            sets = sets.unionByName(keep(theirs.select("row", "shingles"), "stored_shingles"))
    parts = buckets.parts_for(matching.places + places)
    return _rounds(matching, _Members(new=fresh, old=old, numbered=numbered, sets=sets, parts=parts))


def _meeting(index: DataFrame, fresh: DataFrame, rank: Callable[[DataFrame], DataFrame]) -> DataFrame:
    """Places of published documents in buckets that new ones are in: of a cluster its best member in the bucket."""
    bands = fresh.select(F.posexplode("bands").alias("band", "band_hash")).distinct()
    old = rank(index.join(bands, ["band", "band_hash"], "left_semi"))
    best = old.groupBy("band", "band_hash", "cluster").agg(F.min(F.struct("rank", "node")).alias("best"))
    return best.select(
        "band", "band_hash", "cluster", F.col("best.node").alias("node"), F.col("best.rank").alias("rank")
    )


def _rounds(matching: Matching, members: _Members) -> Matches:
    keep, full, parts = matching.scratch.keep, matching.full_pairs, members.parts
    judged: DataFrame | None = None
    left = done = asked = 0
    next_pairs = buckets.first_pairs(members.new, members.old, parts=parts, full_pairs=full)
    for number in range(1, matching.rounds + 1):
        pairs = keep(next_pairs, f"pairs_{number}")
        there = totals(pairs.agg(F.count("part").alias("asked"), F.count("key").alias("waiting")))
        if there["asked"]:
            judged, sent = _judged(matching, members, pairs, judged, number)
            done, asked = number, asked + sent
        if not there["waiting"]:
            break
        waiting = _waiting(pairs, judged)
        if number == matching.rounds:
            left = totals(buckets.unresolved(waiting, parts=parts).agg(F.sum("places").alias("places")))["places"]
            break
        matching.say(f"dedup: round {number}, {there['waiting']} comparisons in large buckets")
        if number == 1:
            members = replace(members, sets=keep(_still_asked(waiting, members), "waiting_sets"))
        next_pairs = buckets.next_pairs(waiting, parts=parts, full_pairs=full, leaders=2**number)
    if judged is None:
        return Matches(links=None, counts=_counts(0, 0, left, done))
    every, yes = F.count(F.lit(1)).alias("pairs"), F.count(F.when(F.col("similar"), 1)).alias("similar")
    counted = totals(judged.agg(every, yes))
    if counted["pairs"] != asked:
        raise ProvenderError(
            f"dedup: {asked - counted['pairs']} of {asked} candidate pairs were not compared, for shingles of theirs "
            "are missing in signatures; verify tells what is damaged, dedup the earlier snapshots again in order"
        )
    links = _named(judged.where("similar"), members.numbered) if counted["similar"] else None
    return Matches(links=links, counts=_counts(counted["pairs"], counted["similar"], left, done))


def _judged(
    matching: Matching, members: _Members, pairs: DataFrame, before: DataFrame | None, number: int
) -> tuple[DataFrame, int]:
    """Pairs compared so far, with this round's (number, other, similarity, similar); how many this round asked for."""
    keep = matching.scratch.keep
    blocks = pairs.where("part IS NOT NULL").select("part", "block")
    groups = keep(groups_of(blocks, before, parts=members.parts), f"groups_{number}")
    sent = totals(groups.agg(F.count(F.lit(1)).alias("sets"), (F.sum(F.octet_length("others")) / 8).alias("pairs")))
    found = verify(groups, members.numbered.select("number", "row"), members.sets, count=sent["sets"])
    similar = F.col("similarity") >= F.lit(matching.min_similarity)
    judged = keep(found.withColumn("similar", similar), f"judged_{number}")
    return (judged if before is None else before.unionByName(judged)), sent["pairs"]


def _still_asked(waiting: DataFrame, members: _Members) -> DataFrame:
    """The sets of members that the first round did not confirm: only they lead and follow in later ones."""
    confirmed = waiting.groupBy("key", "number").agg(F.max("similar").alias("similar"))
    numbers = confirmed.where("NOT similar").select("number").distinct()
    rows = numbers.join(members.numbered.select("number", "row"), "number").select("row")
    return members.sets.join(rows, "row", "left_semi")


def _waiting(pairs: DataFrame, judged: DataFrame | None) -> DataFrame:
    """Comparisons of members of large buckets (key, number), and whether the pair was confirmed (similar)."""
    waiting = pairs.where("key IS NOT NULL").select("key", "number", "other")
    if judged is None:
        return waiting.select("key", "number", F.lit(False).alias("similar"))
    known = judged.where("similar").select("number", "other", "similar")
    return waiting.join(known, ["number", "other"], "left").select(
        "key", "number", F.coalesce("similar", F.lit(False)).alias("similar")
    )


def _named(similar: DataFrame, numbered: DataFrame) -> DataFrame:
    """Pairs of numbers as pairs of documents."""
    member = numbered.select("number", "node", "rank")
    better = numbered.select(
        F.col("number").alias("other"), F.col("node").alias("other_node"), F.col("cluster").alias("other_cluster"),
        F.col("rank").alias("other_rank"),
    )  # fmt: skip
    return (
        similar.join(member, "number")
        .join(better, "other")
        .select("node", "rank", F.col("other_node").alias("other"), "other_cluster", "other_rank", "similarity")
    )


def _counts(compared: int, similar: int, left: int, rounds: int) -> dict[str, int]:
    """`unresolved_places`: members of large buckets that no leader confirmed when the rounds were over."""
    return {
        "candidate_pairs": compared,
        "similar_pairs": similar,
        "rejected_pairs": compared - similar,
        "unresolved_places": left,
        "rounds": rounds,
    }
