"""Finding benchmark items in documents: a native search for shared n-grams, then a verdict on real words.

An n-gram hash only proposes a pair (document, item); the words themselves must agree, and the rule then decides on the
longest common subsequence near the shared words. One normal form for both sides. Rules: arXiv 2412.15115 (Qwen2.5, the
subsequence), arXiv 2005.14165 (13-grams), huggingface/datatrove (one shared n-gram).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.text.native import kernel

Hashes = npt.NDArray[np.uint64]
Longs = npt.NDArray[np.int64]

_FILTER_BITS = 22  # membership filter of 4 MiB: most n-grams of a document cost one load, no search
# Scripts written without spaces: a sign is a word, or their n-grams would span pages.
_UNSPACED = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}])"


@dataclass(frozen=True)
class Rule:
    """When a document counts as contaminated by an item.

    `lcs`: a shared n-gram proposes; the longest common subsequence of words must have at least `min_words` and at least
    `min_share` of the shorter side. `ngram`: one shared n-gram decides.
    """

    kind: Literal["lcs", "ngram"] = "lcs"
    ngram: int = 8
    min_words: int = 13
    min_share: float = 0.6


@dataclass(frozen=True)
class Item:
    """One benchmark item, as normalised words."""

    benchmark: str
    item: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Match:
    """An item found in a document: the common subsequence in words, and its share of the shorter side."""

    benchmark: str
    item: str
    length: int
    share: float


def normalise(texts: pa.Array) -> pa.LargeStringArray:
    """Lower-cased words of letters, digits and marks (NFKC), one space between them."""
    plain = pc.utf8_lower(pc.utf8_normalize(texts.cast(pa.large_string()).fill_null(""), form="NFKC"))
    spaced = pc.replace_substring_regex(plain, pattern=_UNSPACED, replacement=r" \1 ")
    return pc.utf8_trim(pc.replace_substring_regex(spaced, pattern=r"[^\p{L}\p{N}\p{M}]+", replacement=" "), " ")


def items_of(benchmark: str, ids: Sequence[str], texts: Sequence[str]) -> tuple[Item, ...]:
    """Items from their texts."""
    normal = normalise(pa.array(texts, pa.large_string())).to_pylist()
    return tuple(Item(benchmark, name, tuple(text.split())) for name, text in zip(ids, normal, strict=True))


@dataclass(frozen=True, eq=False)
class BenchmarkIndex:
    """The n-grams of all checkable items: `keys` sorted; key k belongs to `owners[starts[k]:starts[k + 1]]`.

    An owner is an item and the position of the n-gram in it. Small enough to travel with a task.
    """

    rule: Rule
    items: tuple[Item, ...]
    keys: Hashes
    starts: Longs
    owners: npt.NDArray[np.int32]

    @classmethod
    def build(cls, items: Iterable[Item], rule: Rule) -> "BenchmarkIndex":
        """Index the items that are long enough to be checked under the rule."""
        listed = tuple(items)
        checkable = [number for number, item in enumerate(listed) if is_checkable(item, rule)]
        words = normalise(pa.array([" ".join(listed[number].words) for number in checkable], pa.large_string()))
        hashes, offsets = word_hashes(words)
        grams, rows, positions = _grams(hashes, offsets, rule.ngram)
        keys, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        owners = np.stack([np.asarray(checkable, np.int32)[rows], positions.astype(np.int32)], axis=1)[order]
        return cls(rule, listed, keys, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), owners)

    @property
    def not_checkable(self) -> tuple[Item, ...]:
        """Items too short for the rule: no document can be said to hold them, and none can be cleared."""
        return tuple(item for item in self.items if not is_checkable(item, self.rule))

    @cached_property
    def _filter(self) -> npt.NDArray[np.bool_]:
        found = np.zeros(1 << _FILTER_BITS, np.bool_)
        found[self.keys & np.uint64((1 << _FILTER_BITS) - 1)] = True
        return found

    def matches(self, texts: pa.Array) -> list[tuple[Match, ...]]:
        """For every text the items it holds, in the order of the items; most texts hold none."""
        found: list[tuple[Match, ...]] = [()] * len(texts)
        if not len(self.keys):
            return found
        normal = normalise(texts)
        hashes, offsets = word_hashes(normal)
        rows, positions, keys = _search(hashes, offsets, self.rule.ngram, self.keys, self._filter)
        for row in np.unique(rows):
            mine = rows == row
            words = normal[int(row)].as_py().split()
            found[int(row)] = tuple(self._judge(words, positions[mine], keys[mine]))
        return found

    def _judge(self, words: list[str], positions: Longs, keys: Longs) -> Iterator[Match]:
        size = self.rule.ngram
        shared: dict[int, list[int]] = {}
        for position, key in zip(positions.tolist(), keys.tolist(), strict=True):
            here = tuple(words[position : position + size])
            for number, at in self.owners[self.starts[key] : self.starts[key + 1]].tolist():
                if self.items[number].words[at : at + size] == here:
                    shared.setdefault(number, []).append(position)
        for number in sorted(shared):
            item = self.items[number]
            length = _nearby_subsequence(words, item.words, sorted(shared[number]), size)
            share = length / min(len(words), len(item.words))
            if self.rule.kind == "ngram" or (length >= self.rule.min_words and share >= self.rule.min_share):
                yield Match(item.benchmark, item.item, length, share)


def is_checkable(item: Item, rule: Rule) -> bool:
    """Whether the item is long enough to be found at all."""
    return len(item.words) >= (max(rule.ngram, rule.min_words) if rule.kind == "lcs" else rule.ngram)


def common_subsequence(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence; bits of one integer hold a row of the table (Hyyro 2004)."""
    masks: dict[str, int] = {}
    for place, word in enumerate(right):
        masks[word] = masks.get(word, 0) | 1 << place
    full = (1 << len(right)) - 1
    row = full
    for word in left:
        hit = row & masks.get(word, 0)
        if hit:
            row = ((row + hit) | (row - hit)) & full
    return len(right) - row.bit_count()


