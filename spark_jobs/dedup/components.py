"""Connected components without a driver: every node learns the smallest node it is connected to.

Edges are first contracted to stars inside tasks, which is enough where one task holds them all. What remains is
contracted by alternating large-star and small-star steps (Kiveris et al., Connected Components in MapReduce and Beyond,
2014) over Parquet state, in O(log n) rounds in practice; only one row of counts comes to the driver a round. A killed
run that is started again on the same folder with the same edges goes on from the last round that was finished.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.errors import ProvenderError

_EDGES = "u STRING, v STRING"
# A task contracts this many edges at once (about 100 bytes each); fewer edges in all need one task and no rounds.
CHUNK = 1_000_000
# A path of n nodes needs about log2(n) rounds: no graph that fits a disk needs as many.
_MOST_ROUNDS = 200


def components(
    edges: DataFrame, scratch: Scratch, *, count: int, chunk: int = CHUNK, say: Callable[[str], None] = lambda _: None
) -> DataFrame:
    """(node, label) for every node of `edges` (u, v): the smallest node, as a string, of its component.

    `count` is the number of edges or more. Nothing depends on the direction, the order or the repetition of edges.
    """
    task = _contraction(chunk)
    if count <= chunk:
        return _labels(edges.select("u", "v").coalesce(1).mapInArrow(task, _EDGES))
    edges = scratch.keep(edges.select("u", "v"), "edges")
    state = _state_of(edges)
    number, open_nodes = _last_finished(scratch, state)
    if number is None:
        number, open_nodes = 0, _finish(scratch, state, 0, edges.mapInArrow(task, _EDGES).distinct())
    while open_nodes:
        say(f"clusters: {open_nodes} documents still move after round {number}")
        if number == _MOST_ROUNDS:
            raise ProvenderError(
                f"clusters did not settle in {_MOST_ROUNDS} rounds; the state lies at {scratch.location}"
            )
        number += 1
        before = scratch.kept(f"{state}_{number - 1}", _EDGES)
        open_nodes = _finish(scratch, state, number, small_star(large_star(before)))
    return _labels(scratch.kept(f"{state}_{number}", _EDGES))


def _state_of(edges: DataFrame) -> str:
    """Names of the rounds of these edges: the state of other edges in the same folder is never taken for theirs."""
    # A sum of hashes as decimals: exact, whatever the order.
    total = F.sum(F.xxhash64(F.least("u", "v"), F.greatest("u", "v")).cast("decimal(20,0)")).cast("string")
    row = edges.agg(F.count(F.lit(1)).alias("rows"), F.coalesce(total, F.lit("0")).alias("total")).first()
    return f"stars_{row['rows']}_{row['total']}" if row is not None else "stars"


def _last_finished(scratch: Scratch, state: str) -> tuple[int | None, int]:
    """The last round of an earlier attempt, and how many nodes still moved after it."""
    last, open_nodes = None, 0
    for number in range(_MOST_ROUNDS + 1):
        noted = scratch.finished(f"{state}_{number}")
        if noted is None:
            break
        last, open_nodes = number, int(noted)
    return last, open_nodes


def _finish(scratch: Scratch, state: str, number: int, stars: DataFrame) -> int:
    """Keep a round and note it; how many nodes still move."""
    kept = scratch.keep(stars, f"{state}_{number}")
    open_nodes = totals(_not_yet_stars(kept))["nodes"]
    scratch.finish(f"{state}_{number}", str(open_nodes))
    return open_nodes


def large_star(edges: DataFrame) -> DataFrame:
    """Link every larger neighbour of a node to the smallest one of its neighbourhood."""
    both = edges.unionByName(edges.select(F.col("v").alias("u"), F.col("u").alias("v")))
    least = both.groupBy("u").agg(F.least(F.min("v"), F.col("u")).alias("least"))
    return both.join(least, "u").where("v > u").select(F.col("v").alias("u"), F.col("least").alias("v")).distinct()


def small_star(edges: DataFrame) -> DataFrame:
    """Link a node and all its smaller neighbours to the smallest of them."""
    down = edges.select(F.greatest("u", "v").alias("u"), F.least("u", "v").alias("v")).where("u > v")
    least = down.groupBy("u").agg(F.min("v").alias("least"))
    moved = down.join(least, "u").where("v > least").select(F.col("v").alias("u"), F.col("least").alias("v"))
    return moved.unionByName(least.select("u", F.col("least").alias("v"))).distinct()


def _not_yet_stars(edges: DataFrame) -> DataFrame:
    """How many nodes have two centres, or are a centre and a point at once; none: every component is one star."""
    points = edges.select(F.col("u").alias("node"), F.lit(1).alias("point"), F.lit(0).alias("centre"))
    centres = edges.select(F.col("v").alias("node"), F.lit(0).alias("point"), F.lit(1).alias("centre"))
    counted = points.unionByName(centres).groupBy("node").agg(F.sum("point").alias("p"), F.max("centre").alias("c"))
    return counted.agg(F.count(F.when(F.expr("p > 1 OR (p = 1 AND c = 1)"), True)).alias("nodes"))


def _labels(stars: DataFrame) -> DataFrame:
    points = stars.select(F.col("u").alias("node"), F.col("v").alias("label"))
    return points.unionByName(stars.select(F.col("v").alias("node"), F.col("v").alias("label"))).distinct()


def _contraction(chunk: int) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: list[pa.RecordBatch] = []
        size = 0
        for whole in batches:
            for start in range(0, whole.num_rows, chunk):
                held.append(whole.slice(start, chunk))
                size += held[-1].num_rows
                if size >= chunk:
                    yield contract(pa.Table.from_batches(held))
                    held, size = [], 0
        if held:
            yield contract(pa.Table.from_batches(held))

    return run


def contract(edges: pa.Table) -> pa.RecordBatch:
    """Stars (u, smallest) of the components of some edges (u, v); the centres themselves are not listed."""
    from spark_jobs.dedup.bucket_kernels import star_roots

    ends = pa.chunked_array([*edges.column("u").chunks, *edges.column("v").chunks], pa.string())
    # Spark compares strings by their UTF-8 bytes, and so does Arrow: the smallest number is the smallest node.
    names = pc.unique(ends)
    names = names.take(pc.array_sort_indices(names))
    numbers = pc.index_in(ends, names).to_numpy().astype(np.int64)
    half = edges.num_rows
    roots = star_roots(numbers[:half], numbers[half:], len(names))
    moved = np.flatnonzero(roots != np.arange(len(names)))
    ends = [names.take(pa.array(moved)), names.take(pa.array(roots[moved]))]
    return pa.RecordBatch.from_arrays(ends, names=["u", "v"])
