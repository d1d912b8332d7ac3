"""Near-duplicates of one snapshot, within it and against the index: buckets, rounds of candidates, verified pairs.

The index is scanned once for its bands and once for the shingles of the few documents that share a bucket.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup import buckets
from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.dedup.verify import verify


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How candidates are made and judged."""

    scratch: Scratch
    min_similarity: float
    full_pairs: int
    rounds: int
    say: Callable[[str], None] = lambda _message: None


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Verified pairs (node, rank, other, other_cluster, other_rank, similarity), None if there are none, and counts."""

    links: DataFrame | None
    counts: Mapping[str, int] = field(default_factory=dict)


def find_matches(
    matching: Matching,
    new: DataFrame,
    shingles: DataFrame,
    *,
    index: DataFrame | None = None,
    stored: DataFrame | None = None,
    rank: Callable[[DataFrame], DataFrame] = lambda rows: rows,
) -> Matches:
    """Pairs of new documents, and of new and published ones, at or above the similarity.

    `new`: node, rank, bands, leader (only documents that lead their exact group are compared). `shingles`: node,
    shingles of the new documents; `index` and `stored`: bands and shingles of published ones; `rank` adds node, cluster
    and rank to rows of the index and drops what belongs to no cluster.
    """
    keep = matching.scratch.keep
    leading = new.where("leader IS NULL").select("node", "rank", "bands", F.lit(None).cast("string").alias("cluster"))
    bands = buckets.bands_of(leading)
    old = None
    if index is not None:
        old = rank(index.join(bands.select("band", "band_hash").distinct(), ["band", "band_hash"], "left_semi"))
    placed = keep(buckets.members(bands, old), "members_1")
    sizes = totals(
        placed.agg(
            F.count(F.lit(1)).alias("members"),
            F.count("cluster").alias("old"),
            F.max("size").alias("largest"),
        )
    )
    if not sizes["members"]:
        return Matches(links=None, counts=_counts(0, 0, 0, 0, 0))
    if sizes["old"] and stored is not None:
        wanted = placed.where("cluster IS NOT NULL").select("node").distinct()
        shingles = shingles.unionByName(keep(stored.join(wanted, "node", "left_semi"), "stored_shingles"))
    return _rounds(matching, placed, shingles, sizes["largest"])


def _rounds(matching: Matching, placed: DataFrame, shingles: DataFrame, largest: int) -> Matches:
    keep, full = matching.scratch.keep, matching.full_pairs
    judged: DataFrame | None = None
    compared = similar = left = done = 0
    for number in range(1, matching.rounds + 1):
        leaders = 2 ** (number - 1)
        candidates = buckets.pairs(placed, full_pairs=full, leaders=leaders)
        if judged is not None:
            candidates = candidates.join(judged.select("node", "other"), ["node", "other"], "left_anti")
        found = keep(verify(candidates, shingles, matching.min_similarity), f"judged_{number}")
        judged = found if judged is None else judged.unionByName(found)
        counted = totals(found.agg(F.count(F.lit(1)).alias("pairs"), F.count(F.when(F.col("similar"), 1)).alias("yes")))
        compared, similar, done = compared + counted["pairs"], similar + counted["yes"], number
        if largest <= full:
            left = 0
            break
        waiting = buckets.unresolved(placed, judged.where("similar"), full_pairs=full, leaders=leaders)
        placed = keep(waiting, f"members_{number + 1}")
        sizes = totals(placed.agg(F.count(F.lit(1)).alias("members"), F.max("size").alias("largest")))
        left, largest = sizes["members"], sizes["largest"]
        if not left:
            break
        matching.say(f"dedup: round {number} compared {counted['pairs']} pairs, {left} places in large buckets go on")
    links = judged.where("similar").drop("similar") if judged is not None and similar else None
    return Matches(links=links, counts=_counts(compared, similar, compared - similar, left, done))


def _counts(compared: int, similar: int, rejected: int, left: int, rounds: int) -> dict[str, int]:
    """`unresolved_places`: members of large buckets that no leader confirmed when the rounds were over."""
    return {
        "candidate_pairs": compared,
        "similar_pairs": similar,
        "rejected_pairs": rejected,
        "unresolved_places": left,
        "rounds": rounds,
    }
