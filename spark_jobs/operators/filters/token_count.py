"""Tokens of a document by a named tokenizer, counted once: selection, ratios and budgets of a release read this."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.tokens import DEFAULT_TOKENIZER, count_tokens, tokenizer_digest


class TokenCountParams(Params):
    """Which tokenizer counts, and the bounds."""

    tokenizer: str = Field(default=DEFAULT_TOKENIZER, description="one that ships, or the path of a tokenizer JSON")
    digest: str = Field(default="", description="SHA-256 of the tokenizer's file; filled in, checked where it is given")
    min_tokens: int | None = Field(default=None, ge=0, description="fewest tokens of a document; off by default")
    max_tokens: int | None = Field(default=None, ge=1, description="most tokens of a document; off by default")

    @model_validator(mode="before")
    @classmethod
    def _pinned(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        try:
            found = tokenizer_digest(str(value.get("tokenizer", DEFAULT_TOKENIZER)))
        except RecipeError as error:
            raise ValueError(str(error)) from None  # pydantic adds the key to a ValueError only
        if value.get("digest", "") not in ("", found):
            raise ValueError(f"the tokenizer's file has the digest {found}, not {value['digest']}: it is another file")
        return {**value, "digest": found}


class TokenCount:
    """Measures tokens and characters; its bounds are off unless a recipe sets them. Belongs after every editor."""

    name: ClassVar[str] = "token_count"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own: budgets are tokens of a stated tokenizer; the default ships with mistral-common"
    Params: ClassVar[type[Params]] = TokenCountParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("tokens", "tokens of the text by the recipe's tokenizer"),
        Signal("characters", "code points of the text"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("", signals={"tokens": 0.0, "characters": 0.0}),
        Example("Hello world", signals={"tokens": 2.0, "characters": 11.0}, reasons=()),
        Example("1984", signals={"tokens": 4.0, "characters": 4.0}),
    )

    def __init__(self, params: TokenCountParams) -> None:
        """Take the tokenizer and the bounds."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Tokens and characters of every document."""
        return {
            "tokens": count_tokens(batch.texts, self.params.tokenizer, characters=batch.characters).astype(np.float64),
            "characters": batch.lengths.astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The bounds on tokens, where the recipe sets them."""
        rules = (
            Rule(reason="too_few_tokens", signal="tokens", minimum=self.params.min_tokens),
            Rule(reason="too_many_tokens", signal="tokens", maximum=self.params.max_tokens),
        )
        return tuple(rule for rule in rules if rule.minimum is not None or rule.maximum is not None)
