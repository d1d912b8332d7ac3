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

# Hashes are polynomials in BASE modulo 2^64, so that hashes of joined words follow from the words'. Only their high
# bits are well mixed, and those only after a multiplication: who needs few bits takes them by `spread`.
BASE = 0x9E6C63D0876A3F6B
_GOLDEN = 0x9E3779B97F4A7C15

Hashes = npt.NDArray[np.uint64]
Traits = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Words:
    """Tokens of all texts in one row; text i owns `offsets[i]:offsets[i + 1]`.

    `starts` (positions in `Characters.codes`), `lengths` in characters, `hashes` (equal words have equal hashes;
    case counts), `traits` of ALPHABETIC and LEXICAL.
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
        value = (value * BASE + ord(character) + 1) % (1 << 64)
    return value


@kernel
def _joins(code: int, before: int, after: int) -> bool:
    if (after & (LETTER | NUMBER | MARK)) == 0 or (after & IDEOGRAPH) != 0:
        return False
    if code == 0x2C:
        return (before & NUMBER) != 0 and (after & NUMBER) != 0
    return code in (0x27, 0x2019, 0x2D, 0x2010, 0x2011, 0x2E, 0x5F, 0xB7)


@kernel
def hash_codes(codes: Codes, start: int, stop: int) -> np.uint64:
    """The hash of the characters of a word: what `hash_of` says, for kernels."""
    value = np.uint64(0)
    for k in range(np.uint64(start), np.uint64(stop)):
        value = value * np.uint64(BASE) + np.uint64(codes[k]) + np.uint64(1)
    return value


@kernel
def spread(value: np.uint64, bits: int) -> np.uint64:
    """So many well mixed bits of a hash, at most 32: a slot in a table of 2 ** bits."""
    value ^= value >> np.uint64(32)
    return (value * np.uint64(_GOLDEN)) >> np.uint64(64 - bits)


@kernel
def _run_end(codes: Codes, flags: Flags, start: np.uint64, end: np.uint64) -> np.uint64:
    """End of a token of rule 2 that was followed up to `start`, a character that is no letter, number or mark."""
    one = np.uint64(1)
    i = start
    while i + one < end:
        kind = flags[i]
        if kind & (LETTER | NUMBER | MARK):
            if kind & IDEOGRAPH:
                return i
            i += one
        elif _joins(codes[i], flags[i - one], flags[i + one]) or (
            (kind & IGNORED) != 0 and (flags[i + one] & (LETTER | NUMBER | MARK)) != 0
        ):
            if flags[i + one] & IDEOGRAPH:
                return i
            i += np.uint64(2)
        else:
            return i
    # The last character has none after it that it could join to.
    return end if i >= end or ((flags[i] & (LETTER | NUMBER | MARK)) != 0 and (flags[i] & IDEOGRAPH) == 0) else i


@kernel
def _split(  # noqa: C901 - three kinds of tokens in one scan
    codes: Codes, flags: Flags, offsets: Offsets
) -> tuple[Positions, Positions, Hashes, Traits, Offsets]:
    # Unsigned positions: a signed one is tested for being negative at each access.
    starts = np.empty(len(codes), dtype=np.int32)
    lengths = np.empty(len(codes), dtype=np.int32)
    hashes = np.empty(len(codes), dtype=np.uint64)
    traits = np.empty(len(codes), dtype=np.uint8)
    word_offsets = np.zeros(len(offsets), dtype=np.int64)
    base = np.uint64(BASE)
    one = np.uint64(1)
    count = np.uint64(0)
    for row in range(len(offsets) - 1):
        i = np.uint64(offsets[row])
        end = np.uint64(offsets[row + 1])
        while i < end:
            seen = flags[i]
            if seen & (SPACE | IGNORED):
                i += one
                continue
            start = i
            value = np.uint64(codes[i]) + one
            i += one
            if (seen & IDEOGRAPH) == 0 and (seen & (LETTER | NUMBER | MARK)) != 0:
                # Most words end here: a plain run.
                while i < end and (flags[i] & (LETTER | NUMBER | MARK)) != 0 and (flags[i] & IDEOGRAPH) == 0:
                    seen |= flags[i]
                    value = value * base + np.uint64(codes[i]) + one
                    i += one
                if i < end and (flags[i] & (SPACE | IDEOGRAPH)) == 0:
                    stop = _run_end(codes, flags, i, end)
                    while i < stop:
                        seen |= flags[i]
                        value = value * base + np.uint64(codes[i]) + one
                        i += one
            elif seen & IDEOGRAPH:
                while i < end and (flags[i] & MARK) != 0:
                    seen |= flags[i]
                    value = value * base + np.uint64(codes[i]) + one
                    i += one
            elif codes[start] in (0x2E, 0x2D, 0x3D, 0x2A, 0x5F, 0x7E):
                while i < end and codes[i] == codes[start]:
                    value = value * base + np.uint64(codes[i]) + one
                    i += one
            starts[count] = start
            lengths[count] = i - start
            hashes[count] = value
            traits[count] = ((seen & LETTER) != 0) * ALPHABETIC + ((seen & (LETTER | NUMBER | MARK)) != 0) * LEXICAL
            count += one
        word_offsets[row + 1] = count
    return starts[:count], lengths[:count], hashes[:count], traits[:count], word_offsets
