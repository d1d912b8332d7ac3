"""Counting the tokens of a byte-pair encoding with Tekken's way to cut a text, on code points, without making tokens.

Counts are exactly those of tiktoken for the same file: ranks are compared byte by byte where hashes agree. What this
cannot answer for sure (a very long piece, a character newer than the interpreter's Unicode data) it says: UNSURE.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text.bpe_pieces import LINE_BREAK, LOWER, MARK, NUMBER, OTHER_LETTER, SPACE, UNKNOWN, UPPER, piece_end
from spark_jobs.text.characters import Characters, Codes, Offsets
from spark_jobs.text.native import kernel
from spark_jobs.text.words import BASE

# The way to cut that `piece_end` knows; a file with another one is left to its library.
TEKKEN_PATTERN: Final = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UNSURE: Final = -1
_LONGEST = 256  # bytes of a piece; merging is quadratic in it
_NONE = np.iinfo(np.int32).max

Classes = npt.NDArray[np.uint8]
Bytes = npt.NDArray[np.uint8]
Ranks = npt.NDArray[np.int32]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Tokens by hash, in open addressing: `ranks[slot]` is the token there or -1; token r is `data[starts[r]:...]`.

    `pairs` has the rank of each token of two bytes, 256 * first + second.
    """

    hashes: Hashes
    ranks: Ranks
    pairs: Ranks
    data: Bytes
    starts: Offsets

    @classmethod
    def of(cls, ranks: Mapping[bytes, int]) -> "Vocabulary":
        """From the bytes of each token and its rank; ranks are 0, 1, 2, ... in any order."""
        tokens = sorted(ranks, key=ranks.__getitem__)
        starts = np.zeros(len(tokens) + 1, dtype=np.int64)
        np.cumsum([len(token) for token in tokens], out=starts[1:])
        data = np.frombuffer(b"".join(tokens), dtype=np.uint8)
        pairs = np.full(1 << 16, _NONE, dtype=np.int32)
        for token, rank in ranks.items():
            if len(token) == 2:
                pairs[256 * token[0] + token[1]] = rank
        return cls(*_table(data, starts), pairs, data, starts)


