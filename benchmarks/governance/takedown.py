"""What a takedown costs in lakes of several sizes: `python -m benchmarks.governance.takedown [--documents N ...]`.

The same 100 documents go each time: once one site, whose pages lie together as in a crawl, once pages scattered over
the whole lake. Prints seconds, and the data files and bytes written again beside those of the lake. Twice as many
documents in the lake should cost a scan of keys more, not twice as much.
"""

import argparse
import hashlib
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from orchestration.environment import delta_jars
from orchestration.spark_session import build_session
from spark_jobs.lake.candidate import write_candidate
from spark_jobs.lake.contents import summarise
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import publish
from spark_jobs.lake.registry import register
from spark_jobs.lake.releases import Release, register_release
from spark_jobs.lake.tables import DROP_REASONS, TABLES
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.manifest import build_manifest
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request

SNAPSHOT, RELEASE = "2026-01", "bench-2026-01"
TAKEN, A_SITE, A_FILE = 100, 100, 2000
_WORDS, _BANDS, _SHINGLES = 250, 14, 246
_SIZES = (10_000, 40_000, 160_000)


def documents(spark: SparkSession, count: int) -> DataFrame:
    """Documents of about 2 kB, a hundred a site; whatever a table could ask for as a column."""
    word = F.transform(F.sequence(F.lit(1), F.lit(_WORDS)), lambda n: F.substring(F.hex(F.xxhash64("id", n)), 1, 7))
    host = F.concat(F.lit("site"), F.floor(F.col("id") / A_SITE).cast("string"), F.lit(".example"))
    rows = spark.range(0, count, 1, max(1, count // A_FILE)).withColumns({
        "snapshot": F.lit(SNAPSHOT), "release": F.lit(RELEASE),
        "doc_id": F.substring(F.sha2(F.col("id").cast("string"), 256), 1, 32),
        "host": host, "text": F.array_join(word, " "), "source": F.lit("bench"), "language": F.lit("en"),
    })  # fmt: skip
    node = F.concat(F.lit(f"{SNAPSHOT}/"), "doc_id")
    return rows.withColumns({
        "url": F.concat(F.lit("https://"), "host", F.lit("/"), F.col("id").cast("string")),
        "canonical_url": F.concat("host", F.lit("/"), F.col("id").cast("string")),
        "url_hash": F.xxhash64("host", "id"), "payload": F.concat(F.lit("<p>"), "text").cast("binary"),
        "source_file": F.lit("bench.warc.gz"), "source_offset": F.col("id"), "kept": F.lit(True),
        "drop_reasons": F.expr(f"CAST(array() AS {DROP_REASONS})"),
        "cluster_id": node, "cluster_size": F.lit(1), "capture_id": F.col("doc_id"), "capture_number": F.lit(1),
        "chars_cut": F.lit(0), "params_id": F.lit("p"), "signature": F.repeat(F.col("doc_id"), 28).cast("binary"),
        "shingles": F.repeat(F.col("doc_id"), _SHINGLES // 4).cast("binary"), "text_hash": F.col("doc_id"),
        "content_hash": F.col("doc_id"), "words": F.lit(_WORDS), "chars": F.length("text"), "origin": F.lit("original"),
        "phase": F.lit("main"), "copies": F.lit(1), "tokens": F.lit(_WORDS), "order_key": F.col("doc_id"),
        "quality": F.lit(0.5),
    })  # fmt: skip


def filled(frame: DataFrame, lake: Lake, table: str) -> DataFrame:
    """The frame in the columns of a table; what it does not have is null."""
    wanted = [field for field in lake.at(table).schema if not (TABLES[table].side and field.name == "publication")]
    return frame.select(*(
        (F.col(f.name) if f.name in frame.columns else F.lit(None)).cast(f.dataType).alias(f.name) for f in wanted
    ))  # fmt: skip


def build(spark: SparkSession, home: str, count: int) -> Lake:
    """A lake with one snapshot and one release, published as a run publishes."""
    lake = Lake(spark, home).make("bench")
    register(lake, SNAPSHOT, [], source="bench", licence=None)
    place = f"{home}/bench-documents"
    documents(spark, count).write.parquet(place)
    rows = spark.read.parquet(place)
    bands = rows.withColumn("band", F.explode(F.sequence(F.lit(0), F.lit(_BANDS - 1)))).withColumn(
        "band_hash", F.xxhash64("doc_id", "band")
    )
    sides = {"raw": ("locator",), "deduped": ("signatures", "band_index"), "mixed": ("selection",)}
    inputs: list[dict[str, Any]] = []
    for table in ("raw", "cleaned", "scored", "deduped", "mixed"):
        partition = RELEASE if table == "mixed" else SNAPSHOT
        side = {name: filled(bands if name == "band_index" else rows, lake, name) for name in sides.get(table, ())}
        candidate = write_candidate(
            lake, table=table, partition=partition, attempt="a", main=filled(rows, lake, table), side=side
        )
        record = {"kind": "main", "stage": "bench", "fingerprint": "f", "run_id": "r", "inputs": inputs,
                  "counts": {"rows": count}}  # fmt: skip
        published = publish(lake, candidate, record, sequence=1)
        inputs = [*inputs, {"table": table, "partition": partition, "version": published.version,
                            "publication": published.id, "digest": published.digest}]  # fmt: skip
    summary = [row.asDict() for row in summarise(lake.read([published])).collect()]
    manifest = build_manifest(
        release=RELEASE, recipe_name="bench", pins=inputs[:-1], summary=summary, publication=published.id,
        digest=published.digest, fingerprint="f",
    )  # fmt: skip
    register_release(lake, Release(RELEASE, "bench", "published", published.id, manifest))
    for folder in ("candidates", "bench-documents"):
        _remove(Path(home) / folder)
    return lake


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


def data_files(home: str) -> dict[Path, int]:
    """Data files of the tables with their bytes."""
    found = Path(home, "tables").rglob("*.parquet")
    return {path: path.stat().st_size for path in found if "_delta_log" not in path.parts}


def take(lake: Lake, request: Request) -> str:
    """Run one takedown; one line of figures."""
    before, started = data_files(lake.home), time.monotonic()
    recipe: Any = SimpleNamespace(deduped=DedupedSection())
    receipt = Takedown(lake=lake, recipe=recipe, request=request, scratch=f"{lake.home}/scratch").run()
    seconds = time.monotonic() - started
    after = data_files(lake.home)
    new = [size for path, size in after.items() if path not in before]
    if receipt["left"] or any(not row["files"]["digest"]["holds"] for row in receipt["tables"]):
        raise SystemExit("the takedown left something")
    share = 100 * sum(new) / sum(before.values())
    return (
        f"{seconds:>7.1f} s {len(new):>6,} of {len(before):>6,} files {sum(new) / 2**20:>9.1f} of "
        f"{sum(before.values()) / 2**20:>9.1f} MiB ({share:.1f} %)"
    )


def main() -> None:
    """Print the figures of all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="*", default=list(_SIZES), help="documents of each lake")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="takedown ") as folder:
        spark = build_session(jars=delta_jars(), scratch=f"{folder}/spark")
        print(f"{TAKEN} documents go; files of about {A_FILE:,} documents; written again of all")
        for number, count in enumerate(arguments.documents):
            lake = build(spark, f"{folder}/{number}", count)
            site = Request({"domain": (f"site{count // A_SITE // 2}.example",)}, "bench")
            print(f"{count:>9,} documents, one site:  {take(lake, site)}", flush=True)
            step = count // TAKEN
            ids = [hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(1, count, step)]
            scattered = Request({"doc": tuple(sorted(ids))}, "bench")
            print(f"{'':>19} scattered: {take(lake, scattered)}", flush=True)
        spark.stop()


if __name__ == "__main__":
    main()
