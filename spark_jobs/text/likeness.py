"""How a new text relates to the text it was made from: length, likeness, copying, figures, repetition.

Measures only, on one pair of texts; the bounds are the business of whoever asks. Every measure is a function of the two
strings alone: hashed n-gram counts, no model and no floats that depend on an order.
"""

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_LIST_NUMBER = re.compile(r"^\s*(?:step\s+)?\(?\d{1,3}[.):]\s", re.IGNORECASE | re.MULTILINE)
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_BUCKETS = 1 << 20


def length_ratio(new: str, old: str) -> float:
    """Characters of the new text that are not white space, over those of the old one; NaN when the old has none."""
    before = sum(map(len, old.split()))
    return sum(map(len, new.split())) / before if before else math.nan


def similarity(new: str, old: str) -> float:
    """Cosine of damped term counts (1 + ln n) over hashed character 3- to 5-grams within words, in [0, 1].

    A stand-in without a model for the sentence-embedding cosine of arXiv 2506.04689: like that one it is high when the
    subject stays and low when content is invented, but it sees words, not meaning. NaN when a text has no word.
    """
    a, b = _grams(new), _grams(old)
    if not a or not b:
        return math.nan
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    # fsum is exact before its one rounding, so the order of the terms cannot matter.
    dot = math.fsum(_damped(n) * _damped(large[gram]) for gram, n in small.items() if gram in large)
    norms = math.fsum(_damped(n) ** 2 for n in a.values()) * math.fsum(_damped(n) ** 2 for n in b.values())
    return min(1.0, dot / math.sqrt(norms))


def _damped(count: int) -> float:
    return 1.0 + math.log(count)


def _grams(text: str) -> Counter[int]:
    grams: Counter[int] = Counter()
    for word in _WORD.findall(text.casefold()):
        padded = f" {word} ".encode("utf-32-le", "surrogatepass")
        width = len(padded) // 4
        for size in (3, 4, 5):
            for start in range(max(1, width - size + 1)):
                grams[zlib.crc32(padded[4 * start : 4 * (start + size)]) % _BUCKETS] += 1
    return grams


def words(text: str) -> list[str]:
    """Lower-cased words: runs of letters, digits and underscores."""
    return _WORD.findall(text.casefold())


def copied_share(new: str, old: str, *, size: int = 8) -> float:
    """Share of the new text's word n-grams that stand in the old text; NaN for a text of fewer words than `size`."""
    grams = _ngrams(words(new), size)
    known = set(_ngrams(words(old), size))
    return sum(gram in known for gram in grams) / len(grams) if grams else math.nan


def repeated_share(text: str, *, size: int = 4) -> float:
    """Share of the text's word n-grams that occurred before in it; 0 for a text of fewer words than `size`."""
    grams = _ngrams(words(text), size)
    return 1.0 - len(set(grams)) / len(grams) if grams else 0.0


def _ngrams(tokens: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]


def known_figures_share(new: str, old: str) -> float:
    """Share of the new text's figures that the old text holds; the numbers of list items do not count. NaN without."""
    return _known(_figures(_LIST_NUMBER.sub("", _LINK.sub("", new))), set(_figures(old)))


def _figures(text: str) -> list[str]:
    return _FIGURE.findall(text)


def known_links_share(new: str, old: str) -> float:
    """Share of the new text's URLs that the old text holds; NaN when it has none."""
    return _known((_bare(link) for link in _LINK.findall(new)), {_bare(link) for link in _LINK.findall(old)})


def _bare(link: str) -> str:
    return link.casefold().rstrip(".,;:!?/").removeprefix("https://").removeprefix("http://").removeprefix("www.")


def _known(found: Iterable[str], allowed: set[str]) -> float:
    listed = list(found)
    return sum(item in allowed for item in listed) / len(listed) if listed else math.nan
