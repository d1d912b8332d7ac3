"""The levels that cut text, as values: what each compares and from where on it cuts. How they run is in the neighbours.

Frozen and plain: they travel to the workers, and their digest is the key under which pieces of text are stored.
"""

import hashlib
import unicodedata
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from spark_jobs.dedup.normal_form import NORMAL_FORM, Marks

# Moves when a kernel here makes other pieces, hashes or n-grams of the same text.
PIECES = 1


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """How alike two sentences of a document are when the later one goes (CT-LLM, arXiv 2404.04167)."""

    max_sentences: int = 200
    max_chars: int = 1000
    max_length_gap: float = 0.3
    min_overlap: float = 1 / 3
    max_distance: float = 0.1
    exact_chars: int = 15


@dataclass(frozen=True, kw_only=True)
class WithinDocument:
    """Repeats inside one document: of lines and paragraphs, stripped and in lower case, and similar sentences."""

    step: ClassVar[str] = "within_document"
    lines: bool = True
    paragraphs: bool = True
    sentences: Sentences | None = None


@dataclass(frozen=True, kw_only=True)
class Frequency:
    """Pieces (lines or paragraphs) that more than `max_documents` documents hold; the first `keep` of these keep it."""

    step: Literal["lines", "paragraphs"]
    max_documents: int = 1
    keep: int = 1
    min_chars: int = 1


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Lines, and whole documents, of whose n-grams more than `threshold` were seen before (allenai/bff, "old-both")."""

    step: ClassVar[str] = "ngram_overlap"
    ngram: int = 13
    threshold: float = 0.8
    tokens: Literal["normal_form", "words"] = "normal_form"
    shards: int = 1
    count_own_repeats: bool = True


Level = WithinDocument | Frequency | Overlap


@dataclass(frozen=True, kw_only=True)
class TextLevels:
    """Levels in order, the marks of the normal form, and how many characters a document that was cut must keep."""

    levels: tuple[Level, ...]
    marks: Marks = "diacritics"
    min_chars_left: int = 1

    @property
    def params_id(self) -> str:
        """Key of the stored pieces: all that decides which are stored, so that snapshots of two never meet."""
        said = [(level.step, sorted(asdict(level).items())) for level in self.levels]
        rest = (PIECES, NORMAL_FORM, unicodedata.unidata_version, self.marks, self.min_chars_left)
        return hashlib.sha256(repr((rest, said)).encode()).hexdigest()[:16]

    @property
    def within(self) -> WithinDocument | None:
        """The level inside one document, if there is one."""
        return next((level for level in self.levels if isinstance(level, WithinDocument)), None)

    @property
    def overlap(self) -> Overlap | None:
        """The level of n-grams, if there is one."""
        return next((level for level in self.levels if isinstance(level, Overlap)), None)
