"""What a document says twice: repeated paragraphs and lines, and sentences that are much like an earlier one.

Found in one text at a time, so nothing here depends on other documents. The first of each stays.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.dedup import piece_kernels as kernels
from spark_jobs.dedup.levels import Sentences, WithinDocument
from spark_jobs.text.characters import SPACE, Characters, Codes, Flags, Offsets
from spark_jobs.text.letter_case import lower_table
from spark_jobs.text.native import kernel
from spark_jobs.text.sentences import sentence_spans
from spark_jobs.text.spans import Bounds, Spans

_NEWLINE = 10
_BINS = 64


@dataclass(frozen=True, eq=False)
class OwnCuts:
    """Spans to be cut, ascending and apart (places in `Characters.codes`), and where the first of its kind starts."""

    starts: Bounds
    ends: Bounds
    firsts: Bounds
    similarities: npt.NDArray[np.float64]

    @classmethod
    def of(cls, found: list[tuple[Bounds, Bounds, Bounds, npt.NDArray[np.float64]]]) -> "OwnCuts":
        """Several finds as one."""
        columns = [np.concatenate(column) for column in zip(*found, strict=True)] if found else [_NONE] * 4
        order = np.argsort(columns[0], kind="stable")
        starts, ends, firsts, similarities = (column[order] for column in columns)
        return cls(starts, ends, firsts, similarities.astype(np.float64))

    def __len__(self) -> int:
        """Number of spans."""
        return len(self.starts)


_NONE = np.zeros(0, dtype=np.int64)


def own_cuts(characters: Characters, level: WithinDocument) -> OwnCuts:
    """What the level cuts from each text: repeated paragraphs, of the rest repeated lines, of the rest sentences."""
    bounds, lines, chars, paragraphs = kernels.line_bounds(characters.codes, characters.flags, characters.offsets)
    rows = np.repeat(np.arange(len(lines) - 1), np.diff(lines))
    there = chars > 0
    found = []
    if level.paragraphs:
        first, last = _paragraphs(rows, paragraphs, there)
        starts, ends = kernels.stripped(characters.flags, bounds[first], bounds[last + 1])
        of = _first_equal(characters.codes, rows[first], starts, ends)
        again = np.flatnonzero(of >= 0)
        # The blank lines after it go with it: those before it stay.
        behind = np.append(first[1:], 0)[again]
        within = (again + 1 < len(first)) & (rows[first[np.minimum(again + 1, len(first) - 1)]] == rows[first[again]])
        stops = np.where(within, bounds[behind], bounds[lines[rows[first[again]] + 1]])
        found.append((bounds[first[again]], stops, starts[of[again]], np.ones(len(again))))
        there &= ~_covered(first[again], last[again], len(there))
    if level.lines:
        left = np.flatnonzero(there)
        starts, ends = kernels.stripped(characters.flags, bounds[left], bounds[left + 1])
        of = _first_equal(characters.codes, rows[left], starts, ends)
        again = np.flatnonzero(of >= 0)
        stops = kernels.cut_ends(bounds, lines, chars)[left[again]]
        found.append((bounds[left[again]], stops, starts[of[again]], np.ones(len(again))))
        there[left[again]] = False
    if level.sentences is not None:
        found.append(_similar_sentences(characters, level.sentences, bounds, lines, there))
    return OwnCuts.of(found)


def _paragraphs(rows: Bounds, paragraphs: Bounds, there: npt.NDArray[np.bool_]) -> tuple[Bounds, Bounds]:
    """First and last line of each paragraph."""
    lines = np.flatnonzero(there)
    if not len(lines):
        return lines, lines
    new = np.ones(len(lines), dtype=np.bool_)
    new[1:] = (np.diff(rows[lines]) != 0) | (np.diff(paragraphs[lines]) != 0)
    firsts = np.flatnonzero(new)
    return lines[firsts], lines[np.append(firsts[1:], len(lines)) - 1]


def _first_equal(codes: Codes, rows: Bounds, starts: Bounds, ends: Bounds) -> Bounds:
    """The number of the first span of the same text that is equal but for case; -1 for a span that is it itself."""
    hashes = kernels.hash_spans(codes, lower_table(), starts, ends)
    order = np.lexsort((np.arange(len(rows)), hashes, rows))
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(rows[order]) != 0) | (hashes[order][1:] != hashes[order][:-1])
    first = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    of = np.full(len(order), -1, dtype=np.int64)
    of[order[~new]] = first[~new]
    return of


def _covered(firsts: Bounds, lasts: Bounds, count: int) -> npt.NDArray[np.bool_]:
    depth = np.zeros(count + 1, dtype=np.int64)
    np.add.at(depth, firsts, 1)
    np.add.at(depth, lasts + 1, -1)
    covered: npt.NDArray[np.bool_] = np.cumsum(depth)[:count] > 0
    return covered


def _similar_sentences(
    characters: Characters, said: Sentences, bounds: Bounds, lines: Offsets, there: npt.NDArray[np.bool_]
) -> tuple[Bounds, Bounds, Bounds, npt.NDArray[np.float64]]:
    left = np.flatnonzero(there)
    offsets = np.concatenate([[0], np.cumsum(there)])[lines]
    spans = sentence_spans(characters, Spans(bounds[left], bounds[left + 1], offsets), said.max_sentences)
    of, distances = _similar(
        characters.codes, spans.starts, spans.ends, spans.offsets, said.max_chars, said.max_length_gap,
        said.min_overlap, said.max_distance, said.exact_chars,
    )  # fmt: skip
    again = np.flatnonzero(of >= 0)
    rows = np.repeat(np.arange(len(spans.offsets) - 1), np.diff(spans.offsets))[again]
    starts, ends = _with_space(
        characters.codes, characters.flags, spans.starts[again], spans.ends[again], characters.offsets, rows
    )
    longer = np.maximum((spans.ends - spans.starts)[again], (spans.ends - spans.starts)[of[again]])
    return starts, ends, spans.starts[of[again]], 1 - distances[again] / np.maximum(longer, 1)


@kernel
def _with_space(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, starts: Bounds, ends: Bounds, offsets: Offsets, rows: Bounds
) -> tuple[Bounds, Bounds]:
    """Sentences with the white space after them; with the line end too where nothing else is on the line."""
    first = starts.copy()
    last = ends.copy()
    for k in range(len(starts)):
        stop = offsets[rows[k] + 1]
        while last[k] < stop and (flags[last[k]] & SPACE) != 0 and codes[last[k]] != _NEWLINE:
            last[k] += 1
        at = first[k]
        while at > offsets[rows[k]] and (flags[at - 1] & SPACE) != 0 and codes[at - 1] != _NEWLINE:
            at -= 1
        alone = at == offsets[rows[k]] or codes[at - 1] == _NEWLINE
        if alone and last[k] < stop and codes[last[k]] == _NEWLINE:
            last[k] += 1
    return first, last


@kernel
def _distance(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, a: int, a_end: int, b: int, b_end: int, most: int, above: Bounds, below: Bounds
) -> int:
    """Edit distance of two spans, or `most + 1` where it is larger: only a band of the table is looked at."""
    n = a_end - a
    m = b_end - b
    for j in range(min(m, most) + 1):
        above[j] = j
    if most < m:
        above[most + 1] = most + 1
    for i in range(1, n + 1):
        low = max(1, i - most)
        high = min(m, i + most)
        below[low - 1] = i if low == 1 else most + 1
        least = below[low - 1]
        for j in range(low, high + 1):
            changed = above[j - 1] + (codes[a + i - 1] != codes[b + j - 1])
            removed = above[j] + 1 if j < i + most else most + 1
            below[j] = min(changed, removed, below[j - 1] + 1)
            least = min(least, below[j])
        if least > most:
            return most + 1
        if high < m:
            below[high + 1] = most + 1
        above, below = below, above
    return int(min(above[m], most + 1))


@kernel
def _in_common(left: Codes, right: Codes) -> int:
    """Characters that two sorted rows share, with their counts."""
    i = 0
    j = 0
    shared = 0
    while i < len(left) and j < len(right):
        x = left[i]
        y = right[j]
        shared += x == y
        i += x <= y
        j += y <= x
    return shared


@kernel
def _similar(  # noqa: C901, PLR0912, PLR0917 - pairs, cheapest test first; numba takes no keywords
    codes: Codes, starts: Bounds, ends: Bounds, offsets: Offsets, max_chars: int, max_gap: float, min_overlap: float,
    max_distance: float, exact_chars: int,
) -> tuple[Bounds, Bounds]:  # fmt: skip
    """By sentence the first earlier one that stays and is similar (-1: none), and the edit distance to it."""
    count = len(starts)
    of = np.full(count, -1, dtype=np.int64)
    distances = np.zeros(count, dtype=np.int64)
    most = 1
    for row in range(len(offsets) - 1):
        most = max(most, offsets[row + 1] - offsets[row])
    bins = np.zeros((most, _BINS), dtype=np.int64)
    above = np.zeros(max_chars + 2, dtype=np.int64)
    below = np.zeros(max_chars + 2, dtype=np.int64)
    for row in range(len(offsets) - 1):
        base = offsets[row]
        here = offsets[row + 1] - base
        if here < 2:
            continue
        places = np.zeros(here + 1, dtype=np.int64)
        for k in range(here):
            length = ends[base + k] - starts[base + k]
            places[k + 1] = places[k] + (length if length <= max_chars else 0)
        ordered = np.empty(places[here], dtype=np.uint32)
        bins[:here] = 0
        for k in range(here):
            for i in range(places[k + 1] - places[k]):
                code = codes[starts[base + k] + i]
                ordered[places[k] + i] = code
                bins[k, code % _BINS] += 1
            ordered[places[k] : places[k + 1]].sort()
        for late in range(1, here):
            size = places[late + 1] - places[late]
            if size == 0:
                continue
            for early in range(late):
                other = places[early + 1] - places[early]
                if other == 0 or of[base + early] >= 0:
                    continue
                longer = max(size, other)
                shorter = min(size, other)
                allowed = 0 if shorter <= exact_chars else int(np.floor(max_distance * longer))
                if longer - shorter > allowed or (longer - shorter) / longer >= max_gap:
                    continue
                common = 0
                for k in range(_BINS):
                    common += min(bins[early, k], bins[late, k])
                # No edit changes more than one character of either side.
                if longer - common > allowed:
                    continue
                common = _in_common(
                    ordered[places[early] : places[early + 1]], ordered[places[late] : places[late + 1]]
                )
                if longer - common > allowed or common / (size + other - common) < min_overlap:
                    continue
                found = _distance(
                    codes, starts[base + early], ends[base + early], starts[base + late], ends[base + late], allowed,
                    above, below,
                )  # fmt: skip
                if found <= allowed:
                    of[base + late] = base + early
                    distances[base + late] = found
                    break
    return of, distances
