"""How files are read: limits, and the names of fields. The recipe's section `raw` has the same facts for people."""

from dataclasses import dataclass, field

Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FieldNames:
    """Where JSONL and Parquet records have what; the first name that is there counts, a dot goes into an object.

    The defaults fit Dolma (allenai/dolma: `id text source created metadata.url`) and FineWeb (`id text url dump date`).
    """

    text: Names = ("text", "content", "raw_content")
    id: Names = ("id", "doc_id")
    url: Names = ("url", "metadata.url", "metadata.warc_url")
    captured_at: Names = ("date", "created", "timestamp", "metadata.date")
    source: Names = ("source", "metadata.source")
    licence: Names = ("licence", "license", "metadata.licence", "metadata.license")


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """`max_record_bytes` bounds a record's payload, decoded, and is checked before any work on it."""

    max_record_bytes: int = 32 << 20
    fields: FieldNames = field(default_factory=FieldNames)
