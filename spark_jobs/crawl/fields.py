"""A record with named fields (a JSON object, a Parquet row) as a document: its text as UTF-8, unchanged."""

from collections.abc import Mapping
from typing import Any

from spark_jobs.crawl.identity import identity_of, payload_digest
from spark_jobs.crawl.moments import parse_moment
from spark_jobs.crawl.options import Names, ReadOptions
from spark_jobs.crawl.records import NO_TEXT, TOO_LARGE, ReadError, Record

CONTENT_TYPE = "text/plain; charset=utf-8"


def document_of(
    row: Mapping[str, Any], options: ReadOptions, *, offset: int, number: int, path: str, record_type: str
) -> Record | ReadError:
    """The document of a record, or why there is none: no text, or more of it than is allowed."""
    names = options.fields
    text = pick(row, names.text)
    if not isinstance(text, (str, bytes)):
        return ReadError(offset, 0, NO_TEXT, f"none of the fields {', '.join(names.text)} is a text", is_document=True)
    payload = text if isinstance(text, bytes) else encode(text)
    if len(payload) > options.max_record_bytes:
        return ReadError(offset, 0, TOO_LARGE, f"{len(payload)} bytes, allowed are {options.max_record_bytes}", True)
    url, own_id = _string(pick(row, names.url)), _string(pick(row, names.id))
    captured_at = parse_moment(pick(row, names.captured_at))
    digest = payload_digest(payload)
    return Record(
        offset=offset, number=number, record_type=record_type, url=url, captured_at=captured_at,
        identity=identity_of(url=url, own_id=own_id, path=path, captured_at=captured_at, digest=digest),
        http_status=None, content_type=CONTENT_TYPE, http_headers=None, payload=payload, payload_digest=digest,
        truncated=None, source=_string(pick(row, names.source)), licence=_string(pick(row, names.licence)),
        source_id=own_id,
    )  # fmt: skip


def pick(row: Mapping[str, Any], names: Names) -> Any:
    """The value of the first name that is there and not null; a dot goes into an object."""
    for name in names:
        value: Any = row.get(name)
        if value is None and "." in name:
            value = row
            for part in name.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


def encode(text: str) -> bytes:
    """UTF-8; a lone surrogate, which JSON can spell but UTF-8 cannot, becomes the replacement character."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode("utf-8")


def _string(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "":
        return None
    return encode(str(value)).decode("utf-8")
