"""Lines and paragraphs of a batch: where they lie, and how many repeat an earlier one of the same text.

Three ways to cut are in use, and they give different counts: `line_spans` (str.splitlines), `newline_spans` (runs of
newlines of the raw text) and `paragraph_spans` (two or more newlines of the stripped text).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import SPACE, Characters, Codes, Flags, Offsets
from spark_jobs.text.native import kernel

Bounds = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Spans:
    """Pieces of all texts in one row, as positions in `Characters.codes`; text i owns `offsets[i]:offsets[i + 1]`."""

    starts: Bounds
    ends: Bounds
    offsets: Offsets

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Pieces per text."""
        return np.diff(self.offsets)


@dataclass(frozen=True, eq=False)
class Repeats:
    """Per text: pieces looked at, those equal to an earlier one, and the characters of these."""

    pieces: npt.NDArray[np.int64]
    repeated: npt.NDArray[np.int64]
    repeated_chars: npt.NDArray[np.int64]


def line_spans(characters: Characters) -> Spans:
    """Lines as str.splitlines gives them: all Unicode line ends, no empty piece after the last one."""
    return Spans(*_lines(characters.codes, characters.line_ends, characters.offsets))


def newline_spans(characters: Characters) -> Spans:
    r"""Pieces between runs of "\\n" of the raw text: a run at the start or the end leaves an empty piece there."""
    starts, ends = characters.offsets[:-1], characters.offsets[1:]
    return Spans(*_newline_runs(characters.codes, characters.line_ends, starts.copy(), ends.copy(), 1))


def paragraph_spans(characters: Characters) -> Spans:
    r"""Pieces between runs of two or more "\\n" of the text without white space around it."""
    starts, ends = _stripped(characters.flags, characters.offsets)
    return Spans(*_newline_runs(characters.codes, characters.line_ends, starts, ends, 2))


def repeats(characters: Characters, spans: Spans, *, skip_blank: bool = False) -> Repeats:
    """Count the second and later copies of a piece within its text, character by character the same.

    `skip_blank` leaves out pieces of white space only. Pieces are compared by a 64-bit hash and their length.
    """
    return Repeats(
        *_repeats(characters.codes, characters.flags, spans.starts, spans.ends, spans.offsets, int(skip_blank))
    )


@kernel
def _lines(codes: Codes, line_ends: Bounds, offsets: Offsets) -> tuple[Bounds, Bounds, Offsets]:
    total = len(offsets) + len(line_ends)
    starts = np.empty(total, dtype=np.int64)
    ends = np.empty(total, dtype=np.int64)
    spans = np.zeros(len(offsets), dtype=np.int64)
    count = 0
    at = 0
    for row in range(len(offsets) - 1):
        begin = offsets[row]
        end = offsets[row + 1]
        while at < len(line_ends) and line_ends[at] < end:
            stop = line_ends[at]
            at += 1
            # The line feed after a carriage return ends the line that the return has ended already.
            if codes[stop] == 10 and stop > offsets[row] and codes[stop - 1] == 13:
                begin = stop + 1
                continue
            starts[count] = begin
            ends[count] = stop
            count += 1
            begin = stop + 1
        if begin < end:
            starts[count] = begin
            ends[count] = end
            count += 1
        spans[row + 1] = count
    return starts[:count], ends[:count], spans


@kernel
def _newline_runs(
    codes: Codes, line_ends: Bounds, firsts: Bounds, lasts: Bounds, min_run: int
) -> tuple[Bounds, Bounds, Offsets]:
    total = len(firsts) + len(line_ends)
    starts = np.empty(total, dtype=np.int64)
    ends = np.empty(total, dtype=np.int64)
    spans = np.zeros(len(firsts) + 1, dtype=np.int64)
    count = 0
    at = 0
    for row in range(len(firsts)):
        begin = firsts[row]
        end = lasts[row]
        while at < len(line_ends) and line_ends[at] < end:
            i = line_ends[at]
            at += 1
            if i < begin or codes[i] != 10:
                continue
            stop = i + 1
            while stop < end and codes[stop] == 10:
                stop += 1
                at += 1
            if stop - i >= min_run:
                starts[count] = begin
                ends[count] = i
                count += 1
                begin = stop
        starts[count] = begin
        ends[count] = end
        count += 1
        spans[row + 1] = count
    return starts[:count], ends[:count], spans


