"""Documents by length: characters, bytes, words, lines, and the mean and longest of lines and words."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import SPACE, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.prose import word_counts
from spark_jobs.text.ratios import ratio

Counts = npt.NDArray[np.int64]

# Signal, and what is short and long about it.
_RULES = (
    ("chars", "few_chars", "many_chars"),
    ("bytes", "few_bytes", "many_bytes"),
    ("words", "few_words", "many_words"),
    ("lines", "few_lines", "many_lines"),
    ("mean_line_chars", "short_lines", "long_lines"),
    ("max_line_chars", "no_long_line", "too_long_line"),
    ("mean_word_chars", "short_words", "long_words"),
    ("max_word_chars", "no_long_word", "too_long_word"),
)


class LengthFilterParams(Params):
    """Bounds; each is off unless it is set. CCI4.0: 100..20,000 characters, mean line at least 10."""

    min_chars: int | None = Field(None, ge=0, description="characters (code points)")
    max_chars: int | None = Field(None, ge=0, description="characters (code points)")
    min_bytes: int | None = Field(None, ge=0, description="bytes of UTF-8")
    max_bytes: int | None = Field(None, ge=0, description="bytes of UTF-8")
    min_words: int | None = Field(None, ge=0, description="words, punctuation not counted")
    max_words: int | None = Field(None, ge=0, description="words, punctuation not counted")
    min_lines: int | None = Field(None, ge=0, description="lines that are not blank")
    max_lines: int | None = Field(None, ge=0, description="lines that are not blank")
    min_mean_line_chars: float | None = Field(None, ge=0, description="mean characters of these lines")
    max_mean_line_chars: float | None = Field(None, ge=0, description="mean characters of these lines")
    min_max_line_chars: int | None = Field(None, ge=0, description="characters of the longest line, at least")
    max_max_line_chars: int | None = Field(None, ge=0, description="characters of the longest line, at most")
    min_mean_word_chars: float | None = Field(None, ge=0, description="mean characters of words")
    max_mean_word_chars: float | None = Field(None, ge=0, description="mean characters of words")
    min_max_word_chars: int | None = Field(None, ge=0, description="longest run without white space, at least")
    max_max_word_chars: int | None = Field(
        None, ge=0, description="longest run without white space, at most (C4, NeMo Curator: 1000; GlotCC: 100)"
    )


class LengthFilter:
    """Measure the lengths of a text; lines end at all Unicode line ends."""

    name: ClassVar[str] = "length_filter"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own; bounds in use: arXiv 2506.07463 (CCI4.0), arXiv 1910.10683 (C4), NVIDIA-NeMo/Curator"
    Params: ClassVar[type[Params]] = LengthFilterParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("chars", "code points"),
        Signal("bytes", "bytes of UTF-8"),
        Signal("words", "tokens that hold a letter, number or mark"),
        Signal("lines", "lines that are not blank"),
        Signal("mean_line_chars", "characters of these lines over their number"),
        Signal("max_line_chars", "characters of the longest line"),
        Signal("mean_word_chars", "characters of the words over their number"),
        Signal("max_word_chars", "characters of the longest run without white space"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Äpfel und\n\nBirnen",
            signals={"chars": 17.0, "bytes": 18.0, "words": 3.0, "lines": 2.0, "mean_line_chars": 7.5,
                     "max_line_chars": 9.0, "max_word_chars": 6.0},
            reasons=(),
        ),
        Example(
            "a b\nc",
            params={f"min_{signal}": 100 for signal, _, _ in _RULES},
            reasons=tuple(few for _, few, _ in _RULES),
        ),
        Example(
            "a b\nc",
            params={f"max_{signal}": 0 for signal, _, _ in _RULES},
            reasons=tuple(many for _, _, many in _RULES),
        ),
    )  # fmt: skip

    def __init__(self, params: LengthFilterParams) -> None:
        """Take the bounds."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Eight lengths of every text; a mean over nothing is NaN."""
        characters, spans, words = batch.characters, batch.lines, word_counts(batch)
        lines, chars, longest = _lines(characters.flags, spans.starts, spans.ends, spans.offsets)
        return {
            "chars": batch.lengths.astype(np.float64),
            "bytes": pc.binary_length(batch.texts).to_numpy(zero_copy_only=False).astype(np.float64),
            "words": words.lexical.astype(np.float64),
            "lines": lines.astype(np.float64),
            "mean_line_chars": ratio(chars, lines),
            "max_line_chars": longest.astype(np.float64),
            "mean_word_chars": ratio(words.chars, words.lexical),
            "max_word_chars": _longest_run(characters.flags, characters.offsets).astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """For each length a rule for too little and one for too much."""
        bounds = self.params.model_dump()
        low = {signal: Rule(reason=few, signal=signal, minimum=bounds[f"min_{signal}"]) for signal, few, _ in _RULES}
        high = {signal: Rule(reason=many, signal=signal, maximum=bounds[f"max_{signal}"]) for signal, _, many in _RULES}
        return tuple(rule for signal, _, _ in _RULES for rule in (low[signal], high[signal]))


@kernel
def _lines(flags: Flags, starts: Counts, ends: Counts, lines: Offsets) -> tuple[Counts, Counts, Counts]:
    """Lines that are not blank, their characters, and the longest of them."""
    rows = len(lines) - 1
    filled = np.zeros(rows, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    longest = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        for line in range(lines[row], lines[row + 1]):
            start = starts[line]
            while start < ends[line] and (flags[start] & SPACE) != 0:
                start += 1
            if start < ends[line]:
                filled[row] += 1
                chars[row] += ends[line] - starts[line]
                longest[row] = max(longest[row], ends[line] - starts[line])
    return filled, chars, longest


@kernel
def _longest_run(flags: Flags, offsets: Offsets) -> Counts:
    longest = np.zeros(len(offsets) - 1, dtype=np.int64)
    for row in range(len(longest)):
        run = 0
        for i in range(offsets[row], offsets[row + 1]):
            run = 0 if (flags[i] & SPACE) != 0 else run + 1
            longest[row] = max(longest[row], run)
    return longest
