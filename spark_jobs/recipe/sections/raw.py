"""Section `raw`: how crawl files become documents. Where the files lie is no business of a recipe."""

from pydantic import BaseModel, ConfigDict, Field

Path = tuple[str, ...]


class RecordFields(BaseModel):
    """Names of the fields of JSONL and Parquet records; the first that a record has counts, a dot goes into an object.

    The defaults fit Dolma (`id text source created metadata.url`) and FineWeb (`id text url dump date`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Path = Field(("text", "content", "raw_content"), min_length=1, description="the document")
    id: Path = Field(("id", "doc_id"), description="its own id, used where it has no URL")
    url: Path = Field(("url", "metadata.url", "metadata.warc_url"), description="its literal URL")
    captured_at: Path = Field(("date", "created", "timestamp", "metadata.date"), description="ISO 8601 date or time")
    source: Path = Field(("source", "metadata.source"), description="what the mix groups by")
    licence: Path = Field(("licence", "license", "metadata.licence", "metadata.license"), description="its licence")


class RawSection(BaseModel):
    """How crawl files are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(None, description="source of documents that name none; default: the snapshot's id")
    licence: str | None = Field(None, description="licence of documents that name none")
    max_record_bytes: int = Field(
        32 << 20, ge=1, le=64 << 20, description="larger records, decoded, are read errors; checked before any work"
    )
    fields: RecordFields = RecordFields()
