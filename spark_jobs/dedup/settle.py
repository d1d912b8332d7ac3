"""Verdicts that depend on verdicts: which paragraphs go when each is compared with the earlier ones that stayed.

The rule is one of a sequence, and its answer is reached without one: in each round a paragraph that would stay whatever
the open ones before it do, stays, and one that goes without any of them, goes. The first open one of any that share
n-grams is always decided, so rounds end; as soon as the open ones fit one task, it takes them in order.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.errors import ProvenderError
from spark_jobs.text.native import kernel

# One task settles this many open n-grams in order, at about 100 bytes each.
CHUNK = 2_000_000
# Each round decides at least the first of every group; only a chain of this many versions of one text needs as many.
ROUNDS = 100

I64 = npt.NDArray[np.int64]


def settle(
    seen: DataFrame, threshold: float, scratch: Scratch, *, chunk: int = CHUNK, rounds: int = ROUNDS,
    say: Callable[[str], None] = lambda _: None,
) -> DataFrame:  # fmt: skip
    """Paragraphs (at) that go: more than `threshold` of their n-grams stand in earlier ones that stay, or in old ones.

    `seen`: a row for each n-gram of a paragraph that another one has too: hash, at (the order), total (n-grams of the
    paragraph), old (published documents have it). Raises ProvenderError when the rounds do not suffice.
    """
    share = F.col("base") / F.col("total")
    based = seen.groupBy("at", "total").agg(F.count_if("old").alias("base"))
    gone = [based.where(share > threshold).select("at")]
    waiting = scratch.keep(
        seen.where("NOT old").select("hash", "at").join(based.where(share <= threshold), "at"), "waiting_0"
    )
    for number in range(1, rounds + 1):
        count = totals(waiting.agg(F.count(F.lit(1)).alias("grams")))["grams"]
        if count <= chunk:
            gone.append(waiting.coalesce(1).mapInArrow(_in_order(threshold), "at BIGINT"))
            return scratch.keep(_united(gone), "removed")
        say(f"dedup: round {number}, {count} n-grams of paragraphs that are not decided yet")
        waiting, decided = _round(waiting, threshold, scratch, number)
        gone.append(decided)
    raise ProvenderError(
        f"ngram_overlap: verdicts did not settle in {rounds} rounds, because very many versions of one text follow "
        "each other; deduplicate documents before (minhash), or raise ngram_overlap.shards. "
        f"The state lies at {scratch.location}"
    )


def _round(waiting: DataFrame, threshold: float, scratch: Scratch, number: int) -> tuple[DataFrame, DataFrame]:
    """The rows that wait on (hash, at, total, base), and the paragraphs that go."""
    first = waiting.groupBy("hash").agg(F.min("at").alias("first"))
    most = (
        waiting.join(first, "hash")
        .groupBy("at", "total", "base")
        .agg(F.count_if(F.col("first") < F.col("at")).alias("may"))
    )
    stays = most.where((F.col("base") + F.col("may")) / F.col("total") <= threshold).select("at")
    stays = scratch.keep(stays, f"stays_{number}")
    given = waiting.join(stays, "at", "left_semi").groupBy("hash").agg(F.min("at").alias("given"))
    left = waiting.join(stays, "at", "left_anti").join(given, "hash", "left")
    met = scratch.keep(left.withColumn("met", F.coalesce(F.col("given") < F.col("at"), F.lit(False))), f"met_{number}")
    base = met.groupBy("at", "total", "base").agg(F.count_if("met").alias("more"))
    base = base.select("at", "total", (F.col("base") + F.col("more")).alias("base"))
    share = F.col("base") / F.col("total")
    on = met.where("NOT met").select("hash", "at").join(base.where(share <= threshold), "at")
    return scratch.keep(on, f"waiting_{number}"), base.where(share > threshold).select("at")


def _united(frames: list[DataFrame]) -> DataFrame:
    united = frames[0]
    for frame in frames[1:]:
        united = united.unionByName(frame)
    return united


def _in_order(threshold: float) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held = list(batches)
        if held:
            rows = pa.Table.from_batches(held)
            at, hashes, total, base = (rows.column(name).to_numpy() for name in ("at", "hash", "total", "base"))
            gone = in_order(at, hashes, total, base, threshold)
            yield pa.RecordBatch.from_arrays([pa.array(gone)], names=["at"])

    return run


def in_order(at: I64, hashes: I64, total: I64, base: I64, threshold: float) -> I64:
    """The rule itself, one paragraph after the other; rows as `settle` has them, in any order."""
    order = np.argsort(at, kind="stable")
    found: I64 = _in_sequence(at[order], hashes[order].view(np.uint64), total[order], base[order], threshold)
    return found


@kernel
def _in_sequence(at: I64, hashes: npt.NDArray[np.uint64], total: I64, base: I64, threshold: float) -> I64:
    room = 16
    while room < 2 * len(at):
        room *= 2
    table = np.zeros(room, dtype=np.uint64)
    used = np.zeros(room, dtype=np.bool_)
    gone = np.empty(len(at), dtype=np.int64)
    count = 0
    i = 0
    while i < len(at):
        stop = i
        present = base[i]
        while stop < len(at) and at[stop] == at[i]:
            slot = np.int64((hashes[stop] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & (room - 1)
            while used[slot] and table[slot] != hashes[stop]:
                slot = (slot + 1) & (room - 1)
            present += used[slot]
            stop += 1
        if present / total[i] > threshold:
            gone[count] = at[i]
            count += 1
        else:
            for k in range(i, stop):
                slot = np.int64((hashes[k] * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)) & (room - 1)
                while used[slot] and table[slot] != hashes[k]:
                    slot = (slot + 1) & (room - 1)
                table[slot] = hashes[k]
                used[slot] = True
        i = stop
    return gone[:count]
