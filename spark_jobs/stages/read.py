"""Stage `read`: crawl files to `raw`, in one pass of the executors over every file.

Reading costs most, so it is done once: rows and errors go to scratch together and are told apart there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.crawl.identity import IDENTITY_VERSION
from spark_jobs.crawl.inputs import InputFile
from spark_jobs.crawl.options import FieldNames, ReadOptions
from spark_jobs.crawl.read import READER_VERSION, read_file
from spark_jobs.crawl.records import Ignored, ReadError, Record
from spark_jobs.crawl.tasks import deal
from spark_jobs.crawl.url import CANONICAL_URL_VERSION, canonical_url, url_hash
from spark_jobs.lake import storage
from spark_jobs.lake.records import sha256_of
from spark_jobs.lake.tables import HEADERS
from spark_jobs.parquet import parquet
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.raw import RawSection
from spark_jobs.stages.stage import OperatorRecord, StageContext, StageOutput

# A batch of Arrow ends at either bound.
_BATCH_ROWS = 256
_BATCH_BYTES = 8 << 20

_SPAN = "is_document BOOLEAN, bytes BIGINT, cause STRING, detail STRING"
_KEYS = "source_name STRING, source_file STRING, source_offset BIGINT, number BIGINT, identity STRING, url_hash BIGINT"
_DOCUMENT = f"""url STRING, canonical_url STRING, captured_at TIMESTAMP, http_status INT, content_type STRING,
    http_headers {HEADERS}, payload BINARY, payload_digest STRING, truncated STRING, source STRING, licence STRING,
    source_id STRING, record_type STRING"""
_READ = f"{_KEYS}, {_DOCUMENT}, {_SPAN}"
_ARROW = pa.schema([
    *((name, pa.string()) for name in ("source_name", "source_file")),
    *((name, pa.int64()) for name in ("source_offset", "number")),
    ("identity", pa.string()),
    ("url_hash", pa.int64()),
    *((name, pa.string()) for name in ("url", "canonical_url")),
    ("captured_at", pa.timestamp("us", tz="UTC")),
    ("http_status", pa.int32()),
    ("content_type", pa.string()),
    ("http_headers", pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))),
    ("payload", pa.binary()),
    *(
        (name, pa.string())
        for name in ("payload_digest", "truncated", "source", "licence", "source_id", "record_type")
    ),
    ("is_document", pa.bool_()),
    ("bytes", pa.int64()),
    *((name, pa.string()) for name in ("cause", "detail")),
])  # fmt: skip


class Read:
    """Every document record of a snapshot's files as a row of `raw`, every other fate as a row of `read_errors`."""

    name: ClassVar[str] = "read"
    table: ClassVar[str] = "raw"
    side_tables: ClassVar[tuple[str, ...]] = ("read_errors", "locator")
    upstream: ClassVar[tuple[str, ...]] = ("snapshots",)
    scope: ClassVar[str] = "snapshot"

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """Versions of what decides about rows and ids, and the recipe's section."""
        return {**_VERSIONS, "section": recipe.raw.model_dump(mode="json")}

    def run(self, context: StageContext) -> StageOutput:
        """Read the files that the snapshot's row in the registry names."""
        section = context.recipe.raw
        registered = context.inputs.partition("snapshots", context.partition)
        location = storage.join(context.scratch, "read")
        read = _read(registered, read_options(section), context.services.get("storage_options", {}))
        read.write.mode("overwrite").parquet(location)
        found = parquet(context.spark, location, schema=_READ).withColumn("snapshot", F.lit(context.partition))
        rows = with_ids(found.where("identity IS NOT NULL"))
        return StageOutput(
            main=rows.drop("identity", "number", "source_name", "url_hash", "is_document", "bytes", "cause", "detail"),
            side={
                "read_errors": found.where("cause IS NOT NULL").select(
                    "snapshot", "source_file", "source_offset", "bytes", "is_document", "cause", "detail"
                ),
                # The last two only say what is suppressed.
                "locator": rows.select("snapshot", "url_hash", "doc_id", "url", "canonical_url", "licence"),
            },
            operators=(_operator(section),),
        )


