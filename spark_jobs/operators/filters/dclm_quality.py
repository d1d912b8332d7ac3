"""Gopher's quality rules as DCLM measures them: over words between white space, bullets and ellipses of its own."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, NUMBER, SPACE, Codes, Flags, Offsets
from spark_jobs.text.letter_case import lower_table
from spark_jobs.text.native import kernel
from spark_jobs.text.ratios import ratio

Counts = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_PROSE = "The plans that neighbours have agreed to follow must be kept with care and patience. " * 4


class DclmQualityParams(Params):
    """Limits; None switches a rule off."""

    min_words: int | None = Field(50, ge=0, description="words that begin with a letter or number")
    max_words: int | None = Field(100_000, ge=0, description="words that begin with a letter or number")
    min_mean_word_length: float | None = Field(3, ge=0, description="characters, over words between white space")
    max_mean_word_length: float | None = Field(10, ge=0, description="characters, over words between white space")
    max_symbol_ratio: float | None = Field(
        0.1, ge=0, description='"#", "...", ". . ." and "…" together over words between white space'
    )
    max_bullet_lines: float | None = Field(0.9, ge=0, le=1, description="share of lines that start with ● • * or -")
    max_ellipsis_lines: float | None = Field(
        0.3, ge=0, le=1, description='share of lines that end in "...", ". . ." or "…"'
    )
    max_words_without_letter: float | None = Field(
        0.2, ge=0, le=1, description="share of the words between white space that hold no letter"
    )
    min_stop_words: int | None = Field(2, ge=0, description="stop words, each time they occur, in any case")
    stop_words: tuple[str, ...] = Field(
        ("the", "be", "to", "of", "and", "that", "have", "with"),
        description="compared with whole words between white space, so 'the,' is none",
    )


class DclmQuality:
    """Words lie between white space, punctuation attached; the length counts those that begin with a letter or number.

    Lines are cut at newlines and stripped; blank ones do not count. A ratio over nothing is NaN.
    """

    name: ClassVar[str] = "dclm_quality"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2112.11446, appendix A1.1; arXiv 2406.11794; mlfoundations/dclm"
    Params: ClassVar[type[Params]] = DclmQualityParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("words", "words between white space that begin with a letter or number"),
        Signal("mean_word_length_chars", "mean characters of the words between white space"),
        Signal("symbol_ratio", '"#", "...", ". . ." and "…" together over words between white space'),
        Signal("bullet_line_ratio", "lines that start with ● • * or - over lines"),
        Signal("ellipsis_line_ratio", 'lines that end in "...", ". . ." or "…" over lines'),
        Signal("letterless_word_ratio", "words between white space that hold no letter over all of them"),
        Signal("stop_words", "stop words in the text, each time they occur"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(_PROSE, signals={"words": 60.0, "stop_words": 28.0, "symbol_ratio": 0.0}, reasons=()),
        Example(
            "Too short.", signals={"words": 2.0, "mean_word_length_chars": 4.5}, reasons=("too_short", "few_stop_words")
        ),
        Example("* " + "\n* ".join(_PROSE.split()), reasons=("short_words", "bullet_lines", "letterless_words")),
        Example(_PROSE + "# " * 10, reasons=("symbols",)),
        Example(_PROSE + "…\n" + ". . .\n" * 2, signals={"ellipsis_line_ratio": 1.0}, reasons=("ellipsis_lines",)),
    )

    def __init__(self, params: DclmQualityParams) -> None:
        """Take the limits."""
        self.params = params
        words = TextBatch.from_texts(sorted(set(params.stop_words))).characters
        self._stop_words = np.unique(_hashes(words.codes, words.offsets, lower_table()))

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Seven measures of every text."""
        characters = batch.characters
        words, leading, chars, letterless, stops = _count_words(
            characters.codes, characters.flags, characters.offsets, lower_table(), self._stop_words
        )
        symbols, lines, bullets, trailing = _count_lines(characters.codes, characters.flags, characters.offsets)
        return {
            "words": leading.astype(np.float64),
            "mean_word_length_chars": ratio(chars, words),
            "symbol_ratio": ratio(symbols, words),
            "bullet_line_ratio": ratio(bullets, lines),
            "ellipsis_line_ratio": ratio(trailing, lines),
            "letterless_word_ratio": ratio(letterless, words),
            "stop_words": stops.astype(np.float64),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The limits, as data."""
        p = self.params
        return (
            Rule(reason="too_short", signal="words", minimum=p.min_words),
            Rule(reason="too_long", signal="words", maximum=p.max_words),
            Rule(reason="short_words", signal="mean_word_length_chars", minimum=p.min_mean_word_length),
            Rule(reason="long_words", signal="mean_word_length_chars", maximum=p.max_mean_word_length),
            Rule(reason="symbols", signal="symbol_ratio", maximum=p.max_symbol_ratio),
            Rule(reason="bullet_lines", signal="bullet_line_ratio", maximum=p.max_bullet_lines),
            Rule(reason="ellipsis_lines", signal="ellipsis_line_ratio", maximum=p.max_ellipsis_lines),
            Rule(reason="letterless_words", signal="letterless_word_ratio", maximum=p.max_words_without_letter),
            Rule(reason="few_stop_words", signal="stop_words", minimum=p.min_stop_words),
        )


@kernel
def _step(value: np.uint64, code: np.uint64) -> np.uint64:
    value = (value ^ code) * np.uint64(0x9E3779B97F4A7C15)
    return value ^ (value >> np.uint64(29))


@kernel
def _hashes(codes: Codes, offsets: Offsets, lower: Codes) -> Hashes:
    result = np.zeros(len(offsets) - 1, dtype=np.uint64)
    for row in range(len(result)):
        for i in range(offsets[row], offsets[row + 1]):
            result[row] = _step(result[row], np.uint64(lower[codes[i]]))
    return result


@kernel
def _count_words(
    codes: Codes, flags: Flags, offsets: Offsets, lower: Codes, stop_words: Hashes
) -> tuple[Counts, Counts, Counts, Counts, Counts]:
    """Words between white space; those that begin with a letter or number; characters; letterless ones; stop words."""
    rows = len(offsets) - 1
    words = np.zeros(rows, dtype=np.int64)
    leading = np.zeros(rows, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    letterless = np.zeros(rows, dtype=np.int64)
    stops = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        i = offsets[row]
        end = offsets[row + 1]
        while i < end:
            if flags[i] & SPACE:
                i += 1
                continue
            start = i
            seen = 0
            value = np.uint64(0)
            while i < end and (flags[i] & SPACE) == 0:
                seen |= flags[i]
                value = _step(value, np.uint64(lower[codes[i]]))
                i += 1
            words[row] += 1
            leading[row] += (flags[start] & (LETTER | NUMBER)) != 0
            chars[row] += i - start
            letterless[row] += (seen & LETTER) == 0
            at = np.searchsorted(stop_words, value)
            stops[row] += at < len(stop_words) and stop_words[at] == value
    return words, leading, chars, letterless, stops


@kernel
def _spaced_dots(codes: Codes, last: int) -> bool:
    """Whether ". . ." ends with the full stop at `last`, which has four characters before it."""
    spaces = codes[last - 1] == 0x20 and codes[last - 3] == 0x20
    return bool(spaces and codes[last - 2] == 0x2E and codes[last - 4] == 0x2E)


@kernel
def _ends_in_ellipsis(codes: Codes, start: int, end: int) -> bool:
    last = codes[end - 1]
    if last == 0x2026:
        return True
    if last != 0x2E:
        return False
    if end - start >= 3 and codes[end - 2] == 0x2E and codes[end - 3] == 0x2E:
        return True
    return end - start >= 5 and _spaced_dots(codes, end - 1)


@kernel
def _symbols(codes: Codes, start: int, end: int) -> int:
    """Occurrences of the four symbols, each counted without overlaps of its own."""
    count = dots = 0
    spaced = start
    for i in range(start, end):
        code = codes[i]
        count += code in (0x23, 0x2026)
        dots = dots + 1 if code == 0x2E else 0
        if dots == 3:
            dots = 0
            count += 1
        if code == 0x2E and i - spaced >= 4 and _spaced_dots(codes, i):
            spaced = i + 1
            count += 1
    return count


@kernel
def _count_lines(codes: Codes, flags: Flags, offsets: Offsets) -> tuple[Counts, Counts, Counts, Counts]:
    """Symbols of the whole text; lines that are not blank, those with a bullet, those that end in an ellipsis."""
    rows = len(offsets) - 1
    symbols = np.zeros(rows, dtype=np.int64)
    lines = np.zeros(rows, dtype=np.int64)
    bullets = np.zeros(rows, dtype=np.int64)
    trailing = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        symbols[row] = _symbols(codes, offsets[row], offsets[row + 1])
        i = offsets[row]
        while i < offsets[row + 1]:
            start = i
            while i < offsets[row + 1] and codes[i] != 10:
                i += 1
            end = i
            i += 1
            while start < end and (flags[start] & SPACE) != 0:
                start += 1
            while end > start and (flags[end - 1] & SPACE) != 0:
                end -= 1
            if start < end:
                lines[row] += 1
                bullets[row] += codes[start] in (0x25CF, 0x2022, 0x2A, 0x2D)
                trailing[row] += _ends_in_ellipsis(codes, start, end)
    return symbols, lines, bullets, trailing
