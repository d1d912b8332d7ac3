"""What the readers of crawl files speak of: records, what could not be read, what is left out, and the limits of both.

The vocabulary is shared by the reader (`read.py`) and the independent inventory; no parsing lies here.
"""

from dataclasses import dataclass
from datetime import datetime

# Kinds of WARC records that are documents; every other kind is counted and left out.
DOCUMENT_KINDS = frozenset({"response", "resource", "conversion"})
OTHER_KINDS = frozenset({"warcinfo", "request", "metadata", "revisit", "continuation"})

# Bounds of the framing, in bytes. They define what a document record is in a damaged file, so they are no parameters.
MAX_HEAD_BYTES = 32 << 10  # a WARC header that is longer is broken; also FastWARC's own bound
MAX_BLOCK_BYTES = 64 << 20  # longer blocks are passed over without a search for lost records; longer lines likewise
MAX_LINE_ENDS = 1024  # line ends after a block that still belong to its record
MAX_GROUP_ROWS = 1 << 27  # a Parquet row group with more is taken for damage
PROBE_BYTES = 4 << 10  # how much of a gzip member is looked at to tell whether a record begins in it
PROBE_TEXT_BYTES = 64

BAD_COMPRESSION = "bad_compression"
BAD_HEADER = "bad_header"
BAD_JSON = "bad_json"
BAD_LENGTH = "bad_length"
BAD_PARQUET = "bad_parquet"
CUT_RECORD = "cut_record"
GARBAGE = "garbage"
MISSING_FILE = "missing_file"
NO_TEXT = "no_text"
TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One document record, its payload as it was served (transfer and content codings removed).

    `offset` is where reading must begin to find it: a byte of the file, for compressed files the member that holds its
    beginning, for Parquet the row. `number` counts the documents of a file. `truncated` says what is missing of
    the payload: the reason a WARC header gives, or `length`, `transfer`, `encoding`, `headers` (see `payload.py`).
    """

    offset: int
    number: int
    record_type: str
    identity: str
    url: str | None
    captured_at: datetime | None
    http_status: int | None
    content_type: str | None
    http_headers: tuple[tuple[str, str], ...] | None
    payload: bytes
    payload_digest: str
    truncated: str | None
    source: str | None
    licence: str | None
    source_id: str | None


@dataclass(frozen=True, slots=True)
class ReadError:
    """A document record that could not be read (`is_document`, no bytes of its own), or a span of lost bytes.

    The lost spans of a file are disjoint, and their bytes add up to the inventory's `error_bytes`.
    """

    offset: int
    bytes: int
    cause: str
    detail: str
    is_document: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    """A whole record that is no document, by kind."""

    offset: int
    kind: str


def kind_name(warc_type: str) -> str:
    """The kind under which a record is counted; `unknown` for types that the WARC standard does not name."""
    return warc_type if warc_type in DOCUMENT_KINDS or warc_type in OTHER_KINDS else "unknown"
