"""Share of a text that is URLs: lists of links, directories, spam."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import IDEOGRAPH, LETTER, NUMBER, SPACE, Codes, Flags, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.prose import word_counts
from spark_jobs.text.ratios import ratio

Counts = npt.NDArray[np.int64]

_STARTS = ("http://", "https://", "ftp://", "www.")
# No part of a URL; and what at its end belongs to the sentence around it.
_BREAKS = frozenset('"<>`{}|\\^')
_TRAILING = frozenset(".,;:!?'()[]*")


class UrlDensityParams(Params):
    """Limits; None switches a rule off."""

    max_url_chars: float | None = Field(0.2, ge=0, le=1, description="share of characters in URLs (NeMo Curator: .2)")
    max_urls_per_100_words: float | None = Field(None, ge=0, description="URLs over words, times 100; off")


class UrlDensity:
    """A URL starts with http, https, ftp or www. and goes on to white space, a quote, a bracket < > or a Han sign."""

    name: ClassVar[str] = "url_density"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "NVIDIA-NeMo/Curator (share of .2)"
    Params: ClassVar[type[Params]] = UrlDensityParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("urls", "URLs in the text"),
        Signal("url_char_ratio", "characters of URLs over characters"),
        Signal("urls_per_100_words", "URLs over words, times 100; pieces of URLs are words too"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "The full report (see https://a.example/r.) was read by all members of the committee in spring, they say.",
            signals={"urls": 1.0, "url_char_ratio": 19 / 104},
            reasons=(),
        ),
        Example("Links: http://a.example HTTPS://b.example", signals={"urls": 2.0}, reasons=("url_chars",)),
        Example("www.a.example and", params={"max_urls_per_100_words": 10}, reasons=("url_chars", "urls")),
    )

    def __init__(self, params: UrlDensityParams) -> None:
        """Take the limits."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """URLs of every text and their characters."""
        characters = batch.characters
        urls, chars = _urls(characters.codes, characters.flags, characters.offsets, _PREFIXES, _ENDS, _TRAILS)
        return {
            "urls": urls.astype(np.float64),
            "url_char_ratio": ratio(chars, batch.lengths),
            "urls_per_100_words": ratio(100 * urls, word_counts(batch).lexical),
        }

    def rules(self) -> tuple[Rule, ...]:
        """Not too many characters, not too many URLs."""
        return (
            Rule(reason="url_chars", signal="url_char_ratio", maximum=self.params.max_url_chars),
            Rule(reason="urls", signal="urls_per_100_words", maximum=self.params.max_urls_per_100_words),
        )


def _table(characters: frozenset[str]) -> npt.NDArray[np.bool_]:
    return np.array([chr(code) in characters for code in range(128)])


_PREFIXES = np.array([[ord(c) for c in start.ljust(8, "\0")] for start in _STARTS], dtype=np.uint32)
_ENDS, _TRAILS = _table(_BREAKS), _table(_TRAILING)


@kernel
def _prefix_at(codes: Codes, i: int, end: int, prefixes: npt.NDArray[np.uint32]) -> int:
    """Length of the prefix of a URL that stands at i, 0 if none does."""
    for row in range(len(prefixes)):
        k = 0
        while k < 8 and prefixes[row, k] != 0 and i + k < end:
            code = codes[i + k]
            code = code + 32 if code >= 65 and code <= 90 else code
            if code != prefixes[row, k]:
                break
            k += 1
        if k == 8 or prefixes[row, k] == 0:
            return k
    return 0


@kernel
def _ends_url(code: int, flag: int, breaks: npt.NDArray[np.bool_]) -> bool:
    if code < 128:
        return code < 32 or breaks[code] or (flag & SPACE) != 0
    wide = (code >= 0x3000 and code < 0x3040) or (code >= 0xFF00 and code < 0xFFF0)
    return wide or (flag & (SPACE | IDEOGRAPH)) != 0


@kernel
def _urls(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, offsets: Offsets, prefixes: npt.NDArray[np.uint32],
    breaks: npt.NDArray[np.bool_], trailing: npt.NDArray[np.bool_],
) -> tuple[Counts, Counts]:  # fmt: skip
    rows = len(offsets) - 1
    urls = np.zeros(rows, dtype=np.int64)
    chars = np.zeros(rows, dtype=np.int64)
    for row in range(rows):
        end = offsets[row + 1]
        i = offsets[row]
        while i < end:
            # The first letters of the prefixes: f, h, w.
            if (codes[i] | 32) not in (0x66, 0x68, 0x77) or (
                i > offsets[row] and (flags[i - 1] & (LETTER | NUMBER)) != 0 and (flags[i - 1] & IDEOGRAPH) == 0
            ):
                i += 1
                continue
            length = _prefix_at(codes, i, end, prefixes)
            stop = i + length
            while length > 0 and stop < end and not _ends_url(codes[stop], flags[stop], breaks):
                stop += 1
            while stop > i + length and codes[stop - 1] < 128 and trailing[codes[stop - 1]]:
                stop -= 1
            if length > 0 and stop > i + length:
                urls[row] += 1
                chars[row] += stop - i
                i = stop
            else:
                i += 1
    return urls, chars
