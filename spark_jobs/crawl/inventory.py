"""The inventory of an input: digest, size and record counts of every file, by a reader of its own (`census.py`).

The law that `raw` is held to: documents = rows + unreadable documents + suppressed, file by file; and the bytes of the
lost spans that the reader reports are this inventory's `error_bytes`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from spark_jobs.crawl.census import count_lines, count_warc
from spark_jobs.crawl.inputs import InputFile
from spark_jobs.crawl.members import Decoder, Tally
from spark_jobs.crawl.records import MAX_GROUP_ROWS
from spark_jobs.crawl.streams import open_stream
from spark_jobs.crawl.tasks import deal

_HASH_CHUNK = 1 << 20
_FILES = "uri STRING, format STRING, bytes BIGINT, modified STRING, name STRING"
_COUNTS = "documents BIGINT, ignored BIGINT, ignored_kinds STRING, unreadable BIGINT, error_bytes BIGINT"
_INVENTORY = f"{_FILES}, sha256 STRING, {_COUNTS}"


@dataclass(frozen=True, kw_only=True)
class FileInventory:
    """What one file holds. `unreadable` are documents that are found and broken; more may prove unusable when read.

    `ignored_kinds` is JSON: other record kinds and their numbers. `error_bytes` belong to no whole record.
    """

    uri: str
    format: str
    bytes: int
    modified: str
    name: str
    sha256: str
    documents: int
    ignored: int
    ignored_kinds: str
    unreadable: int
    error_bytes: int


def inventory_file(file: InputFile, storage_options: Mapping[str, Any] | None = None) -> FileInventory:
    """Count one file, as a stream. Raises InputError when it cannot be opened."""
    tally, lost, size, digest = Tally(), 0, 0, ""
    if file.format != "missing":
        with open_stream(file.uri, storage_options) as stream:
            digest, size = _digest(stream)
            stream.seek(0)
            lost = _count(stream, file, size, tally)
    return FileInventory(
        uri=file.uri, format=file.format, bytes=size, modified=file.modified, name=file.name, sha256=digest,
        documents=tally.documents, ignored=tally.kinds.total(),
        ignored_kinds=json.dumps(dict(sorted(tally.kinds.items()))), unreadable=tally.unreadable, error_bytes=lost,
    )  # fmt: skip


def inventory_frame(
    spark: SparkSession, files: Sequence[InputFile], storage_options: Mapping[str, Any] | None = None
) -> DataFrame:
    """One row a file with the columns of `snapshots.inputs`, counted in the executors."""
    options = dict(storage_options or {})
    columns = [name.split()[0] for name in _FILES.split(", ")]

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                yield pa.RecordBatch.from_pylist([asdict(inventory_file(InputFile(**row), options))])

    rows = [tuple(getattr(file, name) for name in columns) for file in files]
    listed = spark.createDataFrame([(rows,)], f"inputs ARRAY<STRUCT<{_FILES}>>")
    return deal(listed).select(*columns).mapInArrow(count, _INVENTORY)


def _digest(stream: BinaryIO) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    while data := stream.read(_HASH_CHUNK):
        hashed.update(data)
        size += len(data)
    return hashed.hexdigest(), size


def _count(stream: BinaryIO, file: InputFile, size: int, tally: Tally) -> int:
    if file.format == "html":
        tally.documents = 1
        return 0
    if file.format == "parquet":
        return _count_parquet(stream, size, tally)
    compression = _compression(stream, file.uri)
    starts = b"WARC/" if file.format == "warc" else b"{"
    decoder = Decoder(stream, compression, starts, tally)
    (count_warc if file.format == "warc" else count_lines)(decoder, tally)
    return tally.close(compression, size)


def _compression(stream: BinaryIO, name: str) -> str:
    """By the first bytes; where they say nothing, by the name."""
    first = stream.read(16)
    stream.seek(0)
    for magic, compression in (("1f8b08", "gzip"), ("28b52ffd", "zstd")):
        if first.startswith(bytes.fromhex(magic)):
            return compression
    lowered = name.lower()
    if first.strip().startswith((b"WARC/", b"{")):
        return "plain"
    return "gzip" if lowered.endswith(".gz") else "zstd" if lowered.endswith((".zst", ".zstd")) else "plain"


def _count_parquet(stream: BinaryIO, size: int, tally: Tally) -> int:
    try:
        footer = pq.read_metadata(stream)
        groups = [footer.row_group(index).num_rows for index in range(footer.num_row_groups)]
        footer.schema.to_arrow_schema()
    except (pa.ArrowException, OSError, ValueError):
        return size
    if any(rows < 0 or rows > MAX_GROUP_ROWS for rows in groups):
        return size
    tally.documents = sum(groups)
    return 0
