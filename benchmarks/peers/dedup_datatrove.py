"""datatrove's four MinHash stages on JSON lines: `python -m benchmarks.peers.dedup_datatrove FOLDER RESULT`.

Runs in datatrove's environment. FineWeb's setting (14 buckets of 8, 5-grams, 64-bit hashes) with xxhash, which is the
faster of its two hash functions, as in FineWeb2; the tokenizer that it names for English. The last stage runs over the
documents as its example does. One task a stage, 14 for the buckets, one worker.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import measuring

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import (
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
)
from datatrove.pipeline.readers import JsonlReader
from datatrove.utils.hashing import HashConfig
from datatrove.utils.typeshelper import Languages

CONFIG = MinhashConfig(
    hash_config=HashConfig(precision=64, hash_fc="xxhash"), num_buckets=14, hashes_per_bucket=8, n_grams=5
)


def run(corpus: str, home: Path, keep: Any) -> None:
    """The four stages; `keep` is called with every document that stays, and the last stage marks clusters."""
    reader = JsonlReader(corpus)
    signatures, buckets, removed = (str(home / name) for name in ("signatures", "buckets", "removed"))
    stages: list[tuple[list[Any], int]] = [
        ([reader, MinhashDedupSignature(signatures, config=CONFIG, language=Languages.english)], 1),
        ([MinhashDedupBuckets(signatures, buckets, config=CONFIG)], CONFIG.num_buckets),
        ([MinhashDedupCluster(buckets, removed, config=CONFIG, save_cluster_id=True)], 1),
        ([reader, MinhashDedupFilter(removed, load_cluster_ids=True), keep], 1),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        logs = str(home / f"logs {number}")
        LocalPipelineExecutor(pipeline=pipeline, tasks=tasks, workers=1, logging_dir=logs).run()


def all_of(corpus: str, home: Path) -> dict[str, Any]:
    """Ids and clusters of the documents that stay."""
    kept: dict[str, Any] = {}

    def keep(documents: Any, rank: int = 0, world_size: int = 1) -> Any:  # noqa: ARG001 - datatrove's signature
        for document in documents:
            kept[document.id] = document.metadata.get("minhash_cluster_id", -1)
            yield document

    run(corpus, home, keep)
    return kept


def clusters(corpus: str, home: Path) -> tuple[Sequence[str], list[int]]:
    """Ids and cluster ids (-1: none) of all documents, from the file that the third stage wrote; not timed."""
    ids = [document["id"] for document in measuring.read(str(Path(corpus) / "documents.jsonl"))]
    found = [-1] * len(ids)
    data = (home / "removed" / "000000.clusters").read_bytes()
    for place in range(0, len(data), 8):
        document, cluster = (int.from_bytes(data[at : at + 4], "little") for at in (place, place + 4))
        found[document] = cluster
    return ids, found


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("result")
    parser.add_argument("--warm-up", required=True, help="a small corpus that goes through first")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="datatrove "))
    try:
        all_of(arguments.warm_up, folder / "small")
        before, began = measuring.cpu_seconds(), time.monotonic()
        kept = all_of(arguments.corpus, folder / "all")
        used, wall = measuring.cpu_seconds() - before, time.monotonic() - began
        ids, found = clusters(arguments.corpus, folder / "all")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    labels = [one if cluster < 0 else str(cluster) for one, cluster in zip(ids, found, strict=True)]
    with Path(arguments.result).open("w", encoding="utf-8") as lines:
        rows = ({"doc_id": one, "cluster": label, "kept": one in kept} for one, label in zip(ids, labels, strict=True))
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    print(json.dumps({"documents": len(ids), "cpu_seconds": used, "wall_seconds": wall}))


if __name__ == "__main__":
    main()
