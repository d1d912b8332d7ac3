"""Reading one crawl file as a stream of documents, errors and what was left out; dispatch by format, and WARC records.

The framing is ours (`frames.py`): it must go on after damage and account for every byte. FastWARC parses the headers.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

from spark_jobs.crawl.columnar import read_parquet
from spark_jobs.crawl.decode import compression_of, decoded
from spark_jobs.crawl.frames import Frame, frames
from spark_jobs.crawl.identity import identity_of, payload_digest
from spark_jobs.crawl.inputs import InputFile
from spark_jobs.crawl.lines import read_lines
from spark_jobs.crawl.moments import parse_moment
from spark_jobs.crawl.options import ReadOptions
from spark_jobs.crawl.payload import Headers, TooLargeError, parse_headers, parse_response
from spark_jobs.crawl.records import (
    BAD_HEADER,
    DOCUMENT_KINDS,
    MISSING_FILE,
    TOO_LARGE,
    Ignored,
    ReadError,
    Record,
    kind_name,
)
from spark_jobs.crawl.streams import open_stream
from spark_jobs.crawl.tape import Tape

READER_VERSION = 1

Item = Record | ReadError | Ignored
# A block may be longer than its body by its HTTP header.
_HTTP_ALLOWANCE = 32 << 10


def read_file(
    file: InputFile, options: ReadOptions | None = None, storage_options: Mapping[str, Any] | None = None
) -> Iterator[Item]:
    """Every document record of a file in order, with every record and every span of bytes that could not be read.

    Raises InputError when the file cannot be opened (it was there when the input was expanded).
    """
    options = options or ReadOptions()
    if file.format == "missing":
        yield ReadError(0, 0, MISSING_FILE, "a list names it, but it is not there", is_document=False)
        return
    with open_stream(file.uri, storage_options) as stream:
        yield from _READERS[file.format](stream, file, options)


def _tape(stream: BinaryIO, file: InputFile, starts: tuple[bytes, ...]) -> Tape:
    head = stream.read(16)
    stream.seek(0)
    compression = compression_of(head, file.uri)
    return Tape(decoded(stream, compression, starts), compressed=compression != "plain")


def _read_warc(stream: BinaryIO, file: InputFile, options: ReadOptions) -> Iterator[Item]:
    number = 0
    for item in frames(_tape(stream, file, (b"WARC/",))):
        if isinstance(item, ReadError):
            yield item
        elif item.kind not in DOCUMENT_KINDS:
            yield Ignored(item.offset, kind_name(item.kind))
        else:
            yield _document(item, file, options, number)
            number += 1


def _document(frame: Frame, file: InputFile, options: ReadOptions, number: int) -> Record | ReadError:
    lost = partial(ReadError, frame.offset, 0, is_document=True)
    if frame.fault is not None:
        return lost(frame.fault, f"{frame.kind} record, {frame.length} bytes by its header")
    if frame.block is None or frame.length > options.max_record_bytes + _HTTP_ALLOWANCE:
        return lost(TOO_LARGE, f"{frame.length} bytes, allowed are {options.max_record_bytes}")
    headers = parse_headers(frame.head)
    if headers is None:
        return lost(BAD_HEADER, f"{frame.kind} record")
    try:
        return _record(frame, frame.block, headers, (file.name, number), options)
    except TooLargeError:
        return lost(TOO_LARGE, f"more than {options.max_record_bytes} bytes once decoded")


def _record(frame: Frame, block: bytes, headers: Headers, place: tuple[str, int], options: ReadOptions) -> Record:
    path, number = place
    fields: dict[str, str] = {}
    for name, value in headers:
        fields.setdefault(name.strip().lower(), value.strip())
    url = _text(fields.get("warc-target-uri", "").strip("<> \t")) or None
    source_id = fields.get("warc-record-id", "").strip("<> \t") or None
    captured_at = parse_moment(fields.get("warc-date", ""))
    truncated = fields.get("warc-truncated") or ("length" if frame.loose else None)
    status, http_headers, content_type = None, None, fields.get("content-type")
    if frame.kind == "response" and block.startswith(b"HTTP/"):
        response = parse_response(block, options.max_record_bytes)
        block, status, http_headers = response.body, response.status, response.headers
        content_type = response.header("content-type")
        truncated = truncated or response.truncated
    elif len(block) > options.max_record_bytes:
        raise TooLargeError
    digest = payload_digest(block)
    return Record(
        offset=frame.offset, number=number, record_type=frame.kind, url=url, captured_at=captured_at,
        identity=identity_of(url=url, own_id=source_id, path=path, captured_at=captured_at, digest=digest),
        http_status=status, content_type=content_type, http_headers=http_headers, payload=block,
        payload_digest=digest, truncated=truncated, source=None, licence=None, source_id=source_id,
    )  # fmt: skip


def _text(latin: str) -> str:
    """A header value as UTF-8 where it is that, else as Latin-1."""
    try:
        return latin.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return latin


def _read_html(stream: BinaryIO, file: InputFile, options: ReadOptions) -> Iterator[Item]:
    payload = stream.read(options.max_record_bytes + 1)
    if len(payload) > options.max_record_bytes:
        yield ReadError(0, 0, TOO_LARGE, f"allowed are {options.max_record_bytes} bytes", is_document=True)
        return
    digest = payload_digest(payload)
    yield Record(
        offset=0, number=0, record_type="file", url=None, captured_at=None,
        identity=identity_of(url=None, own_id=None, path=file.name, captured_at=None, digest=digest),
        http_status=None, content_type="text/html", http_headers=None, payload=payload, payload_digest=digest,
        truncated=None, source=None, licence=None, source_id=file.name,
    )  # fmt: skip


def _read_jsonl(stream: BinaryIO, file: InputFile, options: ReadOptions) -> Iterator[Item]:
    yield from read_lines(_tape(stream, file, (b"{",)), file.name, options)


def _read_parquet(stream: BinaryIO, file: InputFile, options: ReadOptions) -> Iterator[Item]:
    yield from read_parquet(stream, file.name, options)


_READERS: dict[str, Callable[[BinaryIO, InputFile, ReadOptions], Iterator[Item]]] = {
    "warc": _read_warc,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
    "html": _read_html,
}
