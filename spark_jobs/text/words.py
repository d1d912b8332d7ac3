"""Words of a batch: where each token lies, what it holds, and its hash. No Python object per word.

The rule, in order, at each position (white space, controls and format characters separate or are skipped):
1. a Han or kana sign with the marks that follow it is a word;
2. a run of letters, numbers and marks is a word; an apostrophe, hyphen, full stop, underscore or middle dot between
   two of them belongs to it, a comma between two digits too ("don't", "well-known", "3.14", "1,000", "os.path");
3. anything else is a punctuation token of one character; a run of one of `. - = * _ ~` is one token ("...", "----").
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import (
    IDEOGRAPH,
    IGNORED,
    LETTER,
    MARK,
    NUMBER,
    SPACE,
    Characters,
    Codes,
    Flags,
    Offsets,
)
from spark_jobs.text.native import kernel

ALPHABETIC = 1  # a letter is in it
LEXICAL = 2  # a letter, number or mark is in it: not a punctuation token

# Hashes are polynomials modulo the Mersenne prime 2^61 - 1, so that hashes of joined words follow from the words'.
PRIME = (1 << 61) - 1
BASE = 0x2B6A5C4D
_LOW_30 = (1 << 30) - 1

Hashes = npt.NDArray[np.uint64]
Traits = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Words:
    """Tokens of all texts in one row; text i owns `offsets[i]:offsets[i + 1]`.

    `starts` (positions in `Characters.codes`), `lengths` in characters, `hashes` below 2^61 - 1 (equal words have
    equal hashes; case counts), `traits` of ALPHABETIC and LEXICAL.
    """

    starts: Positions
    lengths: Positions
    hashes: Hashes
    traits: Traits
    offsets: Offsets


def split_words(characters: Characters) -> Words:
    """Tokens of every text, by the rule of the module.

    Scripts without spaces other than Han and kana (Thai, Lao, Khmer, Burmese) are cut at spaces only:
    `segmentation.segment` cuts and joins the tokens of all scripts without spaces as their words are.
    """
    return Words(*_split(characters.codes, characters.flags, characters.offsets))


def hash_of(word: str) -> int:
    """The hash that `split_words` gives to this token."""
    value = 0
    for character in word:
        value = (value * BASE + ord(character) + 1) % PRIME
    return value


@kernel
def _joins(code: int, before: int, after: int) -> bool:
    if (after & (LETTER | NUMBER | MARK)) == 0 or (after & IDEOGRAPH) != 0:
        return False
    if code == 0x2C:
        return (before & NUMBER) != 0 and (after & NUMBER) != 0
    return code in (0x27, 0x2019, 0x2D, 0x2010, 0x2011, 0x2E, 0x5F, 0xB7)


@kernel
def _word_end(  # noqa: C901 - three kinds of tokens in one scan
    codes: Codes, flags: Flags, start: int, end: int
) -> int:
    """End of the token that starts at `start`, which is neither space nor ignored."""
    first = flags[start]
    i = start + 1
    if first & IDEOGRAPH:
        while i < end and (flags[i] & MARK) != 0:
            i += 1
        return i
    if first & (LETTER | NUMBER | MARK):
        while i < end:
            kind = flags[i]
            if kind & (LETTER | NUMBER | MARK):
                if kind & IDEOGRAPH:
                    return i
                i += 1
            elif i + 1 < end and (
                _joins(codes[i], flags[i - 1], flags[i + 1])
                or ((kind & IGNORED) != 0 and (flags[i + 1] & (LETTER | NUMBER | MARK)) != 0)
            ):
                if flags[i + 1] & IDEOGRAPH:
                    return i
                i += 2
            else:
                return i
        return i
    code = codes[start]
    if code in (0x2E, 0x2D, 0x3D, 0x2A, 0x5F, 0x7E):
        while i < end and codes[i] == code:
            i += 1
    return i


@kernel
def _split(codes: Codes, flags: Flags, offsets: Offsets) -> tuple[Positions, Positions, Hashes, Traits, Offsets]:
    starts = np.empty(len(codes), dtype=np.int32)
    lengths = np.empty(len(codes), dtype=np.int32)
    hashes = np.empty(len(codes), dtype=np.uint64)
    traits = np.empty(len(codes), dtype=np.uint8)
    word_offsets = np.zeros(len(offsets), dtype=np.int64)
    base = np.uint64(BASE)
    prime = np.uint64(PRIME)
    count = 0
    for row in range(len(offsets) - 1):
        i = offsets[row]
        end = offsets[row + 1]
        while i < end:
            if flags[i] & (SPACE | IGNORED):
                i += 1
                continue
            stop = _word_end(codes, flags, i, end)
            value = np.uint64(0)
            seen = 0
            for k in range(i, stop):
                seen |= flags[k]
                # value * BASE modulo 2^61 - 1 with a 30-bit BASE: the high part is a rotation.
                high = (value >> np.uint64(30)) * base
                high = ((high << np.uint64(30)) & prime) + (high >> np.uint64(31))
                value = high + (value & np.uint64(_LOW_30)) * base + np.uint64(codes[k]) + np.uint64(1)
                value = (value & prime) + (value >> np.uint64(61))
                value = value - prime if value >= prime else value
            starts[count] = i
            lengths[count] = stop - i
            hashes[count] = value
            traits[count] = ((seen & LETTER) != 0) * ALPHABETIC + ((seen & (LETTER | NUMBER | MARK)) != 0) * LEXICAL
            count += 1
            i = stop
        word_offsets[row + 1] = count
    return (
        starts[:count].copy(),
        lengths[:count].copy(),
        hashes[:count].copy(),
        traits[:count].copy(),
        word_offsets,
    )