_VERSIONS = {"reader": READER_VERSION, "identity": IDENTITY_VERSION, "canonical_url": CANONICAL_URL_VERSION}


def _operator(section: RawSection) -> OperatorRecord:
    params = section.model_dump(mode="json")
    return OperatorRecord("read", "reader", READER_VERSION, params, sha256_of({**_VERSIONS, "params": params}))


def read_options(section: RawSection) -> ReadOptions:
    """The recipe's section as the reader takes it."""
    return ReadOptions(
        max_record_bytes=section.max_record_bytes, fields=FieldNames(**section.fields.model_dump(mode="python"))
    )


def with_ids(rows: DataFrame) -> DataFrame:
    """Rows with their `doc_id`: the identity, and for further records of the same identity a hash with their ordinal.

    The order among them is that of (name, file, offset, number in the file), so it does not depend on partitions. Only
    keys are shuffled; the few ordinals above 0 are sent to the rows.
    """
    order = Window.partitionBy("identity").orderBy("source_name", "source_file", "source_offset", "number")
    repeats = (
        rows.select("identity", "source_name", "source_file", "source_offset", "number")
        .withColumn("ordinal", F.row_number().over(order) - 1)
        .where("ordinal > 0")
        .select("source_file", "number", "ordinal")
    )
    again = F.substring(F.sha2(F.concat_ws(":", "identity", F.col("ordinal").cast("string")), 256), 1, 32)
    return (
        rows.join(F.broadcast(repeats), ["source_file", "number"], "left")
        .withColumn("doc_id", F.when(F.col("ordinal").isNull(), F.col("identity")).otherwise(again))
        .drop("ordinal")
    )


def _read(registered: DataFrame, options: ReadOptions, storage_options: Mapping[str, Any]) -> DataFrame:
    settings = dict(storage_options)
    files = deal(registered.select("inputs", "source", "licence")).select(
        "uri", "format", "bytes", "modified", "name", "source", "licence"
    )

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                source, licence = row.pop("source"), row.pop("licence")
                yield from read_batches(InputFile(**row), options, settings, source=source, licence=licence)

    return files.mapInArrow(read, _READ)


def read_batches(
    file: InputFile,
    options: ReadOptions,
    storage_options: Mapping[str, Any],
    *,
    source: str | None,
    licence: str | None,
) -> Iterator[pa.RecordBatch]:
    """One file as Arrow batches of rows and errors; `source` and `licence` hold where a record names none."""
    rows: list[dict[str, Any]] = []
    size = 0
    for item in read_file(file, options, storage_options):
        if isinstance(item, Ignored):
            continue
        rows.append(_row(item, file, source, licence) if isinstance(item, Record) else _error(item, file))
        size += len(item.payload) if isinstance(item, Record) else 0
        if len(rows) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield pa.RecordBatch.from_pylist(rows, schema=_ARROW)
            rows, size = [], 0
    if rows:
        yield pa.RecordBatch.from_pylist(rows, schema=_ARROW)


def _row(record: Record, file: InputFile, source: str | None, licence: str | None) -> dict[str, Any]:
    canonical = canonical_url(record.url) if record.url else None
    headers = record.http_headers
    return {
        "source_name": file.name,
        "source_file": file.uri,
        "source_offset": record.offset,
        "number": record.number,
        "identity": record.identity,
        "url_hash": url_hash(canonical) if canonical is not None else None,
        "url": record.url,
        "canonical_url": canonical,
        "captured_at": record.captured_at,
        "http_status": record.http_status,
        "content_type": record.content_type,
        "http_headers": [{"name": n, "value": v} for n, v in headers] if headers is not None else None,
        "payload": record.payload,
        "payload_digest": record.payload_digest,
        "truncated": record.truncated,
        "source": record.source or source,
        "licence": record.licence or licence,
        "source_id": record.source_id,
        "record_type": record.record_type,
    }


def _error(error: ReadError, file: InputFile) -> dict[str, Any]:
    return {
        "source_name": file.name,
        "source_file": file.uri,
        "source_offset": error.offset,
        "is_document": error.is_document,
        "bytes": error.bytes,
        "cause": error.cause,
        "detail": error.detail,
    }
