"""Signatures: what is stored of a text so that its duplicates are found and proved without the text.

A text hash (bytes), a content hash (normal form), the distinct shingle hashes, the MinHash signature and its bands.
This is the only pass of dedup that reads text.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from spark_jobs.dedup.normal_form import NORMAL_FORM, Marks, fold_table

SIGNED = (
    "doc_id STRING, captured_at TIMESTAMP, text_hash STRING, content_hash STRING, words BIGINT, chars BIGINT, "
    "signature BINARY, shingles BINARY, bands ARRAY<BIGINT>"
)
# Texts of a batch are signed in groups of about this many bytes, so that memory is bounded by the longest text.
_GROUP_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True)
class MinHash:
    """How signatures are made. Defaults: FineWeb's 14 bands of 8 over 5-grams of words (arXiv 2406.17557).

    `bands` x `rows` permutations; a pair of Jaccard similarity s meets with probability 1 - (1 - s^rows)^bands.
    """

    unit: Literal["words", "characters"] = "words"
    ngram: int = 5
    bands: int = 14
    rows: int = 8
    seed: int = 1
    marks: Marks = "diacritics"

    @property
    def params_id(self) -> str:
        """Key of the signatures: two documents can meet only under the same one."""
        said = f"{NORMAL_FORM} {unicodedata.unidata_version} {sorted(asdict(self).items())}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def bands_for(threshold: float, permutations: int) -> tuple[int, int]:
    """Bands and rows with the fewest expected mistakes at a threshold, as `datasketch` weighs them (equally)."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=permutations)
    return int(index.b), int(index.r)


@lru_cache(maxsize=8)
def permutations(seed: int, count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Factors and offsets, drawn as huggingface/datatrove draws them: NumPy's legacy state, all a, then all b."""
    prime = (1 << 61) - 1
    state = np.random.RandomState(seed)
    a = state.randint(1, prime, dtype=np.uint64, size=count)
    return a, state.randint(0, prime, dtype=np.uint64, size=count)


@dataclass(frozen=True, eq=False)
class Signed:
    """Signatures of n texts: hashes as hex, units and characters counted, shingles cut by offsets, bands (n, bands)."""

    text_hash: list[str]
    content_hash: list[str]
    words: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int64]
    shingles: npt.NDArray[np.uint64]
    offsets: npt.NDArray[np.int64]
    signatures: npt.NDArray[np.uint64]
    bands: npt.NDArray[np.uint64]


def sign(texts: pa.LargeStringArray, params: MinHash) -> Signed:
    """Sign an array of texts without nulls."""
    from spark_jobs.dedup import kernels
    from spark_jobs.dedup.normal_kernels import normalise
    from spark_jobs.text.utf8 import bytes_of

    table = fold_table(params.marks)
    data, bounds = bytes_of(texts)
    normal, starts, units, unit_offsets, chars = normalise(
        data, bounds, table.kind, table.start, table.count, table.flat, params.unit == "characters"
    )
    shingles, offsets = kernels.shingle(units, unit_offsets, params.ngram)
    signatures = kernels.minhash(shingles, offsets, *permutations(params.seed, params.bands * params.rows))
    text_hash = [_digest(view) for view in _views(data, bounds)]
    content = memoryview(normal.data)
    content_hash = [
        # A text without words has no content to compare: only the same bytes are the same.
        _digest(content[starts[row] : starts[row + 1]]) if starts[row + 1] > starts[row] else text_hash[row]
        for row in range(len(texts))
    ]
    return Signed(
        text_hash, content_hash, np.diff(unit_offsets), chars, shingles, offsets, signatures,
        kernels.band_hashes(signatures, params.bands, params.rows),
    )  # fmt: skip


