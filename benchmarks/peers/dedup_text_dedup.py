"""text-dedup's minhash on a Parquet corpus: `python -m benchmarks.peers.dedup_text_dedup CORPUS RESULT`.

Runs in text-dedup's environment: its command with 14 bands of 8, 5-grams, one process, and xxh3 with 32-bit arithmetic,
the fastest of the hash functions and widths that it documents.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from text_dedup import minhash

from benchmarks.peers import measuring


def run(files: list[str], home: Path, bits: int) -> Any:
    """The command, as its command line has it; the union-find over row numbers that it leaves."""
    words = ["--path", "parquet", "--split", "train", "--cache_dir", str(home / "cache"), "--output", str(home / "out")]
    words += ["--column", "text", "--batch_size", "10000", "--num_proc", "1", "--ngram", "5", "--num_perm", "112"]
    words += ["--b", "14", "--r", "8", "--hash_func", "xxh3", "--hash_bits", str(bits), "--use_auth_token", "false"]
    words += ["--data_files", str(Path(files[0]).parent / "*.parquet")]
    minhash.main(words, standalone_mode=False)
    return minhash.uf


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("result")
    parser.add_argument("--warm-up", required=True, help="a small corpus that goes through first")
    parser.add_argument("--bits", type=int, default=32, choices=(16, 32, 64), help="its --hash_bits")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="text-dedup "))
    files, small = (
        [str(file) for file in sorted(Path(place).glob("*.parquet"))] for place in (arguments.corpus, arguments.warm_up)
    )
    try:
        run(small, folder / "small", arguments.bits)
        before, began = measuring.cpu_seconds(), time.monotonic()
        found = run(files, folder / "all", arguments.bits)
        used, wall = measuring.cpu_seconds() - before, time.monotonic() - began
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ids = [one for file in files for one in pq.read_table(file, columns=["doc_id"])["doc_id"].to_pylist()]
    roots = [found.find(place) for place in range(len(ids))]
    table = {"doc_id": ids, "cluster": roots, "kept": [root == place for place, root in enumerate(roots)]}
    pq.write_table(pa.table(table), arguments.result)
    print(json.dumps({"documents": len(ids), "cpu_seconds": used, "wall_seconds": wall}))


if __name__ == "__main__":
    main()
