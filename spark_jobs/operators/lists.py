"""Lists as parameters of operators: entries given inline and in files, the files pinned by digest.

An operator pins its lists when it is built, so that the digests are in its parameters, its fingerprint and the lineage,
also where the recipe names nothing but a path.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.text.byte_spans import ByteSpans
from spark_jobs.text.list_files import Layout, digest_of, entries_of, require_digest


class ListFile(BaseModel):
    """A file of entries; see `text/list_files.py` for the formats."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="the file, or a folder of UT1; a relative path starts at the recipe's folder")
    format: Layout = Field(
        "plain", description="plain (one entry a line), hosts (hosts file), or ut1 (folder, archive)"
    )
    sha256: str | None = Field(None, description="hex digest; filled in when the recipe is loaded")

    def pinned(self, part: str) -> "ListFile":
        """The same file with its digest. RecipeError if it cannot be read, or has another digest than it was given."""
        digest = digest_of(self.path, self.format, part)
        require_digest(self.path, digest, self.sha256 or digest)
        return self.model_copy(update={"sha256": digest})

    def entries(self, part: str) -> ByteSpans:
        """Its entries. RecipeError if it is not the pinned one."""
        return entries_of(self.path, self.format, part, self.sha256)


class EntryList(BaseModel):
    """Short forms: a list of entries, of files (`{path: ...}`), or of both; one file by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[str, ...] = Field((), description="entries given inline")
    files: tuple[ListFile, ...] = Field((), description="files of further entries")

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and "path" in value:
            own = {key: inner for key, inner in value.items() if key in ListFile.model_fields}
            rest = {key: inner for key, inner in value.items() if key not in ListFile.model_fields}
            return rest | {"files": (own, *rest.get("files", ()))}
        if isinstance(value, (list, tuple)):
            files = tuple(entry for entry in value if not isinstance(entry, str))
            return {"entries": tuple(entry for entry in value if isinstance(entry, str)), "files": files}
        return value

    def pinned(self, part: str = "domains") -> Self:
        """The same list with the digests of its files; `part` is the file of a UT1 folder that is meant."""
        return self.model_copy(update={"files": tuple(file.pinned(part) for file in self.files)})

    def spans(self, part: str = "domains") -> ByteSpans:
        """All entries as bytes. RecipeError if a file is not the pinned one."""
        inline = ByteSpans.from_bytes(entry.encode() for entry in self.entries)
        return ByteSpans.joined([inline, *(file.entries(part) for file in self.files)])

    def texts(self, part: str = "domains") -> Iterable[str]:
        """All entries as strings; for lists that are short."""
        return self.spans(part).texts()

    def __bool__(self) -> bool:
        """Whether it can hold any entry."""
        return bool(self.entries or self.files)
