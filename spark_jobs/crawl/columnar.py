"""Parquet files as documents, one row each, read by row groups in small batches.

What a file holds is said by its footer: rows that cannot be read are read errors; without one the whole file is lost.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from spark_jobs.crawl.fields import document_of
from spark_jobs.crawl.options import ReadOptions
from spark_jobs.crawl.records import BAD_PARQUET, MAX_GROUP_ROWS, ReadError, Record

_BATCH_ROWS = 256
_FAULTS = (pa.ArrowException, OSError, ValueError)


def read_parquet(stream: BinaryIO, path: str, options: ReadOptions) -> Iterator[Record | ReadError]:
    """Every row of the file; offsets are row numbers."""
    size = stream.seek(0, 2)
    stream.seek(0)
    try:
        file = pq.ParquetFile(stream)
        groups = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
        if any(not 0 <= rows <= MAX_GROUP_ROWS for rows in groups):
            raise ValueError("row counts are out of range")
        present = set(file.schema_arrow.names)
    except _FAULTS as error:
        yield ReadError(0, size, BAD_PARQUET, f"footer: {type(error).__name__}", is_document=False)
        return
    names = options.fields
    wanted = {
        part
        for name in (*names.text, *names.id, *names.url, *names.captured_at, *names.source, *names.licence)
        for part in (name, name.partition(".")[0])
    }
    columns = sorted(wanted & present)
    first = 0
    for group, rows in enumerate(groups):
        yield from _read_group(file, group, range(first, first + rows), columns, (path, options))
        first += rows


def _read_group(
    file: pq.ParquetFile, group: int, rows: range, columns: list[str], settings: tuple[str, ReadOptions]
) -> Iterator[Record | ReadError]:
    path, options = settings
    number, fault = rows.start, "fewer rows than the footer says"
    batches = file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], columns=columns) if columns else iter(())
    while number < rows.stop:
        try:
            batch = next(batches, None)
        except _FAULTS as error:
            fault, batch = type(error).__name__, None
        if batch is None:
            break
        for values in _rows_of(batch)[: rows.stop - number]:
            if values is None:
                yield _lost(number, "not UTF-8")
            else:
                yield document_of(values, options, offset=number, number=number, path=path, record_type="parquet")
            number += 1
    for lost in range(number, rows.stop):
        yield _lost(lost, fault if columns else "none of the recipe's columns is there")


def _rows_of(batch: Any) -> list[dict[str, Any] | None]:
    try:
        return list(batch.to_pylist())
    except ValueError:
        return [_row_of(batch, index) for index in range(batch.num_rows)]


def _row_of(batch: Any, index: int) -> dict[str, Any] | None:
    try:
        return dict(batch.slice(index, 1).to_pylist()[0])
    except ValueError:
        return None


def _lost(number: int, detail: str) -> ReadError:
    return ReadError(number, 0, BAD_PARQUET, detail, is_document=True)
