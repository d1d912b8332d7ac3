"""Lines and paragraphs of a batch: where they lie, and how many repeat an earlier one of the same text.

Three ways to cut are in use, and they give different counts: `line_spans` (str.splitlines), `newline_spans` (runs of
newlines of the raw text) and `paragraph_spans` (two or more newlines of the stripped text).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.characters import LINE_END, SPACE, Characters, Codes, Flags, Offsets
from spark_jobs.text.native import kernel

Bounds = npt.NDArray[np.int64]


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
    return Spans(*_lines(characters.codes, characters.flags, characters.offsets))


def newline_spans(characters: Characters) -> Spans:
    r"""Pieces between runs of "\\n" of the raw text: a run at the start or the end leaves an empty piece there."""
    starts, ends = characters.offsets[:-1], characters.offsets[1:]
    return Spans(*_newline_runs(characters.codes, starts.copy(), ends.copy(), 1))


def paragraph_spans(characters: Characters) -> Spans:
    r"""Pieces between runs of two or more "\\n" of the text without white space around it."""
    starts, ends = _stripped(characters.flags, characters.offsets)
    return Spans(*_newline_runs(characters.codes, starts, ends, 2))


def repeats(characters: Characters, spans: Spans, *, skip_blank: bool = False) -> Repeats:
    """Count the second and later copies of a piece within its text, character by character the same.

    `skip_blank` leaves out pieces of white space only. Pieces are compared by a 64-bit hash and their length.
    """
    return Repeats(
        *_repeats(characters.codes, characters.flags, spans.starts, spans.ends, spans.offsets, int(skip_blank))
    )


@kernel
def _lines(codes: Codes, flags: Flags, offsets: Offsets) -> tuple[Bounds, Bounds, Offsets]:
    total = len(offsets)
    for i in range(len(codes)):
        total += (flags[i] & LINE_END) != 0
    starts = np.empty(total, dtype=np.int64)
    ends = np.empty(total, dtype=np.int64)
    spans = np.zeros(len(offsets), dtype=np.int64)
    count = 0
    for row in range(len(offsets) - 1):
        begin = offsets[row]
        end = offsets[row + 1]
        i = begin
        while i < end:
            if flags[i] & LINE_END:
                starts[count] = begin
                ends[count] = i
                count += 1
                if codes[i] == 13 and i + 1 < end and codes[i + 1] == 10:
                    i += 1
                begin = i + 1
            i += 1
        if begin < end:
            starts[count] = begin
            ends[count] = end
            count += 1
        spans[row + 1] = count
    return starts[:count].copy(), ends[:count].copy(), spans


@kernel
def _newline_runs(codes: Codes, firsts: Bounds, lasts: Bounds, min_run: int) -> tuple[Bounds, Bounds, Offsets]:
    total = len(firsts)
    for i in range(len(codes)):
        total += codes[i] == 10
    starts = np.empty(total, dtype=np.int64)
    ends = np.empty(total, dtype=np.int64)
    spans = np.zeros(len(firsts) + 1, dtype=np.int64)
    count = 0
    for row in range(len(firsts)):
        begin = firsts[row]
        end = lasts[row]
        i = begin
        while i < end:
            if codes[i] != 10:
                i += 1
                continue
            stop = i + 1
            while stop < end and codes[stop] == 10:
                stop += 1
            if stop - i >= min_run:
                starts[count] = begin
                ends[count] = i
                count += 1
                begin = stop
            i = stop
        starts[count] = begin
        ends[count] = end
        count += 1
        spans[row + 1] = count
    return starts[:count].copy(), ends[:count].copy(), spans


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
def _repeats(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, starts: Bounds, ends: Bounds, offsets: Offsets, skip_blank: int
) -> tuple[Bounds, Bounds, Bounds]:
    rows = len(offsets) - 1
    pieces = np.zeros(rows, dtype=np.int64)
    repeated = np.zeros(rows, dtype=np.int64)
    repeated_chars = np.zeros(rows, dtype=np.int64)
    largest = 1
    for row in range(rows):
        largest = max(largest, offsets[row + 1] - offsets[row])
    size = 16
    while size < 2 * largest:
        size *= 2
    keys = np.zeros(size, dtype=np.uint64)
    spans = np.zeros(size, dtype=np.int64)
    owner = np.full(size, -1, dtype=np.int64)
    for row in range(rows):
        room = 16
        while room < 2 * (offsets[row + 1] - offsets[row]):
            room *= 2
        for piece in range(offsets[row], offsets[row + 1]):
            blank = True
            value = np.uint64(0x9E3779B97F4A7C15)
            for i in range(starts[piece], ends[piece]):
                blank = blank and (flags[i] & SPACE) != 0
                value = (value ^ np.uint64(codes[i])) * np.uint64(0xFF51AFD7ED558CCD)
                value ^= value >> np.uint64(32)
            if blank and skip_blank != 0:
                continue
            pieces[row] += 1
            length = ends[piece] - starts[piece]
            slot = np.int64(value & np.uint64(room - 1))
            while owner[slot] == row and not (keys[slot] == value and spans[slot] == length):
                slot = (slot + 1) & (room - 1)
            if owner[slot] == row:
                repeated[row] += 1
                repeated_chars[row] += length
            else:
                owner[slot] = row
                keys[slot] = value
                spans[slot] = length
    return pieces, repeated, repeated_chars
