"""Words of scripts that put no space between them: Han, kana, Thai, Lao, Khmer and Burmese by ICU's dictionaries.

`segment` corrects the tokens of `words.py` where such a script stands and leaves every other token as it is: a mixed
text is treated run by run. ICU has no dictionary for Tibetan: its words are syllables, and the mark between two
syllables separates as a space does. The order of batches and neighbours has no influence: runs are cut one by one.
"""

from functools import lru_cache
from operator import itemgetter
from typing import Final

import icu4py
import numpy as np
import numpy.typing as npt
from icu4py.breakers import WordBreaker

from spark_jobs.text.characters import (
    IDEOGRAPH,
    IGNORED,
    LETTER,
    MARK,
    NUMBER,
    Characters,
    Codes,
    Flags,
    Offsets,
    flag_table,
)
from spark_jobs.text.native import kernel
from spark_jobs.text.words import (
    ALPHABETIC,
    LEXICAL,
    Hashes,
    Positions,
    Traits,
    Words,
    hash_codes,
)

ICU: Final = "icu"
CHARACTERS: Final = "characters"

# Letters and marks of these blocks are cut by a dictionary: Thai, Lao, Myanmar with its extensions, Khmer.
_DICTIONARY_BLOCKS: Final = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))
_FIRST = 0x0E00
_SYLLABLE_MARKS = (0x0F0B, 0x0F0C)
_ZERO_WIDTH_SPACE = 0x200B
_LEXICAL = LETTER | NUMBER | MARK
_NOT_YET = 255  # traits of a token whose hash and traits are not known yet

# What is known of a position: in a run that ICU cuts; a word begins here.
_MEMBER = 1
_CUT = 2

Notes = npt.NDArray[np.uint8]
Longs = npt.NDArray[np.int64]
Marked = npt.NDArray[np.bool_]


def segmenter() -> dict[str, str]:
    """What cuts the words, for fingerprints: the rules and dictionaries come with ICU's version."""
    return {"icu": str(icu4py.icu_version)}


def segment(characters: Characters, words: Words) -> Words:
    """The same tokens, with those of scripts without spaces cut at the words that ICU finds in each run."""
    concerned = _concerned(characters.codes, characters.offsets, _in_dictionary())
    if not concerned.any():
        return words
    notes, codes, places = _runs(characters.codes, characters.flags, characters.offsets, concerned, _in_dictionary())
    _note_cuts(notes, codes, places)
    return Words(
        *_recut(
            characters.codes,
            characters.flags,
            notes,
            concerned,
            (words.starts, words.lengths, words.hashes, words.traits, words.offsets),
            int((notes & _CUT).astype(bool).sum()),
        )
    )


@lru_cache(maxsize=1)
def _in_dictionary() -> Marked:
    """By code point: is it a letter or mark of a script that ICU cuts by dictionary."""
    flags = flag_table()
    table: Marked = (flags & IDEOGRAPH) != 0
    for first, last in _DICTIONARY_BLOCKS:
        table[first : last + 1] = (flags[first : last + 1] & (LETTER | MARK)) != 0
    return table


def _note_cuts(notes: Notes, codes: Codes, places: Longs) -> None:
    """Mark in `notes` where words begin. `codes` are all runs with a line feed after each, `places` their positions."""
    if not len(codes):
        return
    text = codes.astype("<u4").tobytes().decode("utf-32-le")
    starts = np.fromiter(map(itemgetter(0), WordBreaker(text, "en").segments()), np.int64)
    # ICU counts in UTF-16 units; a code point beyond the first plane is two.
    wide = codes > 0xFFFF
    if wide.any():
        starts = np.searchsorted(np.cumsum(1 + wide.astype(np.int64)) - (1 + wide.astype(np.int64)), starts)
    found = places[starts]
    notes[found[found >= 0]] |= _CUT


@kernel
def _concerned(codes: Codes, offsets: Offsets, table: Marked) -> Marked:
    """By text: does a run or a mark between syllables stand in it. Most texts end at the first test, a fast one."""
    found = np.zeros(len(offsets) - 1, np.bool_)
    for row in range(len(found)):
        text = codes[offsets[row] : offsets[row + 1]]
        highest = np.uint32(0)
        for code in text:
            highest = max(highest, code)
        if highest < _FIRST:
            continue
        for code in text:
            if code >= _FIRST and (table[code] or code in _SYLLABLE_MARKS):
                found[row] = True
                break
    return found


