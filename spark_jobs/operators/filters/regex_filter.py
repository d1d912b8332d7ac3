"""Documents by regular expressions (RE2): how often each may match or must match."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch

_NAME = r"^[a-z][a-z0-9_]{0,40}$"


class Pattern(BaseModel):
    """One expression in RE2's syntax, and the bounds on the number of its matches, which do not overlap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    regex: str = Field(min_length=1, description="RE2: no look-around, no back references")
    ignore_case: bool = Field(default=False, description="whether upper and lower case are the same")
    min_matches: int | None = Field(None, ge=0, description="fewer drop the document")
    max_matches: int | None = Field(None, ge=0, description="more drop the document")

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

    @model_validator(mode="after")
    def _bounded(self) -> "Pattern":
        if self.min_matches is not None and self.max_matches is not None and self.min_matches > self.max_matches:
            raise ValueError("min_matches is above max_matches: every document would be dropped")
        return self


_BASE64 = {"base64": Pattern(regex="[A-Za-z0-9+/=]{256}", ignore_case=False, min_matches=None, max_matches=0)}


class RegexFilterParams(Params):
    """The expressions by name; a name gives a signal and its reasons."""

    patterns: dict[str, Pattern] = Field(
        _BASE64, min_length=1, description="expressions by name; the default finds encoded data in text"
    )

    @field_validator("patterns")
    @classmethod
    def _named(cls, value: dict[str, Pattern]) -> dict[str, Pattern]:
        import re

        for name in value:
            if not re.match(_NAME, name):
                raise ValueError(f"{name!r} is no name for a column: small letters, digits and _, a letter first")
        return value


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
                "patterns": {
                    "phone": {"regex": r"\b\d{3}-\d{4}\b", "max_matches": 1},
                    "greeting": {"regex": "^dear ", "ignore_case": True, "min_matches": 1},
                }
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
        """Per expression: not too many matches, not too few."""
        patterns = sorted(self.params.patterns.items())
        many = [
            (name, Rule(reason=f"has_{name}", signal=f"{name}_matches", maximum=p.max_matches)) for name, p in patterns
        ]
        few = [
            (name, Rule(reason=f"lacks_{name}", signal=f"{name}_matches", minimum=p.min_matches))
            for name, p in patterns
        ]
        return tuple(rule for _, rule in (*many, *few))


def _count(texts: pa.Array, pattern: Pattern) -> Floats:
    counts = pc.count_substring_regex(texts, pattern.regex, ignore_case=pattern.ignore_case)
    return np.asarray(counts.to_numpy(zero_copy_only=False), dtype=np.float64)
