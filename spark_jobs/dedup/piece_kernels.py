"""The native kernels of the levels that cut text: lines, their hashes and n-grams, and where a cut lies in the bytes.

Positions are those of `Characters.codes`, all texts of a batch in one row. Hashes are 64-bit and seedless.
"""

import numpy as np

from spark_jobs.text.characters import SPACE, Codes, Flags, Offsets
from spark_jobs.text.hash_set import Hashes, mixed
from spark_jobs.text.native import kernel
from spark_jobs.text.spans import Bounds
from spark_jobs.text.utf8 import Bytes, code_at

_GOLDEN = 0x9E3779B97F4A7C15
_NEWLINE = 10


@kernel
def line_bounds(codes: Codes, flags: Flags, offsets: Offsets) -> tuple[Bounds, Offsets, Bounds, Bounds]:
    r"""Lines, each with the "\\n" that ends it: bounds (line i is `bounds[i]:bounds[i + 1]`), lines by text as offsets.

    And by line: characters without white space around them (0: blank), and the number of its paragraph in the text
    (paragraphs lie between blank lines). An empty text has no line.
    """
    rows = len(offsets) - 1
    total = rows
    for code in codes:
        total += code == _NEWLINE
    bounds = np.zeros(total + 1, dtype=np.int64)
    chars = np.zeros(total, dtype=np.int64)
    paragraphs = np.zeros(total, dtype=np.int64)
    lines = np.zeros(rows + 1, dtype=np.int64)
    count = 0
    for row in range(rows):
        i = offsets[row]
        paragraph = -1
        after_blank = True
        while i < offsets[row + 1]:
            bounds[count] = i
            first = -1
            last = -1
            while i < offsets[row + 1]:
                if (flags[i] & SPACE) == 0:
                    first = i if first < 0 else first
                    last = i
                i += 1
                if codes[i - 1] == _NEWLINE:
                    break
            if first >= 0:
                chars[count] = last - first + 1
                paragraph += after_blank
            paragraphs[count] = paragraph
            after_blank = first < 0
            count += 1
        lines[row + 1] = count
    bounds[count] = offsets[rows]
    return bounds[: count + 1], lines, chars[:count], paragraphs[:count]


@kernel
def cut_ends(bounds: Bounds, lines: Offsets, chars: Bounds) -> Bounds:
    """Where a line ends for a cut: a line after a blank one, or at the start, takes the blank lines after it along."""
    ends = bounds[1:].copy()
    for row in range(len(lines) - 1):
        for line in range(lines[row], lines[row + 1]):
            if chars[line] > 0 and (line == lines[row] or chars[line - 1] == 0):
                stop = line + 1
                while stop < lines[row + 1] and chars[stop] == 0:
                    stop += 1
                ends[line] = bounds[stop]
    return ends


@kernel
def hash_runs(units: Hashes, offsets: Offsets) -> Hashes:
    """One hash a run of units, never 0; 0 for a run of none."""
    found = np.zeros(len(offsets) - 1, dtype=np.uint64)
    for run in range(len(found)):
        value = np.uint64(0)
        for i in range(offsets[run], offsets[run + 1]):
            value = mixed((value * np.uint64(_GOLDEN)) ^ units[i])
        found[run] = value
    return found


@kernel
def ngram_hashes(units: Hashes, offsets: Offsets, size: int) -> tuple[Hashes, Offsets]:
    """Hashes of `size` consecutive units of each run, in order, equal ones too; with offsets by run."""
    runs = len(offsets) - 1
    bounds = np.zeros(runs + 1, dtype=np.int64)
    for run in range(runs):
        bounds[run + 1] = bounds[run] + max(offsets[run + 1] - offsets[run] - size + 1, 0)
    found = np.empty(bounds[runs], dtype=np.uint64)
    for run in range(runs):
        for k in range(bounds[run + 1] - bounds[run]):
            value = np.uint64(size)
            for i in range(offsets[run] + k, offsets[run] + k + size):
                value = mixed((value * np.uint64(_GOLDEN)) ^ units[i])
            found[bounds[run] + k] = value
    return found, bounds