@kernel
def _runs(codes: Codes, flags: Flags, offsets: Offsets, concerned: Marked, table: Marked) -> tuple[Notes, Codes, Longs]:
    """Marks of the positions in the texts concerned, and their runs with a line feed after each."""
    total = 0
    for row in range(len(concerned)):
        if concerned[row]:
            total += offsets[row + 1] - offsets[row]
    notes = np.zeros(len(codes), np.uint8)
    out = np.empty(2 * total, np.uint32)
    places = np.empty(2 * total, np.int64)
    count = 0
    for row in range(len(concerned)):
        end = offsets[row + 1] if concerned[row] else offsets[row]
        i = offsets[row]
        while i < end:
            if codes[i] < _FIRST or not table[codes[i]] or (flags[i] & MARK) != 0:
                i += 1
                continue
            notes[i] = _CUT
            while i < end:
                if table[codes[i]] or (flags[i] & MARK) != 0:
                    notes[i] |= _MEMBER
                    out[count] = codes[i]
                    places[count] = i if (flags[i] & MARK) == 0 else -1  # no word begins with a mark
                    count += 1
                elif (
                    (flags[i] & IGNORED) != 0
                    and codes[i] != _ZERO_WIDTH_SPACE
                    and i + 1 < end
                    and (table[codes[i + 1]] or (flags[i + 1] & MARK) != 0)
                ):
                    notes[i] |= _MEMBER
                else:
                    break
                i += 1
            out[count] = 0x0A
            places[count] = -1
            count += 1
    return notes, out[:count].copy(), places[:count].copy()


@kernel
def _kind(flags: Flags, notes: Notes, k: int, start: int, end: int) -> int:
    """1 in a run, 2 for a joining sign beside one ("-" between two words), else 0."""
    if notes[k] & _MEMBER:
        return 1
    if flags[k] & _LEXICAL:
        return 0
    beside = (k > start and (notes[k - 1] & _MEMBER) != 0) or (k + 1 < end and (notes[k + 1] & _MEMBER) != 0)
    return 2 if beside else 0


@kernel
def _recut(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one scan that copies, splits and joins
    codes: Codes,
    flags: Flags,
    notes: Notes,
    concerned: Marked,
    tokens: tuple[Positions, Positions, Hashes, Traits, Offsets],
    cuts: int,
) -> tuple[Positions, Positions, Hashes, Traits, Offsets]:
    old_starts, old_lengths, old_hashes, old_traits, old_offsets = tokens
    room = 4 * cuts + len(old_starts) + 1
    starts = np.empty(room, np.int32)
    lengths = np.empty(room, np.int32)
    hashes = np.empty(room, np.uint64)
    traits = np.empty(room, np.uint8)
    offsets = np.zeros(len(old_offsets), np.int64)
    count = 0
    for row in range(len(old_offsets) - 1):
        begin = count
        if not concerned[row]:
            first = old_offsets[row]
            last = old_offsets[row + 1]
            count += last - first
            starts[begin:count] = old_starts[first:last]
            lengths[begin:count] = old_lengths[first:last]
            hashes[begin:count] = old_hashes[first:last]
            traits[begin:count] = old_traits[first:last]
            offsets[row + 1] = count
            continue
        for token in range(old_offsets[row], old_offsets[row + 1]):
            start = int(old_starts[token])
            end = start + int(old_lengths[token])
            touched = False
            for k in range(start, end):
                touched = touched or (notes[k] & _MEMBER) != 0
            if not touched:
                if end == start + 1 and codes[start] in _SYLLABLE_MARKS:
                    continue
                starts[count] = start
                lengths[count] = end - start
                hashes[count] = old_hashes[token]
                traits[count] = old_traits[token]
                count += 1
                continue
            at = start
            while at < end:
                kind = _kind(flags, notes, at, start, end)
                stop = at + 1
                while stop < end and (notes[stop] & _CUT) == 0 and _kind(flags, notes, stop, start, end) == kind:
                    stop += 1
                last = stop
                while last > at + 1 and kind == 1 and (flags[last - 1] & IGNORED) != 0:
                    last -= 1
                if kind == 1 and (notes[at] & _CUT) == 0 and count > begin:
                    # A run begins with a cut, so what was written last is of the same run.
                    lengths[count - 1] = last - starts[count - 1]
                elif kind != 2 or (flags[at] & IGNORED) == 0:
                    starts[count] = at
                    lengths[count] = last - at
                    traits[count] = _NOT_YET
                    count += 1
                at = stop
        offsets[row + 1] = count
    for i in range(count):
        if traits[i] == _NOT_YET:
            hashes[i], traits[i] = _describe(codes, flags, starts[i], starts[i] + lengths[i])
    return starts[:count], lengths[:count], hashes[:count], traits[:count], offsets


@kernel
def _describe(codes: Codes, flags: Flags, start: int, end: int) -> tuple[np.uint64, np.uint8]:
    """Hash and traits of a token, as `words.split_words` gives them."""
    seen = 0
    for k in range(start, end):
        seen |= flags[k]
    traits = ((seen & LETTER) != 0) * ALPHABETIC + ((seen & _LEXICAL) != 0) * LEXICAL
    return hash_codes(codes, start, end), np.uint8(traits)
