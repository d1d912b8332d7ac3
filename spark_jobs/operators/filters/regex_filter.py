"""Documents by regular expressions (RE2): how often each may match or must match."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch

_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class Pattern(BaseModel):
    """One expression; a string by itself is one whose letter case counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regex: str = Field(min_length=1, description="RE2: no look-around, no back references")
    ignore_case: bool = Field(default=False, description="whether upper and lower case are the same")

    @model_validator(mode="before")
    @classmethod
    def _plain_string(cls, value: Any) -> Any:
        return {"regex": value} if isinstance(value, str) else value

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            empty = pc.count_substring_regex(pa.array([""], pa.large_string()), value)
        except pa.ArrowInvalid as error:
            reason = str(error).splitlines()[0].removeprefix("Invalid regular expression: ")
            raise ValueError(f"not a regular expression of RE2: {reason}") from None
        if empty[0].as_py():
            raise ValueError("it matches an empty text, so its matches say nothing; make it match something")
        return value


_BASE64 = {"base64": Pattern(regex="[A-Za-z0-9+/=]{256}", ignore_case=False)}

Count = Annotated[int, Field(ge=0)]


class RegexFilterParams(Params):
    """Expressions by name, and how often each may or must match; one without bounds is only counted."""

    patterns: dict[str, Pattern] = Field(
        _BASE64,
        min_length=1,
        description="expressions by name, which names signal and reasons; the default finds encoded data in text",
        json_schema_extra={"bound": False},
    )
    max_matches: dict[str, Count] = Field(
        {"base64": 0}, description="by name: matches, which do not overlap; more drop the document"
    )
    min_matches: dict[str, Count] = Field({}, description="by name: matches; fewer drop the document")

    @model_validator(mode="before")
    @classmethod
    def _no_bound_of_a_default_that_went(cls, value: Any) -> Any:
        return {"max_matches": {}, **value} if isinstance(value, dict) and "patterns" in value else value

    @field_validator("patterns")
    @classmethod
    def _named(cls, value: dict[str, Pattern]) -> dict[str, Pattern]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name for a column: small letters, digits and _, a letter first")
        return value

    @model_validator(mode="after")
    def _bounds_of_expressions(self) -> Self:
        unknown = sorted({*self.max_matches, *self.min_matches} - set(self.patterns))
        if unknown:
            raise ValueError(
                f"no expression is named {', '.join(unknown)}; there are {', '.join(sorted(self.patterns))}"
            )
        for name, least in self.min_matches.items():
            if least > self.max_matches.get(name, least):
                raise ValueError(f"min_matches of {name} is above its max_matches: every document would be dropped")
        return self


class RegexFilter:
    """Count the matches of each expression in every text; the signals are those of the expressions that are named."""

    name: ClassVar[str] = "regex_filter"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own; huggingface/datatrove has one expression that drops"
    Params: ClassVar[type[Params]] = RegexFilterParams
    signals: tuple[Signal, ...] = (Signal("base64_matches", "matches of the expression `base64`; so for each name"),)
    examples: ClassVar[tuple[Example, ...]] = (
        Example("An ordinary sentence.", signals={"base64_matches": 0.0}, reasons=()),
        Example("data:image/png;base64," + "iVBORw0K" * 40, signals={"base64_matches": 1.0}, reasons=("has_base64",)),
        Example(
            "Call 555-0199 or 555-0100.",
            params={
                "patterns": {"phone": r"\b\d{3}-\d{4}\b", "greeting": {"regex": "^dear ", "ignore_case": True}},
                "max_matches": {"phone": 1},
                "min_matches": {"greeting": 1},
            },
            signals={"phone_matches": 2.0, "greeting_matches": 0.0},
            reasons=("has_phone", "lacks_greeting"),
        ),
    )

    def __init__(self, params: RegexFilterParams) -> None:
        """Take the expressions."""
        self.params = params
        self.signals = tuple(
            Signal(f"{name}_matches", f"matches of the expression `{name}`") for name in sorted(params.patterns)
        )

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Matches of every expression in every text."""
        return {f"{name}_matches": _count(batch.texts, pattern) for name, pattern in self.params.patterns.items()}

    def rules(self) -> tuple[Rule, ...]:
        """Not too many matches of an expression, not too few, where there is a bound."""
        many, few = sorted(self.params.max_matches.items()), sorted(self.params.min_matches.items())
        return (
            *(Rule(reason=f"has_{name}", signal=f"{name}_matches", maximum=most) for name, most in many),
            *(Rule(reason=f"lacks_{name}", signal=f"{name}_matches", minimum=least) for name, least in few),
        )


def _count(texts: pa.Array, pattern: Pattern) -> Floats:
    counts = pc.count_substring_regex(texts, pattern.regex, ignore_case=pattern.ignore_case)
    return np.asarray(counts.to_numpy(zero_copy_only=False), dtype=np.float64)