@kernel
def _stripped(flags: Flags, offsets: Offsets) -> tuple[Bounds, Bounds]:
    starts = offsets[:-1].copy()
    ends = offsets[1:].copy()
    for row in range(len(starts)):
        while starts[row] < ends[row] and (flags[starts[row]] & SPACE) != 0:
            starts[row] += 1
        while ends[row] > starts[row] and (flags[ends[row] - 1] & SPACE) != 0:
            ends[row] -= 1
    return starts, ends


@kernel
def _glance(codes: Codes, start: int, end: int) -> np.uint64:
    """A hash of the length and of a few characters: equal pieces have equal ones, most others do not."""
    length = end - start
    value = np.uint64(length)
    for k in range(min(length, 4)):
        value = (value ^ np.uint64(codes[start + k])) * np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ np.uint64(codes[end - 1 - k])) * np.uint64(0xFF51AFD7ED558CCD)
    return value ^ (value >> np.uint64(32))


@kernel
def _piece_hash(codes: Codes, start: int, end: int) -> np.uint64:
    value = np.uint64(0x9E3779B97F4A7C15)
    for i in range(np.uint64(start), np.uint64(end)):
        value = (value ^ np.uint64(codes[i])) * np.uint64(0xFF51AFD7ED558CCD)
        value ^= value >> np.uint64(32)
    return value


@kernel
def _is_blank(flags: Flags, start: int, end: int) -> bool:
    while start < end and (flags[start] & SPACE) != 0:
        start += 1
    return start == end


@kernel
def _room(items: int) -> int:
    """Slots of a table for so many items, a power of two."""
    size = 16
    while size < 2 * items:
        size *= 2
    return size


@kernel
def _slot_of(keys: Hashes, used: Bounds, key: np.uint64, room: int) -> int:
    """Where the key lies, or where it goes: `used` holds 0 there."""
    slot = np.int64(key & np.uint64(room - 1))
    while used[slot] != 0 and keys[slot] != key:
        slot = (slot + 1) & (room - 1)
    return slot  # type: ignore[return-value] # an integer to numba


@kernel
def _sharing_a_glance(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, starts: Bounds, ends: Bounds, pieces: Bounds, keys: Hashes, used: Bounds
) -> int:
    """Keep those of the pieces whose glance another one has too, at the front of `pieces`; gives their number."""
    room = _room(len(pieces))
    used[:room] = 0
    again = False
    for piece in pieces:
        glance = _glance(codes, starts[piece], ends[piece])
        slot = _slot_of(keys, used, glance, room)
        keys[slot] = glance
        used[slot] += 1
        again = again or used[slot] > 1
    kept = 0
    if again:
        for piece in pieces:
            if used[_slot_of(keys, used, _glance(codes, starts[piece], ends[piece]), room)] > 1:
                pieces[kept] = piece
                kept += 1
    return kept


@kernel
def _repeats(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, starts: Bounds, ends: Bounds, offsets: Offsets, skip_blank: int
) -> tuple[Bounds, Bounds, Bounds]:
    rows = len(offsets) - 1
    pieces = np.zeros(rows, dtype=np.int64)
    repeated = np.zeros(rows, dtype=np.int64)
    repeated_chars = np.zeros(rows, dtype=np.int64)
    most = 1
    for row in range(rows):
        most = max(most, offsets[row + 1] - offsets[row])
    keys = np.zeros(_room(most), dtype=np.uint64)
    used = np.zeros(len(keys), dtype=np.int64)
    looked_at = np.empty(most, dtype=np.int64)
    for row in range(rows):
        for piece in range(offsets[row], offsets[row + 1]):
            if skip_blank == 0 or not _is_blank(flags, starts[piece], ends[piece]):
                looked_at[pieces[row]] = piece
                pieces[row] += 1
        # Only pieces that share their glance with another one are read as a whole.
        kept = _sharing_a_glance(codes, starts, ends, looked_at[: pieces[row]], keys, used) if pieces[row] > 1 else 0
        room = _room(kept)
        used[:room] = 0
        for piece in looked_at[:kept]:
            length = ends[piece] - starts[piece]
            key = _piece_hash(codes, starts[piece], ends[piece]) ^ (np.uint64(length) << np.uint64(40))
            slot = _slot_of(keys, used, key, room)
            if used[slot] != 0:
                repeated[row] += 1
                repeated_chars[row] += length
            keys[slot] = key
            used[slot] = 1
    return pieces, repeated, repeated_chars
