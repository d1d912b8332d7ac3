"""A fastText classifier as arrays, read from its file: dictionary, input rows, output rows, tree of labels.

For prediction without a Python object or a C++ string per text (`fasttext_kernel.py`). Models that it cannot stand for
(word n-grams, a quantised output, one-versus-all) are left to the native library. File format: facebookresearch/
fastText, version 12.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spark_jobs.errors import RecipeError
from spark_jobs.text.native import kernel

HIERARCHICAL, SOFTMAX = 1, 3
LABEL: Final = "__label__"
_MAGIC: Final = 793712314
_VERSION: Final = 12
_SUPERVISED: Final = 3
_MAPPED_FROM: Final = 256 << 20  # larger matrices stay in the file, whose pages all workers share

Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class FastTextModel:
    """What prediction reads.

    `vocabulary` holds the bytes of all words, word i at `word_offsets[i]:word_offsets[i + 1]`; `slots` finds a word by
    its hash (open addressing, -1 is free). `kept` maps an n-gram bucket to its row after the words, -1 is none, and
    `present` has a bit a bucket: is there one; both are empty if every bucket has a row. `output` has a column a label,
    or for the tree a row an inner node; `left` and `right` are its children, leaves first.
    """

    labels: tuple[str, ...]
    vocabulary: Bytes
    word_offsets: npt.NDArray[np.int64]
    slots: Ints
    end_of_line: int
    kept: Ints
    present: Bytes
    bucket: int
    min_n: int
    max_n: int
    loss: int
    rows: Floats32
    output: Floats32
    left: Ints
    right: Ints


@lru_cache(maxsize=2)
def read_model(path: str) -> FastTextModel | None:
    """The model of a file; None if only the native library can use it. RecipeError if the file is none."""
    with Path(path).open("rb") as file:
        try:
            return _read(file, path)
        except (struct.error, ValueError, IndexError) as error:
            raise RecipeError(f"language model {path}: not a fastText model ({error}); give another file") from error


def _read(file: Any, path: str) -> FastTextModel | None:
    magic, version = _ints(file, 2)
    if magic != _MAGIC:
        raise ValueError("wrong first bytes")
    dim, _, _, _, _, word_ngrams, loss, kind, bucket, min_n, max_n, _ = _ints(file, 12)
    file.seek(8, 1)
    size, words, labels = _ints(file, 3)
    _, pruned = struct.unpack("<qq", file.read(16))
    if version != _VERSION or kind != _SUPERVISED:
        raise ValueError(f"version {version}, kind {kind}; a classifier of version {_VERSION} is needed")
    names, counts = _entries(file, size)
    kept = _kept(file, pruned, bucket if max_n > 0 else 0)
    quantised = file.read(1) != b"\0"
    rows = _quantised(file) if quantised else _dense(file, path)
    # The native library does not end on a file that is cut: it must be read to its end before that may load it.
    small_output = file.read(1) != b"\0" and quantised
    output = _quantised(file) if small_output else _dense(file, path)
    if rows.shape[1] != dim or output.shape != (labels, dim):
        raise ValueError("matrices do not fit the dictionary")
    if word_ngrams > 1 or small_output or loss not in (HIERARCHICAL, SOFTMAX):
        return None
    left, right = _tree(counts[words:]) if loss == HIERARCHICAL else (np.zeros(0, np.int32), np.zeros(0, np.int32))
    vocabulary = np.frombuffer(b"".join(names[:words]), np.uint8)
    word_offsets = np.zeros(words + 1, np.int64)
    np.cumsum([len(name) for name in names[:words]], out=word_offsets[1:])
    return FastTextModel(
        labels=tuple(name.decode("utf-8", "replace").removeprefix(LABEL) for name in names[words:]),
        vocabulary=vocabulary, word_offsets=word_offsets, slots=_slots(vocabulary, word_offsets),
        end_of_line=names.index(b"</s>") if b"</s>" in names[:words] else -1, kept=kept,
        present=np.packbits(kept >= 0, bitorder="little"), bucket=bucket,
        min_n=min_n, max_n=max_n, loss=loss, rows=rows,
        output=output if loss == HIERARCHICAL else np.ascontiguousarray(output.T), left=left, right=right,
    )  # fmt: skip


def _ints(file: Any, count: int) -> tuple[int, ...]:
    return struct.unpack(f"<{count}i", file.read(4 * count))


def _exactly(file: Any, size: int) -> bytes:
    data: bytes = file.read(size)
    if len(data) != size:
        raise ValueError("the file ends too early")
    return data


def _entries(file: Any, size: int) -> tuple[list[bytes], list[int]]:
    """Words, then labels, with how often each was seen."""
    names: list[bytes] = []
    counts: list[int] = []
    data, at = b"", 0
    while len(names) < size:
        end = data.find(b"\0", at)
        if end < 0 or len(data) < end + 10:
            more = file.read(1 << 20)
            if not more:
                raise ValueError("the dictionary ends too early")
            data, at = data[at:] + more, 0
            continue
        names.append(data[at:end])
        counts.append(int.from_bytes(data[end + 1 : end + 9], "little", signed=True))
        at = end + 10
    file.seek(at - len(data), 1)
    return names, counts


def _kept(file: Any, pruned: int, bucket: int) -> Ints:
    if pruned < 0:
        return np.zeros(0, np.int32)  # every bucket has its row
    kept = np.full(bucket, -1, np.int32)
    pairs = np.frombuffer(_exactly(file, 8 * pruned), "<i4").reshape(pruned, 2)
    kept[pairs[:, 0]] = pairs[:, 1]
    return kept


def _dense(file: Any, path: str) -> Floats32:
    rows, columns = struct.unpack("<qq", file.read(16))
    size, here = 4 * rows * columns, file.tell()
    if here + size > Path(path).stat().st_size:
        raise ValueError("a matrix ends too early")
    file.seek(size, 1)
    if size > _MAPPED_FROM:
        return np.memmap(path, "<f4", "r", here, (rows, columns))
    return np.fromfile(path, "<f4", rows * columns, offset=here).reshape(rows, columns)


def _quantised(file: Any) -> Floats32:
    """A product-quantised matrix, its rows restored as the library restores them."""
    with_norm = file.read(1) != b"\0"
    rows, columns = struct.unpack("<qq", file.read(16))
    (size,) = _ints(file, 1)
    codes = np.frombuffer(_exactly(file, size), np.uint8).reshape(rows, -1)
    parts, width, centroids = _quantiser(file)
    matrix = np.zeros((rows, columns), np.float32)
    for part in range(parts):
        begin, end = part * width, min((part + 1) * width, columns)
        table = centroids[256 * begin : 256 * end].reshape(256, end - begin)
        matrix[:, begin:end] = table[codes[:, part]]
    if with_norm:
        norm_codes = np.frombuffer(_exactly(file, rows), np.uint8)
        matrix *= _quantiser(file)[2][norm_codes][:, None]
    return matrix


def _quantiser(file: Any) -> tuple[int, int, Floats32]:
    dim, parts, width, _ = _ints(file, 4)
    return parts, width, np.frombuffer(_exactly(file, 4 * 256 * dim), "<f4")


def _tree(counts: list[int]) -> tuple[Ints, Ints]:
    """Children of the inner nodes of the Huffman tree over the labels, which come most frequent first."""
    leaves = len(counts)
    weights = [*counts, *([10**15] * (leaves - 1))]
    left, right = np.zeros(leaves - 1, np.int32), np.zeros(leaves - 1, np.int32)
    leaf, node = leaves - 1, leaves
    for i in range(leaves, 2 * leaves - 1):
        least = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                least.append(leaf)
                leaf -= 1
            else:
                least.append(node)
                node += 1
        left[i - leaves], right[i - leaves] = least
        weights[i] = weights[least[0]] + weights[least[1]]
    return left, right


@kernel
def fnv(data: Bytes, start: int, end: int) -> np.uint32:
    """The hash of fastText: FNV-1a on signed bytes."""
    value = np.uint32(2166136261)
    for i in range(start, end):
        value = np.uint32((value ^ np.uint32(np.int8(data[i]))) * np.uint32(16777619))
    return value


@kernel
def _slots(vocabulary: Bytes, offsets: npt.NDArray[np.int64]) -> Ints:
    size = 16
    while size < 2 * len(offsets):
        size *= 2
    slots = np.full(size, -1, np.int32)
    for word in range(len(offsets) - 1):
        at = np.int64(fnv(vocabulary, offsets[word], offsets[word + 1])) & (size - 1)
        while slots[at] >= 0:
            at = (at + 1) & (size - 1)
        slots[at] = word
    return slots
