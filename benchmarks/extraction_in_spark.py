"""What Spark, Arrow and the limits add to an extractor: `python -m benchmarks.extraction_in_spark CRAWL_FOLDER...`.

The same pages, one core, CPU seconds of all processes: the library alone on decoded pages; with the limits counted
before it; the whole extractor (kind, encoding, limits, guard of time) without Spark; the same in one `mapInArrow` task
that reads the pages from Parquet and throws the texts away; and such a task that only counts bytes. Each once to warm
up, then the median of the repeats.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.cleaning.subjects import Subject, measured
from benchmarks.extraction import bare
from benchmarks.extraction_gold import responses
from orchestration.spark_session import build_session
from spark_jobs.operators import registry
from spark_jobs.text.charset import decode_payload
from spark_jobs.text.markup import PayloadBatch, measure_markup
from spark_jobs.text.media_type import kind_of

EXTRACTORS = {"resiliparse": "resiliparse_text", "main_text": "main_text"}
ROWS = 512  # what the session of the project gives a worker at once
Work = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def written(folders: Sequence[Path], count: int, place: Path) -> tuple[int, int]:
    """HTML pages as Parquet, evenly taken; pages and bytes."""
    every = [(kind, data) for folder in folders for _, kind, data in responses(folder) if kind_of(data, kind) == "html"]
    taken = every[:: max(1, len(every) // count)][:count]
    kinds, payloads = zip(*taken, strict=True)
    table = pa.table({"payload": pa.array(payloads, pa.binary()), "content_type": pa.array(kinds, pa.string())})
    pq.write_table(table, place, compression="zstd", row_group_size=ROWS)
    return len(taken), sum(map(len, payloads))


def extracted(name: str) -> Work:
    """The extractor over batches of pages."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        extractor: Any = registry.build("extractors", name)
        for batch in batches:
            pages = PayloadBatch(
                batch["payload"].to_pylist(), batch["content_type"].to_pylist(), [None] * batch.num_rows
            )
            yield pa.RecordBatch.from_pydict({"text": pa.array(extractor.extract(pages).texts, pa.string())})

    return run


def counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Bytes of each page as text: the pages come, next to nothing goes."""
    for batch in batches:
        lengths = pc.binary_length(batch["payload"]).cast(pa.string())
        yield pa.RecordBatch.from_pydict({"text": lengths})


def subjects(path: Path, spark: Any) -> Iterator[tuple[str, Subject]]:
    """Name and work of each line."""
    frame = spark.read.parquet(str(path)).coalesce(1)
    decoded = [decode_payload(row["payload"], row["content_type"])[0] for row in pq.read_table(path).to_pylist()]

    def in_task(work: Work) -> Subject:
        mapped = frame.mapInArrow(work, "text STRING")
        return lambda: mapped.write.format("noop").mode("overwrite").save()

    def alone(title: str, *, limits: bool) -> Subject:
        library = bare(title)

        def run() -> None:
            for page in decoded:
                if limits:
                    measure_markup(page)
                library(page)

        return run

    def without_spark(work: Work) -> Subject:
        def run() -> None:
            for _ in work(pq.ParquetFile(path).iter_batches(ROWS)):
                pass

        return run

    for title, name in EXTRACTORS.items():
        yield f"{title}: alone, decoded pages", alone(title, limits=False)
        yield f"{title}: with limits, decoded pages", alone(title, limits=True)
        yield f"{title}: whole, no Spark", without_spark(extracted(name))
        yield f"{title}: whole, in a Spark task", in_task(extracted(name))
    yield "pages to a worker only", in_task(counted)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of WARC files")
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="extraction ") as folder:
        path = Path(folder) / "pages.parquet"
        pages, size = written(arguments.folders, arguments.pages, path)
        print(f"{pages} pages, {size / 1e6:.1f} MB")
        print(f"{'':<38}{'CPU s':>8}  min-max{'':<8}{'pages/s':>8}")
        spark = build_session(master="local[1]", driver_memory="2g")
        try:
            for name, work in subjects(path, spark):
                seconds = measured(work, arguments.repeat)
                middle = statistics.median(seconds)
                spread = f"{min(seconds):.2f}-{max(seconds):.2f}"
                print(f"{name:<38}{middle:>8.2f}  {spread:<15}{pages / middle:>8,.0f}", flush=True)
        finally:
            spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
