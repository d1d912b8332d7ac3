"""Variety of words and characters: distinct ones over all, and their entropy."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import Codes, Offsets
from spark_jobs.text.letter_case import CODE_POINTS
from spark_jobs.text.native import kernel
from spark_jobs.text.ratios import ratio
from spark_jobs.text.words import LEXICAL, Hashes, Traits

Counts = npt.NDArray[np.int64]
_GOLDEN = 0x9E3779B97F4A7C15


class UniqueWordsParams(Params):
    """Bounds; each is off unless it is set, since all of them fall with the length of a text."""

    min_unique_words: float | None = Field(None, ge=0, le=1, description="distinct words over words")
    max_unique_words: float | None = Field(None, ge=0, le=1, description="distinct words over words: word lists")
    min_word_entropy: float | None = Field(None, ge=0, description="entropy of the words, nats")
    min_unique_chars: float | None = Field(
        None, ge=0, le=1, description="distinct characters over characters; CT-LLM: above .1, for Chinese"
    )
    min_char_entropy: float | None = Field(
        None, ge=0, description="entropy of the characters, nats; CT-LLM: 3, for Chinese"
    )
    max_char_entropy: float | None = Field(None, ge=0, description="entropy of the characters, nats: noise")


class UniqueWords:
    """Words are tokens that hold a letter, number or mark, upper and lower case told apart; all characters count."""

    name: ClassVar[str] = "unique_words"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2404.04167 (CT-LLM: characters); togethercomputer/RedPajama-Data (words)"
    Params: ClassVar[type[Params]] = UniqueWordsParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("unique_word_ratio", "distinct words over words"),
        Signal("word_entropy", "entropy of the distribution of words, natural logarithm"),
        Signal("unique_char_ratio", "distinct characters over characters"),
        Signal("char_entropy", "entropy of the distribution of characters, natural logarithm"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "a b a b",
            signals={"unique_word_ratio": 0.5, "unique_char_ratio": 3 / 7},
            reasons=(),
        ),
        Example(
            "ja ja ja ja ja ja",
            params={"min_unique_words": 0.3, "min_word_entropy": 1, "min_unique_chars": 0.2, "min_char_entropy": 3},
            signals={"word_entropy": 0.0},
            reasons=("few_unique_words", "low_word_entropy", "few_unique_chars", "low_char_entropy"),
        ),
        Example(
            "alpha beta gamma",
            params={"max_unique_words": 0.9, "max_char_entropy": 1},
            reasons=("word_list", "high_char_entropy"),
        ),
    )

    def __init__(self, params: UniqueWordsParams) -> None:
        """Take the bounds."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Four measures of every text; NaN where there is no word or no character."""
        words, characters = batch.words, batch.characters
        lexical, distinct, entropy = _word_variety(words.hashes, words.traits, words.offsets)
        distinct_chars, char_entropy = _char_variety(characters.codes, characters.offsets, CODE_POINTS)
        return {
            "unique_word_ratio": ratio(distinct, lexical),
            "word_entropy": np.where(lexical > 0, entropy, np.nan),
            "unique_char_ratio": ratio(distinct_chars, batch.lengths),
            "char_entropy": np.where(batch.lengths > 0, char_entropy, np.nan),
        }

    def rules(self) -> tuple[Rule, ...]:
        """The bounds that are set."""
        p = self.params
        return (
            Rule(reason="few_unique_words", signal="unique_word_ratio", minimum=p.min_unique_words),
            Rule(reason="word_list", signal="unique_word_ratio", maximum=p.max_unique_words),
            Rule(reason="low_word_entropy", signal="word_entropy", minimum=p.min_word_entropy),
            Rule(reason="few_unique_chars", signal="unique_char_ratio", minimum=p.min_unique_chars),
            Rule(reason="low_char_entropy", signal="char_entropy", minimum=p.min_char_entropy),
            Rule(reason="high_char_entropy", signal="char_entropy", maximum=p.max_char_entropy),
        )


@kernel
def _entropy(counts: Counts, distinct: int, total: int) -> float:
    """Entropy in nats of the first `distinct` counts, added in their order."""
    weighted = 0.0
    for k in range(distinct):
        weighted += counts[k] * np.log(counts[k])
    return float(max(np.log(total) - weighted / total, 0.0))


@kernel
def _word_variety(hashes: Hashes, traits: Traits, offsets: Offsets) -> tuple[Counts, Counts, npt.NDArray[np.float64]]:
    rows = len(offsets) - 1
    lexical = np.zeros(rows, dtype=np.int64)
    distinct = np.zeros(rows, dtype=np.int64)
    entropy = np.zeros(rows, dtype=np.float64)
    size = 16
    while rows > 0 and size < 2 * np.max(offsets[1:] - offsets[:-1]):
        size *= 2
    keys = np.zeros(size, dtype=np.uint64)
    places = np.zeros(size, dtype=np.int64)
    owner = np.full(size, -1, dtype=np.int64)
    counts = np.zeros(size, dtype=np.int64)
    for row in range(rows):
        bits = 4
        while (1 << bits) < 2 * (offsets[row + 1] - offsets[row]):
            bits += 1
        for i in range(offsets[row], offsets[row + 1]):
            if (traits[i] & LEXICAL) == 0:
                continue
            lexical[row] += 1
            value = hashes[i] ^ (hashes[i] >> np.uint64(32))
            slot = np.int64((value * np.uint64(_GOLDEN)) >> np.uint64(64 - bits))
            while owner[slot] == row and keys[slot] != hashes[i]:
                slot = (slot + 1) & ((1 << bits) - 1)
            if owner[slot] != row:
                owner[slot] = row
                keys[slot] = hashes[i]
                places[slot] = distinct[row]
                counts[distinct[row]] = 0
                distinct[row] += 1
            counts[places[slot]] += 1
        if lexical[row] > 0:
            entropy[row] = _entropy(counts, distinct[row], lexical[row])
    return lexical, distinct, entropy


@kernel
def _char_variety(codes: Codes, offsets: Offsets, code_points: int) -> tuple[Counts, npt.NDArray[np.float64]]:
    rows = len(offsets) - 1
    distinct = np.zeros(rows, dtype=np.int64)
    entropy = np.zeros(rows, dtype=np.float64)
    counts = np.zeros(code_points, dtype=np.int64)
    seen = np.zeros(code_points, dtype=np.int64)
    own = np.zeros(code_points, dtype=np.int64)
    for row in range(rows):
        for i in range(offsets[row], offsets[row + 1]):
            if counts[codes[i]] == 0:
                seen[distinct[row]] = codes[i]
                distinct[row] += 1
            counts[codes[i]] += 1
        for k in range(distinct[row]):
            own[k] = counts[seen[k]]
            counts[seen[k]] = 0
        if distinct[row] > 0:
            entropy[row] = _entropy(own, distinct[row], offsets[row + 1] - offsets[row])
    return distinct, entropy
