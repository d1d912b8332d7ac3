"""The `mixed` section of a recipe: which documents become a release, how often, in which proportion."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from spark_jobs.recipe.sections.scored import SMALL_POOL, FitSection
from spark_jobs.recipe.steps import ScorerStep, SelectorStep, Step
from spark_jobs.text.contamination import Rule
from spark_jobs.text.tokens import DEFAULT_TOKENIZER

Group = Literal["source", "language", "host"]
Share = Annotated[float, Field(ge=0, le=1)]
_TOLERANCE = 1e-6  # shares are typed with few digits


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Benchmark(_Section):
    """Items that no document may hold: a JSONL file (plain, .gz, .zst), one item a line."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    path: str = Field(description="file or URI; a relative path is relative to the recipe")
    fields: tuple[str, ...] = Field(min_length=1, description="fields whose texts, joined by line ends, are the item")
    id_field: str | None = Field(default=None, description="field that names the item; none: its line number")
    _location: str = PrivateAttr("")

    @model_validator(mode="after")
    def _relative_to_the_recipe(self, info: ValidationInfo) -> Self:
        folder = (info.context or {}).get("folder")
        # Not a field: the recipe's fingerprint must not depend on where a checkout lies.
        beside = folder is not None and "://" not in self.path
        self._location = str(folder / self.path) if folder is not None and beside else self.path
        return self

    @property
    def location(self) -> str:
        """Where the file is."""
        return self._location


class Decontamination(_Section):
    """Which documents count as holding a benchmark item.

    `lcs` (arXiv 2412.15115, not confirmed): a shared n-gram of words proposes, the longest common subsequence with at
    least `min_lcs_words` words and `min_lcs_share` of the shorter side decides. `ngram`: one shared n-gram decides. The
    proposing n-gram is shorter than the usual 13, because a word changed every 12 words leaves no 13-gram.
    """

    rule: Literal["lcs", "ngram"] = "lcs"
    ngram: int = Field(default=8, ge=3, le=100, description="words of the n-gram that proposes or decides")
    min_lcs_words: int = Field(default=13, ge=1, description="words of the common subsequence")
    min_lcs_share: Share = Field(default=0.6, description="share of the shorter of document and item")

    def as_rule(self) -> Rule:
        """The rule of the text layer."""
        return Rule(self.rule, self.ngram, self.min_lcs_words, self.min_lcs_share)


class Multiplicity(_Section):
    """Copies by group: how often the documents of a source (language, host) are repeated; 0 leaves them out."""

    by: Group = "source"
    copies: dict[str, Annotated[int, Field(ge=0)]] = Field(min_length=1)
    others: int = Field(default=1, ge=0, description="copies of documents of groups that are not listed")


class Rehydration(_Section):
    """Copies by cluster size and language, where filters keep more than on average (FineWeb2, arXiv 2506.20920).

    `published` is the arithmetic of huggingface/fineweb-2 to the last digit. `supported` is the same rule in fractions,
    on rows of enough clusters, and leaves tables of fewer than five rows unsmoothed. Needs `deduped.participants:
    cleaned`.
    """

    max_weight: int = Field(
        default=4, ge=1, le=100, description="copies of the documents of the best size; published tables have 3 to 10"
    )
    rule: Literal["supported", "published"] = "supported"
    min_clusters: int = Field(
        default=100,
        ge=1,
        description="clusters that a row of `supported` stands on; sizes are joined until it has them",
    )
    tail_size: int | None = Field(default=None, ge=2, description="sizes from here on are one row of `published`")

    @model_validator(mode="after")
    def _of_its_rule(self) -> Self:
        if self.rule == "supported" and self.tail_size is not None:
            raise ValueError("tail_size belongs to rule published; supported joins sizes by min_clusters")
        if self.rule == "published" and "min_clusters" in self.model_fields_set:
            raise ValueError("min_clusters belongs to rule supported; published knows no support")
        return self


