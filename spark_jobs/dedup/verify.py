"""Verification of candidate pairs: the exact Jaccard similarity of their shingle sets, from stored hashes.

A pair that shares an LSH bucket proves nothing by itself; only a verified pair links two documents.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

VERIFIED = "node STRING, other STRING, similarity DOUBLE"


def similarities(left: pa.BinaryArray, right: pa.BinaryArray) -> npt.NDArray[np.float64]:
    """Jaccard similarity of pairs of shingle sets (sorted distinct 64-bit hashes); 0 for two empty sets."""
    from spark_jobs.dedup.kernels import jaccard_counts

    shared, union = jaccard_counts(*_sets(left), *_sets(right))
    return np.asarray(shared / np.maximum(union, 1), dtype=np.float64)


def verify(candidates: DataFrame, shingles: DataFrame, min_similarity: float) -> DataFrame:
    """`candidates` (node, other, ...) with `similarity` and `similar`; `shingles`: node, shingles."""
    measured = (
        candidates.select("node", "other")
        .join(shingles.withColumnRenamed("shingles", "left"), "node")
        .join(shingles.select(F.col("node").alias("other"), F.col("shingles").alias("right")), "other")
        .select("node", "other", "left", "right")
        .mapInArrow(_measure, VERIFIED)
    )
    return candidates.join(measured, ["node", "other"]).withColumn(
        "similar", F.col("similarity") >= F.lit(min_similarity)
    )


def _measure(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        found = similarities(batch.column("left"), batch.column("right"))
        yield pa.RecordBatch.from_arrays(
            [batch.column("node"), batch.column("other"), pa.array(found)], names=["node", "other", "similarity"]
        )


def _sets(blobs: pa.BinaryArray) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    _, offsets, data = blobs.cast(pa.large_binary()).buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[: len(blobs) + 1] if len(blobs) else np.zeros(1, dtype=np.int64)
    used = memoryview(data)[bounds[0] : bounds[-1]] if data is not None else b""
    return np.frombuffer(used, dtype="<u8"), (bounds - bounds[0]) // 8
