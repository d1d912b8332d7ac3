"""The `deduped` section of a recipe: which levels of duplicates are looked for, how, and which document survives."""

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.recipe.sections.dedup_gates import DedupGates
from spark_jobs.recipe.sections.text_levels import (
    CapturesSection,
    FrequencySection,
    NgramOverlapSection,
    WithinDocumentSection,
)

DocumentStep = Literal["exact_bytes", "exact_text", "minhash"]
TextStep = Literal["within_document", "paragraphs", "lines", "ngram_overlap"]
Step = Literal[DocumentStep, TextStep]
TEXT_STEPS: frozenset[str] = frozenset(get_args(TextStep))
Criterion = Literal["published", "score", "length", "date", "id"]


class MinHashSection(BaseModel):
    """Near-duplicate search. Defaults: FineWeb's 14 bands of 8 over 5-grams of words (arXiv 2406.17557).

    CT-LLM (arXiv 2404.04167) is `unit: characters, ngram: 13, bands: 9, rows: 13`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Literal["words", "characters"] = Field("words", description="What a shingle is made of")
    ngram: int = Field(5, ge=1, le=100, description="Units in a shingle; shorter documents have no near-duplicates")
    bands: int = Field(14, ge=1, le=1000, description="Bands of a signature; two documents meet where one is equal")
    rows: int = Field(8, ge=1, le=100, description="Permutations in a band")
    threshold: float | None = Field(
        None, gt=0, lt=1, description="Instead of bands and rows: the similarity from which they are derived"
    )
    permutations: int = Field(128, ge=2, le=4096, description="Permutations at most, when bands are derived")
    min_similarity: float = Field(
        0.8, ge=0, le=1, description="Exact Jaccard similarity of the shingles from which a pair counts (inclusive)"
    )
    seed: int = Field(1, ge=0, le=2**32 - 1, description="Seed of the permutations")
    marks: Literal["all", "diacritics", "none"] = Field(
        "diacritics", description="Combining marks that are ignored: all (FineWeb), those of alphabets, none"
    )
    full_pairs: int = Field(
        64, ge=2, le=256, description="Members of a bucket up to which every pair is compared, not only with leaders"
    )
    rounds: int = Field(
        4, ge=1, le=10, description="Rounds in larger buckets; round n compares with the next 2^(n-1) leaders"
    )

    @model_validator(mode="after")
    def _one_way_to_say_bands(self) -> Self:
        if self.threshold is not None and self.model_fields_set & {"bands", "rows"}:
            raise ValueError("give either threshold or bands and rows: the bands are derived from a threshold")
        return self


class DedupedSection(BaseModel):
    """Levels in order, and the total order that names the survivor of a cluster.

    Levels of documents come first. Those of text cut pieces of the documents that these keep, in the same order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Annotated[tuple[Step, ...], Field(min_length=1)] = ("exact_bytes", "exact_text", "minhash")
    participants: Literal["scored", "cleaned"] = Field(
        "scored", description="scored: documents the filters kept; cleaned: dropped ones also count in clusters"
    )
    order: tuple[Criterion, ...] = Field(
        ("published", "score", "length", "date", "id"),
        description="Best first: published earlier, higher score, more characters, earlier capture, smaller id",
    )
    score: str | None = Field(None, description="Column of scored that `order` means; none: its only score")
    minhash: MinHashSection = MinHashSection()
    captures: CapturesSection = CapturesSection()
    within_document: WithinDocumentSection = WithinDocumentSection()
    paragraphs: FrequencySection = FrequencySection()
    lines: FrequencySection = FrequencySection()
    ngram_overlap: NgramOverlapSection = NgramOverlapSection()
    gates: DedupGates = DedupGates()
    min_chars_left: int = Field(
        1, ge=1, description="Characters of lines left of a document that was cut; with fewer it is a duplicate"
    )

    @property
    def text_steps(self) -> tuple[str, ...]:
        """The levels that cut text, in order."""
        return tuple(step for step in self.steps if step in TEXT_STEPS)

    @model_validator(mode="after")
    def _documents_before_text(self) -> Self:
        text = self.text_steps
        if self.steps[len(self.steps) - len(text) :] != text:
            raise ValueError(f"steps: {', '.join(text)} run over what the levels of documents keep: name them last")
        if "within_document" in text[1:]:
            raise ValueError("steps: within_document is the first level of text: sentences are compared as they stand")
        return self

    @model_validator(mode="after")
    def _total_order(self) -> Self:
        if len(set(self.order)) != len(self.order) or len(set(self.steps)) != len(self.steps):
            raise ValueError("steps and order name each entry once")
        if self.order[:1] != ("published",) or self.order[-1:] != ("id",):
            raise ValueError("order begins with published (survivors never change) and ends with id (no ties)")
        return self
