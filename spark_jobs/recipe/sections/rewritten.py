"""The `rewritten` section of a recipe: how much is rewritten, of which documents, how, and what is accepted.

Where the model answers is a matter of the settings; `model` may pin which model it must be.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.operators.base import Rule
from spark_jobs.recipe.steps import Step, StrategyStep

Share = Annotated[float, Field(ge=0, le=1)]
# What a request holds anyway, so that `extra` cannot say it twice.
_OWN_OPTIONS = {"model", "messages", "seed", "temperature", "top_p", "max_tokens", "frequency_penalty", "stream", "n"}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Budget(_Section):
    """What a snapshot may cost. Both bounds hold; 0 documents publishes an empty table without any model."""

    documents: int = Field(default=0, ge=0, description="documents to rewrite in each snapshot")
    tokens_out: int | None = Field(
        default=None, ge=0, description="tokens the model may write; every attempt counts with sampling.max_tokens"
    )


class Choice(_Section):
    """Which kept documents, in an order that a hash decides; `choose` first narrows to a third by score."""

    languages: tuple[str, ...] | None = Field(default=None, description="languages of documents; null takes all")
    min_words: int = Field(default=50, ge=1, description="white-space words of a document")
    max_words: int | None = Field(default=None, ge=1, description="white-space words of a document")
    words: str | None = Field(
        default=None, description="column of cleaned that counts words; null counts them in the text"
    )
    choose: Literal["all", "low", "middle"] = Field(
        default="all", description="all, or the lowest or middle third of the documents by `score` (arXiv 2410.20796)"
    )
    score: str | None = Field(default=None, description="column of scored that `choose` goes by")
    seed: int = Field(default=0, description="seed of the order")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.choose != "all" and self.score is None:
            raise ValueError(f"choose: {self.choose} needs `score`, the column of scored to go by")
        if self.max_words is not None and self.max_words < self.min_words:
            raise ValueError(f"max_words {self.max_words} is less than min_words {self.min_words}")
        return self


class Passage(_Section):
    """Rewrite one passage of a document instead of the whole: for models that cannot take in more."""

    min_words: int = Field(ge=1, description="white-space words")
    max_words: int = Field(ge=1, description="white-space words")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.max_words < self.min_words:
            raise ValueError(f"max_words {self.max_words} is less than min_words {self.min_words}")
        return self


class Sampling(_Section):
    """How the model samples; the defaults are REWIRE's (arXiv 2506.04689)."""

    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=0.9, gt=0, le=1)
    max_tokens: int = Field(default=8192, ge=1, description="tokens of an answer, the reasoning included")
    frequency_penalty: float = Field(default=0.0, ge=-2, le=2)
    seed: int = Field(default=0, description="seed of the seeds, which differ by request and sample")
    constrain: Literal["none", "markers"] = Field(
        default="none", description="markers: force the form of the answer, where the endpoint decodes under a grammar"
    )
    extra: dict[str, Any] = Field(default_factory=dict, description="further keys of the request body")

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Self:
        twice = sorted(_OWN_OPTIONS & set(self.extra))
        if twice:
            raise ValueError(f"extra: {', '.join(twice)} cannot be given here; use the keys of sampling")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """The keys of a request body that do not depend on the document."""
        own = self.model_dump(include={"temperature", "top_p", "max_tokens"})
        penalty = {"frequency_penalty": self.frequency_penalty} if self.frequency_penalty else {}
        return {**own, **penalty, **self.extra}


class Gates(_Section):
    """Bounds on an accepted rewrite against its draft; null turns one off. Measures: `spark_jobs/text/likeness.py`."""

    min_length_ratio: float | None = Field(default=1.0, ge=0, description="not shorter than the draft (REWIRE)")
    max_length_ratio: float | None = Field(default=None, ge=0, description="RePro asks for 1.25 (not confirmed)")
    min_similarity: Share | None = Field(default=0.4, description="below it content is invented (REWIRE)")
    max_similarity: Share | None = Field(default=None, description="above .8 mostly paraphrase (REWIRE)")
    max_copied_share: Share | None = Field(default=0.7, description="word 8-grams that stand in the draft")
    max_repeated_share: Share | None = Field(default=0.2, description="word 4-grams that the rewrite repeats")
    min_known_figures_share: Share | None = Field(default=0.8, description="figures that the draft holds")
    min_known_links_share: Share | None = Field(default=1.0, description="URLs that the draft holds")
    max_echoes: int | None = Field(default=0, ge=0, description="phrases of the prompt")
    same_language: bool = Field(default=True, description="the language is the document's")

    def rules(self) -> tuple[Rule, ...]:
        """The bounds as rules over the signals of a rewrite."""
        rules = (
            Rule(reason="too_short", signal="length_ratio", minimum=self.min_length_ratio),
            Rule(reason="too_long", signal="length_ratio", maximum=self.max_length_ratio),
            Rule(reason="unlike_the_draft", signal="similarity", minimum=self.min_similarity),
            Rule(reason="too_like_the_draft", signal="similarity", maximum=self.max_similarity),
            Rule(reason="copied", signal="copied_share", maximum=self.max_copied_share),
            Rule(reason="repetitive", signal="repeated_share", maximum=self.max_repeated_share),
            Rule(reason="invented_figures", signal="known_figures_share", minimum=self.min_known_figures_share),
            Rule(reason="invented_links", signal="known_links_share", minimum=self.min_known_links_share),
            Rule(reason="speaks_of_the_prompt", signal="echoes", maximum=self.max_echoes),
            Rule(reason="other_language", signal="same_language", minimum=1.0 if self.same_language else None),
        )
        return tuple(rule for rule in rules if rule.minimum is not None or rule.maximum is not None)


class RewrittenSection(_Section):
    """A strategy with a budget. Attempts = documents within the budget x samples; every attempt becomes a row."""

    strategy: StrategyStep = Field(Step(name="rewire"), validate_default=True)
    budget: Budget = Budget()
    samples: int = Field(default=1, ge=1, le=100, description="attempts for each document")
    select: Choice = Choice()
    passage: Passage | None = None
    sampling: Sampling = Sampling()
    gates: Gates = Gates()
    model: str | None = Field(
        default=None, description="identity that the endpoint's model must have; null takes what the settings name"
    )

    @property
    def most_documents(self) -> int:
        """Documents that both bounds of the budget allow."""
        if self.budget.tokens_out is None:
            return self.budget.documents
        return min(self.budget.documents, self.budget.tokens_out // (self.sampling.max_tokens * self.samples))