class Plan(_Section):
    """A budget of tokens divided over sources: too much is cut by quality, too little repeated up to the cap."""

    budget_tokens: int = Field(gt=0, description="tokens of original text in the release, copies counted")
    shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1, description="source -> share")
    tolerance: Share = Field(default=0.02, description="how far a source may miss its tokens, as a share of them")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = sum(self.shares.values())
        if abs(total - 1) > _TOLERANCE:
            raise ValueError(f"shares add up to {total:g}, not to 1")
        return self


class FinalPhase(_Section):
    """The last part of training (arXiv 2406.03476: 10 to 20 %), kept apart by the column `phase`."""

    share: Share = Field(default=0.1, description="share of the release's tokens")
    choose: Literal["best", "hash"] = Field(default="best", description="the best-scored documents, or any by hash")


class RewriteFilter(_Section):
    """A scorer of its own for rewritten text, and the share of it that may enter (REWIRE, arXiv 2506.04689).

    Its model tells references from rewrites, where that of `scored` tells them from pages of the pool. What `fit` does
    not say is as in `scored.fit`: the same references, above all.
    """

    score: ScorerStep = Step(name="fasttext_quality", params=SMALL_POOL)
    fraction: float = Field(
        default=0.1, gt=0, le=1, description="share of the accepted rewrites' tokens that may enter, best first"
    )
    fit: FitSection = FitSection()


class MixedSection(_Section):
    """A release: one capture a URL, selected, decontaminated, repeated within the cap, rewrites up to their share."""

    tokenizer: str = Field(
        default=DEFAULT_TOKENIZER, description="counts every budget; must be that of cleaned's token_count"
    )
    seed: int = Field(default=0, description="seed of all hashes: ties, orders and choices")
    capture: Literal["newest", "oldest", "best_scored"] = Field(default="newest", description="which capture of a URL")
    select: SelectorStep = Step(name="everything")
    max_epochs: int = Field(
        default=4, ge=1, description="copies of a document at most (arXiv 2305.16264: up to 4 are as good as fresh)"
    )
    multiplicity: Multiplicity | None = None
    rehydration: Rehydration | None = Field(
        default=None, description="copies by duplication, times those of multiplicity, cut at max_epochs; none: off"
    )
    plan: Plan | None = None
    rewritten_share: float = Field(
        0.5, ge=0, lt=1, description="share of the release's tokens that rewritten text has at most; .5 is 1:1 (REWIRE)"
    )
    rewrites_per_parent: int = Field(
        default=1, ge=1, description="accepted rewrites of one document by one strategy, at most"
    )
    rewrites: RewriteFilter | None = Field(default=None, description="none: every accepted rewrite is a candidate")
    benchmarks: tuple[Benchmark, ...] = ()
    decontamination: Decontamination = Decontamination()
    final_phase: FinalPhase | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_plan(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("plan") and value.get("multiplicity"):
            raise ValueError("give either a plan, which derives copies, or a multiplicity, which states them")
        if isinstance(value, dict) and value.get("plan") and value.get("rehydration") is not None:
            raise ValueError("give either a plan or a rehydration: both derive copies")
        return value

    @model_validator(mode="after")
    def _within_the_cap(self) -> Self:
        if self.multiplicity is not None:
            over = {k: n for k, n in self.multiplicity.copies.items() if n > self.max_epochs}
            if over or self.multiplicity.others > self.max_epochs:
                raise ValueError(f"multiplicity: more copies than max_epochs ({self.max_epochs}): {over or 'others'}")
        if self.rehydration is not None and self.rehydration.max_weight > self.max_epochs:
            raise ValueError(
                f"rehydration.max_weight {self.rehydration.max_weight} is more copies than max_epochs "
                f"({self.max_epochs}): copies count as epochs"
            )
        names = [benchmark.name for benchmark in self.benchmarks]
        if len(set(names)) != len(names):
            raise ValueError("benchmarks name each benchmark once")
        return self
