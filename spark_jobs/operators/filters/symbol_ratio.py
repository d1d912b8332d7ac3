"""Shares of characters by kind: no letters, digits, punctuation, brackets, white space, emoji, capitals."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text import symbols
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.ratios import ratio


class SymbolRatioParams(Params):
    """Largest shares of the characters of a text; None switches a rule off."""

    max_non_alphanumeric: float | None = Field(
        0.25, ge=0, le=1, description="neither letter, number, mark, newline nor one of ? ! , . (NeMo Curator: .25)"
    )
    max_special: float | None = Field(None, ge=0, le=1, description="neither letter, number, mark nor white space; off")
    max_digits: float | None = Field(0.15, ge=0, le=1, description="decimal digits of any script (NeMo Curator: .15)")
    min_punctuation: float | None = Field(None, ge=0, le=1, description="punctuation; CT-LLM wants more than none")
    max_punctuation: float | None = Field(None, ge=0, le=1, description="punctuation; off")
    max_brackets: float | None = Field(0.1, ge=0, le=1, description="round, square, curly and angle brackets")
    max_white_space: float | None = Field(0.25, ge=0, le=1, description="white space (NeMo Curator: .25)")
    max_emoji: float | None = Field(None, ge=0, le=1, description="emoji; off")
    max_upper_case: float | None = Field(None, ge=0, le=1, description="capitals over letters; off")


class SymbolRatio:
    """Shares are over all characters of the text, of capitals over its letters; an empty text has none (NaN)."""

    name: ClassVar[str] = "symbol_ratio"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "NVIDIA-NeMo/Curator (alphanumeric, numbers, parentheses, white space), in all scripts"
    Params: ClassVar[type[Params]] = SymbolRatioParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal(
            "non_alphanumeric_ratio", "characters but letters, numbers, marks, newlines and ? ! , . over characters"
        ),
        Signal("special_ratio", "characters but letters, numbers, marks and white space over characters"),
        Signal("digit_ratio", "decimal digits over characters"),
        Signal("punctuation_ratio", "punctuation over characters"),
        Signal("bracket_ratio", "brackets over characters"),
        Signal("white_space_ratio", "white space over characters"),
        Signal("emoji_ratio", "emoji over characters"),
        Signal("upper_case_ratio", "capitals over letters"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Plain words of prose, with a full stop.",
            signals={"digit_ratio": 0.0, "emoji_ratio": 0.0, "punctuation_ratio": 2 / 39},
            reasons=(),
        ),
        Example("+49 (0) 123 [7]", reasons=("symbols", "digits", "brackets")),
        Example("a\n\nb", signals={"non_alphanumeric_ratio": 0.0, "white_space_ratio": 0.5}, reasons=("white_space",)),
        Example(
            "OK 👍 !!!",
            params={"max_special": 0.2, "max_emoji": 0.05, "max_upper_case": 0.5, "max_punctuation": 0.2},
            reasons=("symbols", "special_characters", "punctuation", "emoji", "upper_case"),
        ),
        Example("no end", params={"min_punctuation": 0.001}, reasons=("no_punctuation",)),
    )

    def __init__(self, params: SymbolRatioParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Eight shares of every text."""
        kinds, chars = symbols.kind_counts(batch), batch.lengths
        lexical, letters, spaces = symbols.flag_counts(batch)
        return {
            "non_alphanumeric_ratio": ratio(chars - lexical - kinds[symbols.PLAIN], chars),
            "special_ratio": ratio(chars - lexical - spaces, chars),
            "digit_ratio": ratio(kinds[symbols.DIGIT], chars),
            "punctuation_ratio": ratio(kinds[symbols.PUNCTUATION], chars),
            "bracket_ratio": ratio(kinds[symbols.BRACKET], chars),
            "white_space_ratio": ratio(spaces, chars),
            "emoji_ratio": ratio(kinds[symbols.EMOJI], chars),
            "upper_case_ratio": ratio(kinds[symbols.UPPER], letters),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        return (
            Rule(reason="symbols", signal="non_alphanumeric_ratio", maximum=p.max_non_alphanumeric),
            Rule(reason="special_characters", signal="special_ratio", maximum=p.max_special),
            Rule(reason="digits", signal="digit_ratio", maximum=p.max_digits),
            Rule(reason="no_punctuation", signal="punctuation_ratio", minimum=p.min_punctuation),
            Rule(reason="punctuation", signal="punctuation_ratio", maximum=p.max_punctuation),
            Rule(reason="brackets", signal="bracket_ratio", maximum=p.max_brackets),
            Rule(reason="white_space", signal="white_space_ratio", maximum=p.max_white_space),
            Rule(reason="emoji", signal="emoji_ratio", maximum=p.max_emoji),
            Rule(reason="upper_case", signal="upper_case_ratio", maximum=p.max_upper_case),
        )