def _nearby_subsequence(words: list[str], item: tuple[str, ...], positions: list[int], size: int) -> int:
    """The best subsequence within one item's length of shared n-grams.

    Over the whole of a long document any item is nearly a subsequence, so distance must count.
    """
    best, first, last = 0, positions[0], positions[0]
    for position in [*positions[1:], None]:
        if position is not None and position - last <= len(item):
            last = position
            continue
        window = words[max(0, first - len(item)) : last + size + len(item)]
        best = max(best, common_subsequence(window, item))
        if position is not None:
            first = last = position
    return best


def word_hashes(normal: pa.LargeStringArray) -> tuple[Hashes, Longs]:
    """64-bit hashes of the words of normalised texts, and where each text's words begin."""
    buffers = normal.buffers()
    bounds = np.frombuffer(buffers[1], np.int64)[normal.offset : normal.offset + len(normal) + 1]
    data = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.zeros(0, np.uint8)
    hashes, offsets = _words(data, bounds)
    return hashes, offsets


@kernel
def _words(data: npt.NDArray[np.uint8], bounds: Longs) -> tuple[Hashes, Longs]:
    total = 0
    for row in range(len(bounds) - 1):
        for at in range(bounds[row], bounds[row + 1]):
            if data[at] != 32 and (at == bounds[row] or data[at - 1] == 32):
                total += 1
    hashes = np.empty(total, np.uint64)
    offsets = np.zeros(len(bounds), np.int64)
    count = 0
    for row in range(len(bounds) - 1):
        value = np.uint64(0)
        inside = False
        for at in range(bounds[row], bounds[row + 1]):
            if data[at] == 32:
                if inside:
                    hashes[count] = _mixed(value)
                    count += 1
                inside = False
                continue
            if not inside:
                value = np.uint64(0xCBF29CE484222325)  # FNV-1a, 64 bits
                inside = True
            value = (value ^ np.uint64(data[at])) * np.uint64(0x100000001B3)
        if inside:
            hashes[count] = _mixed(value)
            count += 1
        offsets[row + 1] = count
    return hashes, offsets


@kernel
def _mixed(value: np.uint64) -> np.uint64:
    # FNV's high bits are weak and sums of words keep that; this finalizer (MurmurHash3) spreads them.
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@kernel
def _gram(hashes: Hashes, at: int, size: int) -> np.uint64:
    value = np.uint64(0)
    for step in range(size):
        value = value * np.uint64(0x9E3779B97F4A7C15) + hashes[at + step]
    return _mixed(value)


@kernel
def _grams(hashes: Hashes, offsets: Longs, size: int) -> tuple[Hashes, Longs, Longs]:
    total = 0
    for row in range(len(offsets) - 1):
        total += max(0, offsets[row + 1] - offsets[row] - size + 1)
    grams, rows, positions = np.empty(total, np.uint64), np.empty(total, np.int64), np.empty(total, np.int64)
    count = 0
    for row in range(len(offsets) - 1):
        for at in range(offsets[row], offsets[row + 1] - size + 1):
            grams[count], rows[count], positions[count] = _gram(hashes, at, size), row, at - offsets[row]
            count += 1
    return grams, rows, positions


@kernel
def _search(
    hashes: Hashes, offsets: Longs, size: int, keys: Hashes, known: npt.NDArray[np.bool_]
) -> tuple[Longs, Longs, Longs]:
    rows, positions, found = [np.int64(0)], [np.int64(0)], [np.int64(0)]
    low = np.uint64(len(known) - 1)
    for row in range(len(offsets) - 1):
        for at in range(offsets[row], offsets[row + 1] - size + 1):
            gram = _gram(hashes, at, size)
            if not known[gram & low]:
                continue
            key = np.searchsorted(keys, gram)
            if key < len(keys) and keys[key] == gram:
                rows.append(np.int64(row))
                positions.append(np.int64(at - offsets[row]))
                found.append(np.int64(key))
    return np.array(rows[1:]), np.array(positions[1:]), np.array(found[1:])