@kernel
def hash_spans(codes: Codes, table: Codes, starts: Bounds, ends: Bounds) -> Hashes:
    """Hashes of spans whose characters are looked up in a table first (one for one, as lower case)."""
    found = np.zeros(len(starts), dtype=np.uint64)
    for span in range(len(starts)):
        value = np.uint64(ends[span] - starts[span])
        for i in range(starts[span], ends[span]):
            value = mixed((value * np.uint64(_GOLDEN)) ^ np.uint64(table[codes[i]]))
        found[span] = value
    return found


@kernel
def stripped(flags: Flags, starts: Bounds, ends: Bounds) -> tuple[Bounds, Bounds]:
    """Spans without white space around them."""
    first = starts.copy()
    last = ends.copy()
    for span in range(len(starts)):
        while first[span] < last[span] and (flags[first[span]] & SPACE) != 0:
            first[span] += 1
        while last[span] > first[span] and (flags[last[span] - 1] & SPACE) != 0:
            last[span] -= 1
    return first, last


@kernel
def without(codes: Codes, flags: Flags, offsets: Offsets, starts: Bounds, ends: Bounds) -> tuple[Codes, Flags, Offsets]:
    """The texts without some spans (ascending, apart, each within one text)."""
    kept_codes = np.empty_like(codes)
    kept_flags = np.empty_like(flags)
    kept_offsets = np.zeros_like(offsets)
    count = 0
    span = 0
    for row in range(len(offsets) - 1):
        i = offsets[row]
        while i < offsets[row + 1]:
            if span < len(starts) and starts[span] == i:
                i = ends[span]
                span += 1
                continue
            kept_codes[count] = codes[i]
            kept_flags[count] = flags[i]
            count += 1
            i += 1
        kept_offsets[row + 1] = count
    return kept_codes[:count], kept_flags[:count], kept_offsets


@kernel
def pieces_of(starts: Bounds, ends: Bounds, cut_starts: Bounds, cut_ends_: Bounds) -> tuple[Bounds, Bounds, Offsets]:
    """Where spans of the texts without cuts lie in the whole texts: starts and ends of their pieces, offsets by span.

    Spans and cuts are ascending and apart; positions of spans are those after `without`.
    """
    total = len(starts) + len(cut_starts)
    piece_starts = np.empty(total, dtype=np.int64)
    piece_ends = np.empty(total, dtype=np.int64)
    offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    count = 0
    cut = 0
    moved = 0
    for span in range(len(starts)):
        at = starts[span] + moved
        left = ends[span] - starts[span]
        while left > 0:
            while cut < len(cut_starts) and cut_starts[cut] <= at:
                moved += cut_ends_[cut] - cut_starts[cut]
                at += cut_ends_[cut] - cut_starts[cut]
                cut += 1
            size = left if cut == len(cut_starts) else min(left, cut_starts[cut] - at)
            piece_starts[count] = at
            piece_ends[count] = at + size
            count += 1
            at += size
            left -= size
        offsets[span + 1] = count
    return piece_starts[:count], piece_ends[:count], offsets


@kernel
def byte_places(data: Bytes, starts: Offsets, offsets: Offsets, places: Bounds) -> Bounds:
    """The byte of each place (ascending positions of characters), counted from the start of the buffer."""
    found = np.empty(len(places), dtype=np.int64)
    row = 0
    at = starts[0]
    i = offsets[0]
    for k in range(len(places)):
        while places[k] > offsets[row + 1]:
            row += 1
            at = starts[row]
            i = offsets[row]
        while i < places[k]:
            _, length = code_at(data, at, starts[row + 1])
            at += length
            i += 1
        found[k] = at
    return found
