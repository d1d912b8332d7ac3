"""A list of words and phrases as a parameter: given inline, or as a file that is pinned by its digest, or both."""

import hashlib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.errors import RecipeError


class PhraseList(BaseModel):
    """Entries inline and in a file (UTF-8, one a line, blank lines and lines that begin with "#" left out)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[str, ...] = ()
    path: str | None = Field(None, description="file of further entries")
    sha256: str | None = Field(None, description="hex digest of the file; filled in when the recipe is loaded")

    @model_validator(mode="before")
    @classmethod
    def _plain_list(cls, value: object) -> object:
        return {"entries": tuple(value)} if isinstance(value, (list, tuple)) else value

    def pinned(self) -> "PhraseList":
        """The same list with the digest of its file; RecipeError if the file is missing or is not the pinned one."""
        if self.path is None:
            return self
        digest = _read(self.path)[0]
        if self.sha256 not in (None, digest):
            raise RecipeError(f"list {self.path} has SHA-256 {digest}, the recipe pins {self.sha256}; pin anew")
        return self.model_copy(update={"sha256": digest})

    def phrases(self) -> tuple[str, ...]:
        """Inline entries and those of the file."""
        return self.entries if self.path is None else (*self.entries, *_read(self.path)[1])


def _read(path: str) -> tuple[str, tuple[str, ...]]:
    """Digest and entries of a file."""
    try:
        state = Path(path).stat()
        return _read_once(path, state.st_mtime_ns, state.st_size)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"cannot read the list {path} ({type(error).__name__}); mend the path or the file") from None


@lru_cache(maxsize=16)
def _read_once(path: str, _modified: int, _size: int) -> tuple[str, tuple[str, ...]]:
    data = Path(path).read_bytes()
    entries = (line.strip() for line in data.decode("utf-8-sig").splitlines())
    return hashlib.sha256(data).hexdigest(), tuple(entry for entry in entries if entry and not entry.startswith("#"))
