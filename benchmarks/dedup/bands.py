"""Recall by bands and rows, without Spark: `python -m benchmarks.dedup.bands [--documents N] [--bands 14x8 ...]`.

The kernels and rules of the stage (signatures, buckets in rounds, verified pairs, components) on arrays, so
that settings can be compared in seconds. Every document is a candidate; exact duplicates are not set apart.
"""

import argparse
import sys
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.dedup import corpus, truth
from benchmarks.documents import CACHE
from spark_jobs.dedup import buckets
from spark_jobs.dedup.bucket_kernels import jaccard_counts, star_roots
from spark_jobs.dedup.signatures import MinHash, Signed, sign

SEED = 11
ROUNDS, SIMILAR = 4, 0.8


def measured(signed: Signed, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Jaccard similarity of pairs of rows."""
    sides = []
    for rows in (left, right):
        sets = [signed.shingles[signed.offsets[row] : signed.offsets[row + 1]] for row in rows]
        bounds = np.concatenate([[0], np.cumsum([len(own) for own in sets])]).astype(np.int64)
        sides += [np.concatenate(sets) if sets else np.zeros(0, dtype=np.uint64), bounds]
    shared, union = jaccard_counts(*sides)
    return np.asarray(shared / np.maximum(union, 1))


def links(signed: Signed, full_pairs: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Verified pairs of rows, and how many pairs were compared."""
    count, bands = signed.bands.shape
    keys = buckets.bucket_key(np.tile(np.arange(bands), count), signed.bands.reshape(-1).view(np.int64))
    numbers = np.repeat(np.arange(count), bands)
    judged: dict[tuple[int, int], bool] = {}
    for number in range(ROUNDS):
        rows = pa.Table.from_batches(
            list(buckets.paired(keys, numbers, full_pairs=full_pairs, leaders=2**number)),
            pa.schema([(name, pa.int64()) for name in ("key", "number", "other")]),
        )
        pairs = list(zip(rows["number"].to_pylist(), rows["other"].to_pylist(), strict=True))
        fresh = sorted({pair for pair in pairs if pair not in judged})
        ends = np.array(fresh, dtype=np.int64).reshape(-1, 2)
        found = measured(signed, ends[:, 0], ends[:, 1]) >= SIMILAR
        judged |= dict(zip(fresh, found.tolist(), strict=True))
        waits = rows["key"].is_valid().to_numpy()
        if not waits.any():
            break
        similar = np.array([judged[pair] for pair in pairs])[waits]
        waiting = rows.filter(pa.array(waits))
        keys, numbers = buckets.unconfirmed(waiting["key"].to_numpy(), waiting["number"].to_numpy(), similar)
    yes = np.array([pair for pair, same in judged.items() if same], dtype=np.int64).reshape(-1, 2)
    return yes[:, 0].copy(), yes[:, 1].copy(), len(judged)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--bands", nargs="+", default=["14x8", "16x7", "18x6", "20x7"], metavar="BANDSxROWS")
    parser.add_argument("--full-pairs", type=int, nargs="+", default=[4, 16, 64], help="the recipe's full_pairs")
    arguments = parser.parse_args()
    place = CACHE / "dedup" / f"documents-{arguments.documents}-{SEED}-{corpus.VERSION}"
    if not place.exists():
        place.mkdir(parents=True)
        made = corpus.rows(corpus.plan(arguments.documents, SEED), np.arange(arguments.documents))
        pq.write_table(pa.Table.from_batches([made]), place / "part-00000.parquet")
        (place / "_SUCCESS").touch()
    table = pq.read_table(place, columns=["doc_id", "text"])
    ids, texts = table["doc_id"].to_pylist(), table["text"].combine_chunks().cast(pa.large_string())
    print(f"{len(ids):,} documents\n{'bands':<8}{'full':>6}{'compared':>10}{'linked':>9}{'recall':>9}"
          f"{'size 2':>9}{'3-9':>9}{'10-99':>9}{'100+':>9}{'linked':>9}")  # fmt: skip
    for setting, full_pairs in product(arguments.bands, arguments.full_pairs):
        bands, rows = map(int, setting.split("x"))
        signed = sign(texts, MinHash(bands=bands, rows=rows))
        left, right, compared = links(signed, full_pairs)
        roots = star_roots(left, right, len(ids))
        best = dict(zip(left.tolist(), right.tolist(), strict=True))
        kept = roots == np.arange(len(ids))
        linked = {ids[row]: ids[best[row]] for row in np.flatnonzero(~kept).tolist() if row in best}
        names = dict(zip(ids, roots.tolist(), strict=True))
        quality = truth.judge(place, truth.Result(names, dict(zip(ids, kept.tolist(), strict=True)), linked))
        recall = quality["recall"]
        shown = "".join(f"{recall[name]:9.4f}" for name in ("all", "2", "3-9", "10-99", "100+"))
        print(
            f"{setting:<8}{full_pairs:>6}{compared:>10,}{len(left):>9,}{shown}{quality['precision']['linked']:9.4f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