@lru_cache(maxsize=1)
def classes() -> Classes:
    """What the pattern asks of a code point, for every one."""
    table = np.zeros(0x110000, dtype=np.uint8)
    kinds = {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Lm": OTHER_LETTER, "Lo": OTHER_LETTER, "Cn": UNKNOWN}
    for code in range(len(table)):
        category = unicodedata.category(chr(code))
        table[code] = kinds.get(category) or {"M": MARK, "N": NUMBER}.get(category[0], 0)
    # Unicode's White_Space; str.isspace has the separators of ASCII too.
    for code in (*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F):
        table[code] = SPACE
    table[0x3000] = SPACE
    table[[0x0A, 0x0D]] = SPACE | LINE_BREAK
    table.flags.writeable = False
    return table


def count_pieces(characters: Characters, vocabulary: Vocabulary) -> npt.NDArray[np.int64]:
    """Tokens of every text, UNSURE where the library must count."""
    counted: npt.NDArray[np.int64] = _count(
        characters.codes,
        characters.offsets,
        classes(),
        vocabulary.hashes,
        vocabulary.ranks,
        vocabulary.pairs,
        vocabulary.data,
        vocabulary.starts,
    )
    return counted


@kernel
def slot_of(value: np.uint64) -> np.uint64:
    """Mixed bits of a hash, the lowest of which number a slot."""
    return (value * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)


@kernel
def _table(data: Bytes, starts: Offsets) -> tuple[Hashes, Ranks]:
    count = len(starts) - 1
    bits = 6
    while (1 << bits) < 2 * count:
        bits += 1
    hashes = np.zeros(1 << bits, dtype=np.uint64)
    ranks = np.full(1 << bits, -1, dtype=np.int32)
    for rank in range(count):
        value = np.uint64(0)
        for i in range(starts[rank], starts[rank + 1]):
            value = value * np.uint64(BASE) + np.uint64(data[i]) + np.uint64(1)
        slot = np.int64(slot_of(value) & np.uint64(len(ranks) - 1))
        while ranks[slot] >= 0:
            slot = (slot + 1) & (len(ranks) - 1)
        hashes[slot] = value
        ranks[slot] = rank
    return hashes, ranks


@kernel
def _rank(  # noqa: PLR0917 - numba takes no keywords
    value: np.uint64, piece: Bytes, begin: int, end: int, hashes: Hashes, ranks: Ranks, data: Bytes, starts: Offsets
) -> int:
    """Rank of a stretch of the piece whose hash is given; _NONE where it is no token."""
    mask = np.uint64(len(hashes) - 1)
    slot = slot_of(value) & mask
    size = end - begin
    while ranks[slot] >= 0:
        if hashes[slot] == value:
            first = starts[ranks[slot]]
            if starts[ranks[slot] + 1] - first == size:
                k = 0
                while k < size and data[first + k] == piece[begin + k]:
                    k += 1
                if k == size:
                    return ranks[slot]  # type: ignore[no-any-return] # an integer to numba
        slot = (slot + np.uint64(1)) & mask
    return _NONE


@kernel
def _merged(  # noqa: PLR0917 - numba takes no keywords
    piece: Bytes,
    size: int,
    prefix: Hashes,
    powers: Hashes,
    parts: Ranks,
    joins: Ranks,
    hashes: Hashes,
    ranks: Ranks,
    pairs: Ranks,
    data: Bytes,
    starts: Offsets,
) -> int:
    """Tokens of a piece: of all neighbours the pair of the lowest rank is joined, the leftmost first, until none is."""
    for k in range(size + 1):
        parts[k] = k
    for k in range(size - 1):
        joins[k] = pairs[256 * np.int64(piece[k]) + np.int64(piece[k + 1])]
    count = size
    while count > 1:
        lowest = 0
        for k in range(1, count - 1):
            if joins[k] < joins[lowest]:
                lowest = k
        if joins[lowest] == _NONE:
            break
        count -= 1
        for k in range(lowest + 1, count):
            parts[k] = parts[k + 1]
            joins[k] = joins[k + 1]
        parts[count] = size
        for k in range(max(lowest - 1, 0), min(lowest + 1, count - 1)):
            begin = parts[k]
            end = parts[k + 2]
            value = prefix[end] - prefix[begin] * powers[end - begin]
            joins[k] = _rank(value, piece, begin, end, hashes, ranks, data, starts)
    return count


@kernel
def _encoded(code: np.uint32, piece: Bytes, size: int) -> int:
    """Append a code point in UTF-8; the new size."""
    if code < 0x80:
        piece[size] = code
        return size + 1
    extra = 1 if code < 0x800 else (2 if code < 0x10000 else 3)
    lead = 0xC0 if extra == 1 else (0xE0 if extra == 2 else 0xF0)
    piece[size] = lead | (code >> np.uint32(6 * extra))
    for k in range(extra - 1, -1, -1):
        size += 1
        piece[size] = 0x80 | ((code >> np.uint32(6 * k)) & np.uint32(0x3F))
    return size + 1


@kernel
def _count(  # noqa: C901, PLR0917 - one scan; numba takes no keywords
    codes: Codes,
    offsets: Offsets,
    table: Classes,
    hashes: Hashes,
    ranks: Ranks,
    pairs: Ranks,
    data: Bytes,
    starts: Offsets,
) -> npt.NDArray[np.int64]:
    counts = np.zeros(len(offsets) - 1, dtype=np.int64)
    piece = np.empty(_LONGEST, dtype=np.uint8)
    prefix = np.zeros(_LONGEST + 1, dtype=np.uint64)
    parts = np.empty(_LONGEST + 1, dtype=np.int32)
    joins = np.empty(_LONGEST + 1, dtype=np.int32)
    powers = np.ones(_LONGEST + 1, dtype=np.uint64)
    for k in range(_LONGEST):
        powers[k + 1] = powers[k] * np.uint64(BASE)
    for row in range(len(counts)):
        text = codes[offsets[row] : offsets[row + 1]]
        unknown = np.uint8(0)
        for code in text:
            unknown |= table[code]
        if unknown & UNKNOWN:
            counts[row] = UNSURE
            continue
        i = 0
        while i < len(text):
            stop = piece_end(text, table, i)
            if 4 * (stop - i) > _LONGEST:
                counts[row] = UNSURE
                break
            size = 0
            for k in range(np.uint64(i), np.uint64(stop)):
                code = text[k]
                if code < 0x80:
                    piece[size] = code
                    size += 1
                else:
                    size = _encoded(code, piece, size)
            value = np.uint64(0)
            for k in range(size):
                value = value * np.uint64(BASE) + np.uint64(piece[k]) + np.uint64(1)
                prefix[k + 1] = value
            if size == 1 or _rank(prefix[size], piece, 0, size, hashes, ranks, data, starts) != _NONE:
                counts[row] += 1
            else:
                counts[row] += _merged(piece, size, prefix, powers, parts, joins, hashes, ranks, pairs, data, starts)
            i = stop
    return counts
