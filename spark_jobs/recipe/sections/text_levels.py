"""The parts of `deduped` that say which pieces of a kept document are cut: others hold them, or it repeats itself.

They run in the order of `deduped.steps`, each over the text that the ones before it left.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FrequencySection(_Section):
    """Pieces that too many documents hold are cut in all but the first of these (CCNet, arXiv 1911.00359, keeps one).

    Pieces are compared in the normal form of dedup: case, punctuation and the digits of numbers do not count.
    """

    max_documents: int = Field(1, ge=1, description="Documents that may hold a piece, those of earlier snapshots too")
    keep: int = Field(1, ge=1, description="Of more documents, the first so many keep the piece")
    min_chars: int = Field(1, ge=1, description="Characters of a piece, without white space around it, to be looked at")

    @model_validator(mode="after")
    def _keeps_no_more_than_allowed(self) -> Self:
        if self.keep > self.max_documents:
            raise ValueError(f"keep is {self.keep}, but already max_documents ({self.max_documents}) may hold a piece")
        return self


class NgramOverlapSection(_Section):
    """BFF's rule "old-both" (allenai/bff) with an exact set for its filter. Defaults: DCLM's (arXiv 2406.11794).

    A paragraph, which is a line here, is cut when more than `threshold` of its n-grams stood in earlier paragraphs that
    were not cut. A document with more than that share over all its paragraphs is a duplicate.
    """

    ngram: int = Field(13, ge=1, le=100, description="Tokens of an n-gram; shorter paragraphs are never cut")
    threshold: float = Field(0.8, ge=0, lt=1, description="Share of n-grams seen before above which to cut (exclusive)")
    tokens: Literal["normal_form", "words"] = Field(
        "normal_form",
        description="normal_form: words as dedup compares them; words: case and punctuation count (DCLM)",
    )
    shards: int = Field(1, ge=1, le=100_000, description="Shards by hash of the id; only documents of one are compared")
    count_own_repeats: bool = Field(
        True, description="N-grams first seen in the same document count for the whole document too, as they do in BFF"
    )


class SimilarSentencesSection(_Section):
    """CT-LLM's rule (arXiv 2404.04167): of two similar sentences of a document the later one is cut."""

    max_sentences: int = Field(200, ge=2, le=5000, description="Sentences of a document, from its start, to compare")
    max_chars: int = Field(1000, ge=1, le=10_000, description="Characters of a sentence to compare; longer ones stay")
    max_length_gap: float = Field(0.3, gt=0, le=1, description="Difference of lengths over the longer one (exclusive)")
    min_overlap: float = Field(
        1 / 3, ge=0, le=1, description="Characters in common, with their counts, over those of either (inclusive)"
    )
    max_distance: float = Field(0.1, ge=0, lt=1, description="Edit distance over the longer length (inclusive)")
    exact_chars: int = Field(15, ge=0, description="If the shorter has so many characters or fewer, both must be equal")


class WithinDocumentSection(_Section):
    """What a document says twice: the first stays (mlfoundations/dclm: compared stripped and in lower case)."""

    lines: bool = Field(True, description="Whether lines are compared")
    paragraphs: bool = Field(True, description="Whether paragraphs (between empty lines) are compared")
    sentences: SimilarSentencesSection | None = Field(None, description="How sentences are compared; none: not at all")


class CapturesSection(_Section):
    """Captures of one canonical URL are linked over all snapshots; which one is taken, `mixed.capture` says."""

    scope: Literal["all", "year"] = Field(
        "all", description="all: one page has one group; year: a group for each year (InfiMM, arXiv 2409.12568)"
    )
