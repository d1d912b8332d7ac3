"""What is kept of a text so that pieces can be cut without reading it again: its lines, hashed, and where they lie.

Made in the pass that signs the documents, of kept ones only. What a document repeats itself is found here for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.dedup.levels import Overlap, TextLevels
from spark_jobs.dedup.signatures import word_hashes
from spark_jobs.text.characters import Characters
from spark_jobs.text.utf8 import bytes_of

_SPAN = "start: BIGINT, length: BIGINT, byte_start: BIGINT, byte_length: BIGINT"
# `hash`: of the line's normal form, null without words. `chars`: without white space around it. `spans`: the line with
# its line end, in one piece but where the document repeated itself inside it.
LINES = (
    "ARRAY<STRUCT<hash: BIGINT, chars: BIGINT, paragraph: BIGINT, grams: ARRAY<BIGINT>, "
    f"spans: ARRAY<STRUCT<{_SPAN}>>>>"
)
OWN = f"ARRAY<STRUCT<{_SPAN}, linked_start: BIGINT, similarity: DOUBLE>>"
_SPAN_FIELDS = ("start", "length", "byte_start", "byte_length")

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Pieces:
    """Further columns of the signing pass: `lines` (LINES) and `own_cuts` (OWN); both empty for dropped documents."""

    levels: TextLevels
    inputs: ClassVar[tuple[str, ...]] = ("kept",)
    names: ClassVar[tuple[str, ...]] = ("lines", "own_cuts")
    columns: ClassVar[str] = f"lines {LINES}, own_cuts {OWN}"

    def __call__(self, texts: pa.LargeStringArray, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """The columns for texts (without nulls) of a batch."""
        kept = pc.fill_null(batch.column("kept"), False)
        return pieces(pc.if_else(kept, texts, pa.scalar("", pa.large_string())), self.levels)


def pieces(texts: pa.LargeStringArray, said: TextLevels) -> tuple[pa.ListArray, pa.ListArray]:
    """Lines that are not blank, and what a document repeats itself (columns LINES and OWN)."""
    from spark_jobs.dedup import piece_kernels as kernels
    from spark_jobs.dedup.own_repeats import OwnCuts, own_cuts
    from spark_jobs.text.characters import decode, encode

    whole = decode(texts)
    own = own_cuts(whole, said.within) if said.within is not None else OwnCuts.of([])
    left = whole
    if len(own):
        left = Characters(*kernels.without(whole.codes, whole.flags, whole.offsets, own.starts, own.ends))
    bounds, lines, chars, paragraphs = kernels.line_bounds(left.codes, left.flags, left.offsets)
    units, unit_offsets = word_hashes(encode(left.codes, bounds), said.marks)
    hashes = kernels.hash_runs(units, unit_offsets)
    grams, gram_offsets = _grams(left, bounds, units, unit_offsets, said.overlap)
    listed = np.flatnonzero(chars)
    starts, ends, span_offsets = kernels.pieces_of(
        bounds[listed], kernels.cut_ends(bounds, lines, chars)[listed], own.starts, own.ends
    )
    row_of_line = np.repeat(np.arange(len(texts)), np.diff(lines))[listed]
    per_row = np.searchsorted(row_of_line, np.arange(len(texts) + 1))
    places = _Places(texts, whole)
    columns = {
        "hash": pa.array(hashes[listed].view(np.int64), mask=hashes[listed] == 0),
        "chars": pa.array(chars[listed]),
        "paragraph": pa.array(paragraphs[listed]),
        # Blank lines have no n-grams, so those of the listed ones follow each other.
        "grams": _lists(np.append(gram_offsets[listed], len(grams)), pa.array(grams.view(np.int64))),
        "spans": _lists(span_offsets, places.spans(starts, ends)),
    }
    own_rows = np.searchsorted(own.starts, whole.offsets)
    own_spans = places.spans(own.starts, own.ends)
    found = {
        **{name: own_spans.field(name) for name in _SPAN_FIELDS},
        "linked_start": pa.array(own.firsts - places.first_of(own.starts)),
        "similarity": pa.array(own.similarities),
    }
    return _lists(per_row, _structs(columns)), _lists(own_rows, _structs(found))


def _grams(left: Characters, bounds: I64, units: U64, offsets: I64, level: Overlap | None) -> tuple[U64, I64]:
    """The n-grams of each line, in order."""
    from spark_jobs.dedup.piece_kernels import ngram_hashes
    from spark_jobs.text.words import split_words

    if level is None:
        return np.zeros(0, dtype=np.uint64), np.zeros(len(bounds), dtype=np.int64)
    if level.tokens == "words":
        words = split_words(left)
        units, offsets = words.hashes, np.searchsorted(words.starts, bounds)
    return ngram_hashes(units, offsets, level.ngram)


@dataclass(frozen=True, eq=False)
class _Places:
    """From positions in a batch to positions in its texts, of characters and of bytes."""

    texts: pa.LargeStringArray
    whole: Characters

    def first_of(self, positions: I64) -> I64:
        """Where the text of each position begins."""
        return self.whole.offsets[self._rows(positions)]

    def _rows(self, positions: I64) -> I64:
        return np.searchsorted(self.whole.offsets, positions, side="right") - 1

    def spans(self, starts: I64, ends: I64) -> pa.StructArray:
        """Structs of `_SPAN`; spans are ascending and apart."""
        from spark_jobs.dedup.piece_kernels import byte_places

        data, text_starts = bytes_of(self.texts)
        both = np.empty(2 * len(starts), dtype=np.int64)
        both[0::2], both[1::2] = starts, ends
        in_bytes = byte_places(data, text_starts, self.whole.offsets, both)
        rows = self._rows(starts)
        values = (
            starts - self.whole.offsets[rows], ends - starts,
            in_bytes[0::2] - text_starts[rows], in_bytes[1::2] - in_bytes[0::2],
        )  # fmt: skip
        return _structs({name: pa.array(value) for name, value in zip(_SPAN_FIELDS, values, strict=True)})


def _structs(columns: dict[str, pa.Array]) -> pa.StructArray:
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def _lists(offsets: I64, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