def word_hashes(texts: pa.LargeStringArray, marks: Marks) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Hashes of the words that the normal form of each text (without nulls) has, in order; with offsets by text."""
    from spark_jobs.dedup.normal_kernels import normalise
    from spark_jobs.text.utf8 import bytes_of

    table, by_character = fold_table(marks), False
    _, _, units, offsets, _ = normalise(
        *bytes_of(texts), table.kind, table.start, table.count, table.flat, by_character
    )
    return units, offsets


class Beside(Protocol):
    """Further columns that are made of a text while it is read: their names, their DDL, and the columns they need."""

    inputs: ClassVar[tuple[str, ...]]
    names: ClassVar[tuple[str, ...]]
    columns: ClassVar[str]

    def __call__(self, texts: pa.LargeStringArray, batch: pa.RecordBatch) -> Sequence[pa.Array]:
        """The columns of the texts (without nulls) of a batch."""
        ...


def sign_frame(
    documents: DataFrame, params: MinHash, beside: Beside | None = None, *, carried: Sequence[str] = ()
) -> DataFrame:
    """Sign a frame with `doc_id`, `captured_at` and `text`; columns as in `SIGNED`, `carried` strings, then `beside`.

    `signature`, `shingles` (64-bit little-endian) and `bands` are null for texts with fewer units than a shingle.
    """

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for group in _groups(batch):
                yield _sign_batch(group, params, carried, beside)

    needed = beside.inputs if beside is not None else ()
    columns = [SIGNED, *(f"{name} STRING" for name in carried), *([beside.columns] if beside is not None else ())]
    return documents.select("doc_id", "captured_at", "text", *carried, *needed).mapInArrow(run, ", ".join(columns))


def _groups(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    lengths = pc.binary_length(batch.column("text")).fill_null(0).to_numpy(zero_copy_only=False)
    start, size = 0, 0
    for row, length in enumerate(lengths):
        if size and size + length > _GROUP_BYTES:
            yield batch.slice(start, row - start)
            start, size = row, 0
        size += int(length)
    if start < len(lengths):
        yield batch.slice(start)


def _sign_batch(
    batch: pa.RecordBatch, params: MinHash, carried: Sequence[str], beside: Beside | None
) -> pa.RecordBatch:
    texts = batch.column("text").cast(pa.large_string())
    texts = texts.fill_null("") if texts.null_count else texts
    signed = sign(texts, params)
    absent = np.diff(signed.offsets) == 0
    width = 8 * signed.signatures.shape[1]
    every = np.arange(len(absent) + 1, dtype=np.int64)
    return pa.RecordBatch.from_arrays(
        [
            batch.column("doc_id"), batch.column("captured_at"),
            pa.array(signed.text_hash, pa.string()), pa.array(signed.content_hash, pa.string()),
            pa.array(signed.words), pa.array(signed.chars),
            _blobs(signed.signatures, every * width, absent),
            _blobs(signed.shingles, signed.offsets * 8, absent),
            _lists(signed.bands, absent),
            *(batch.column(name) for name in carried),
            *(beside(texts, batch) if beside is not None else ()),
        ],
        names=[
            *(column.split()[0] for column in SIGNED.split(", ")), *carried,
            *(beside.names if beside is not None else ()),
        ],
    )  # fmt: skip


def _blobs(values: npt.NDArray[np.uint64], offsets: npt.NDArray[np.int64], absent: npt.NDArray[np.bool_]) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(values).astype("<u8", copy=False))
    array = pa.Array.from_buffers(pa.binary(), len(absent), [None, pa.py_buffer(offsets.astype(np.int32)), data])
    return pc.if_else(pa.array(absent), pa.scalar(None, pa.binary()), array)


def _lists(bands: npt.NDArray[np.uint64], absent: npt.NDArray[np.bool_]) -> pa.Array:
    counts = np.where(absent, 0, bands.shape[1])
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = pa.array(np.ascontiguousarray(bands[~absent]).reshape(-1).view(np.int64))
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(absent))


def _views(data: npt.NDArray[np.uint8], bounds: npt.NDArray[np.int64]) -> Iterator[memoryview]:
    whole = memoryview(data.data)
    for row in range(len(bounds) - 1):
        yield whole[bounds[row] : bounds[row + 1]]


def _digest(data: memoryview) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
