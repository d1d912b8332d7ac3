"""MinHash on Spark as it is mostly written: a row-at-a-time UDF with datasketch, explode, groupBy, union-find.

`python -m benchmarks.dedup.row_udfs CORPUS RESULT`; one JSON line. Nothing is verified; a bucket is linked to its first
member, and the edges are united on the driver.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from datasketch import MinHash
from pyspark.sql import functions as F

from benchmarks.dedup import corpus
from benchmarks.dedup.engine import session, settings
from benchmarks.measuring import cpu_of_the_tree, peak_memory

BANDS, ROWS, NGRAM = 14, 8, 5
_WORD = re.compile(r"\w+")


def bands(text: str) -> list[str]:
    """The bands of a text as strings; datasketch's batch update, which is its fast way."""
    words = _WORD.findall(text.lower())
    sketch = MinHash(num_perm=BANDS * ROWS)
    shingles = {" ".join(words[start : start + NGRAM]) for start in range(len(words) - NGRAM + 1)}
    sketch.update_batch([shingle.encode() for shingle in shingles])
    values = sketch.hashvalues
    return [f"{band}-{values[band * ROWS : (band + 1) * ROWS].tobytes().hex()}" for band in range(BANDS)]


def find(parent: dict[str, str], one: str) -> str:
    """The root, with the way to it halved."""
    while parent.setdefault(one, one) != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


def clusters(spark: Any, place: Path) -> dict[str, str]:
    """The cluster of each document that has one."""
    documents = spark.read.parquet(str(place)).select("doc_id", "text")
    rows = documents.select("doc_id", F.explode(F.udf(bands, "array<string>")("text")).alias("band"))
    buckets = rows.groupBy("band").agg(F.collect_list("doc_id").alias("ids")).where(F.size("ids") > 1)
    parent: dict[str, str] = {}
    for row in buckets.select("ids").toLocalIterator():
        first = find(parent, row.ids[0])
        for one in row.ids[1:]:
            root = find(parent, one)
            parent[max(root, first)] = first = min(root, first)
    return {one: find(parent, one) for one in list(parent)}


def main() -> int:
    """Measure."""
    parser = settings(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("result", type=Path)
    arguments = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="row udfs "))
    spark = session(home / "spark", arguments)
    try:
        corpus.write(spark, str(home / "small"), 1_000, 5)
        clusters(spark, home / "small")
        before, began = cpu_of_the_tree(), time.monotonic()
        with peak_memory() as peak:
            found = clusters(spark, arguments.corpus)
        used, wall = cpu_of_the_tree() - before, time.monotonic() - began
    finally:
        spark.stop()
        shutil.rmtree(home, ignore_errors=True)
    ids = ds.dataset(arguments.corpus).to_table(columns=["doc_id"])["doc_id"].to_pylist()
    labels = [found.get(one, one) for one in ids]
    kept = [label == one for label, one in zip(labels, ids, strict=True)]
    pq.write_table(pa.table({"doc_id": ids, "cluster": labels, "kept": kept}), arguments.result)
    said = {"documents": len(ids), "cpu_seconds": used, "wall_seconds": wall, "peak_bytes": peak.bytes}
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
