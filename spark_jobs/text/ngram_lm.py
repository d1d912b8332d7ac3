"""A small word n-gram language model with interpolated Kneser-Ney smoothing, in arrays.

It stands in for a neural model in the acceptance gate of a scorer: train on one corpus or another, compare what a
held-out target costs. Meant for up to a few million words on one core; it is no scorer and is never stored.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_WORD = re.compile(r"\w+|[^\w\s]")
_BEGIN = 0  # padding before the first word of a document; never predicted
_FALLBACK_DISCOUNT = 0.5  # where the counts of counts say nothing


def words(text: str) -> list[str]:
    """Lower-case runs of word characters, and each other visible character by itself."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Closed vocabulary: every model of one comparison must share it, else perplexities cannot be compared."""

    ids: dict[str, int]

    @classmethod
    def of(cls, documents: Sequence[Sequence[str]]) -> "Vocabulary":
        """All words of the documents, in order of first use. Id 0 is kept for the begin mark."""
        return cls({word: i for i, word in enumerate(dict.fromkeys(w for d in documents for w in d), start=1)})

    def encode(self, document: Sequence[str]) -> Ids:
        """Ids of the words. Raises KeyError for a word that is not in the vocabulary."""
        return np.fromiter((self.ids[word] for word in document), dtype=np.int64, count=len(document))


@dataclass(frozen=True)
class _Order:
    """Counts of one order: of n-grams by hash, and of their contexts by hash (total and number of types)."""

    grams: Hashes
    counts: Floats
    contexts: Hashes
    totals: Floats
    types: Floats
    discount: float


class NgramLM:
    """Interpolated Kneser-Ney with one absolute discount an order, n1 / (n1 + 2 n2) (Ney, Essen and Kneser 1994).

    n-grams are told apart by 64-bit hashes; at a few million n-grams a collision is not to be expected.
    """

    def __init__(self, documents: Sequence[Ids], *, order: int, vocabulary: int) -> None:
        """`documents` are word ids (see Vocabulary), `vocabulary` the number of words that can be predicted."""
        if order < 1:
            raise ValueError(f"order {order}: an n-gram model needs an order of at least 1")
        self._order, self._size = order, vocabulary
        hashes, real = _windows(documents, order)
        self._orders = [_count(hashes, real, n, top=n == order) for n in range(1, order + 1)]

    def log2_probabilities(self, document: Ids) -> Floats:
        """Log base 2 of the probability of each word of the document after those before it."""
        hashes, real = _windows([document], self._order)
        probability = np.full(int(real.sum()), 1.0 / self._size)
        for n, order in enumerate(self._orders, start=1):
            grams = hashes[n][real]
            contexts = _contexts(hashes, n)[real]
            probability = _interpolate(order, grams, contexts, probability)
        bits: Floats = np.log2(probability)
        return bits


def _interpolate(order: _Order, grams: Hashes, contexts: Hashes, lower: Floats) -> Floats:
    count = _look_up(order.grams, order.counts, grams)
    total = _look_up(order.contexts, order.totals, contexts)
    types = _look_up(order.contexts, order.types, contexts)
    seen = total > 0
    divisor = np.where(seen, total, 1.0)
    here = np.maximum(count - order.discount, 0.0) / divisor
    rest = order.discount * types / divisor
    return np.where(seen, here + rest * lower, lower)


def _windows(documents: Sequence[Ids], order: int) -> tuple[list[Hashes], npt.NDArray[np.bool_]]:
    """Hash of the n words that end at each position, for n = 0..order, and which positions are words."""
    pad = np.full(max(order - 1, 1), _BEGIN, dtype=np.int64)
    row = np.concatenate([part for document in documents for part in (pad, document)] or [pad])
    real = row != _BEGIN
    mixed = _mix(row.astype(np.uint64) + np.uint64(1))
    hashes = [np.zeros(len(row), dtype=np.uint64)]
    for n in range(1, order + 1):
        shifted = np.zeros_like(mixed)
        shifted[n - 1 :] = mixed[: len(mixed) - n + 1]
        hashes.append(_mix(hashes[-1] * np.uint64(0x9E3779B97F4A7C15) + shifted + np.uint64(n)))
    return hashes, real


def _contexts(hashes: Sequence[Hashes], n: int) -> Hashes:
    """Hash of the n - 1 words before each position; the first position has none."""
    before = np.zeros_like(hashes[0])
    before[1:] = hashes[n - 1][:-1]
    return before


def _mix(values: Hashes) -> Hashes:
    # The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _count(hashes: Sequence[Hashes], real: npt.NDArray[np.bool_], n: int, *, top: bool) -> _Order:
    if top:
        grams, at, counts = np.unique(hashes[n][real], return_index=True, return_counts=True)
    else:
        # Below the top a word counts by how many different words come before it, not by how often it occurs.
        _, first = np.unique(hashes[n + 1][real], return_index=True)
        grams, where, counts = np.unique(hashes[n][real][first], return_index=True, return_counts=True)
        at = first[where]
    of_gram = _contexts(hashes, n)[real][at]
    contexts, index = np.unique(of_gram, return_inverse=True)
    totals = np.bincount(index, weights=counts, minlength=len(contexts)).astype(np.float64)
    types = np.bincount(index, minlength=len(contexts))
    ones, twos = int((counts == 1).sum()), int((counts == 2).sum())
    discount = ones / (ones + 2 * twos) if ones and twos else _FALLBACK_DISCOUNT
    return _Order(grams, counts.astype(np.float64), contexts, totals, types.astype(np.float64), discount)


def _look_up(keys: Hashes, values: Floats, wanted: Hashes) -> Floats:
    if not len(keys):
        return np.zeros(len(wanted))
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: Floats = np.where(keys[at] == wanted, values[at], 0.0)
    return found
