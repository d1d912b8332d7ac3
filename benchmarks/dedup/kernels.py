"""What signing costs by kernel, without Spark: `python -m benchmarks.dedup.kernels`; microseconds of CPU a document."""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.dedup import corpus
from spark_jobs.dedup import kernels, normal_kernels, signatures
from spark_jobs.dedup.normal_form import fold_table
from spark_jobs.text.utf8 import bytes_of

DOCUMENTS, REPEAT = 1_000, 10


def best(work: Callable[[], Any]) -> float:
    """The least CPU seconds of some runs after one that compiles."""
    work()
    seconds = []
    for _ in range(REPEAT):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def main() -> int:
    """Measure and print."""
    batch = corpus.rows(corpus.plan(100_000, 11), np.arange(DOCUMENTS))
    texts = batch["text"].cast(pa.large_string())
    params, table = signatures.MinHash(), fold_table("diacritics")
    data, starts = bytes_of(texts)
    _, _, units, bounds, _ = normal_kernels.normalise(
        data, starts, table.kind, table.start, table.count, table.flat, False
    )
    shingles, offsets = kernels.shingle(units, bounds, params.ngram)
    factors = signatures.permutations(params.seed, params.bands * params.rows)
    signed = kernels.minhash(shingles, offsets, *factors)
    print(f"{texts.nbytes / DOCUMENTS:,.0f} bytes and {len(shingles) / DOCUMENTS:,.0f} shingles a document")
    steps: dict[str, Callable[[], Any]] = {
        "normal form": lambda: normal_kernels.normalise(
            data, starts, table.kind, table.start, table.count, table.flat, False
        ),
        "shingles": lambda: kernels.shingle(units, bounds, params.ngram),
        "minhash": lambda: kernels.minhash(shingles, offsets, *factors),
        "bands": lambda: kernels.band_hashes(signed, params.bands, params.rows),
        "all, with hashes of the text": lambda: signatures.sign(texts, params),
    }
    for name, work in steps.items():
        print(f"{name:<30}{best(work) / DOCUMENTS * 1e6:8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
