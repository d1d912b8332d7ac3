"""Prediction of a fastText classifier on UTF-8 buffers: the answers of the native library, without its strings.

One scan over the bytes of a text hashes words and character n-grams and adds their rows in the library's order; then
come the scores of all labels. Nothing here knows languages.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.fasttext_model import HIERARCHICAL, Bytes, FastTextModel, Floats32, Ints
from spark_jobs.text.native import kernel

Longs = npt.NDArray[np.int64]
_SEPARATORS = (0x20, 0x0A, 0x0D, 0x09, 0x0B, 0x0C, 0x00)
_FIRST_BYTES = (0xC2, 0xE2)  # of the separators beyond ASCII
_LABEL_BYTES = np.frombuffer(b"__label__", np.uint8)
_END = np.frombuffer(b"</s>", np.uint8)
_OPEN, _CLOSE = 0x3C, 0x3E  # fastText puts < and > around a word
_MOST_NGRAMS = 64  # of one place in a word; no model asks for more
_NOT_ZERO = 1e-5  # what the library adds to each probability before its logarithm


def predict(
    model: FastTextModel, buffer: Bytes, starts: Longs, ends: Longs, *, least: float
) -> tuple[Longs, Ints, Floats32]:
    """Labels of each text `buffer[starts[i]:ends[i]]`: (offsets, label numbers, scores), best first.

    Always the best label, further ones from the score `least` on; ties by label number. Scores are the library's,
    at most 1. All Unicode line ends separate words; the library's own mark for the end of a line has no meaning in
    a text.
    """
    scores = _scores(
        buffer, starts, ends,
        (model.vocabulary, model.word_offsets, model.slots, model.kept, model.present),
        (model.end_of_line, model.bucket, model.min_n, model.max_n, model.loss),
        (model.rows, model.output, model.left, model.right),
        len(model.labels), least,
    )  # fmt: skip
    return _ranked(scores, float(np.float32(least)))


@kernel
def _separator(data: Bytes, i: int, end: int) -> int:
    """Bytes of the white space at i, 0 if there is none."""
    byte = data[i]
    if byte in _SEPARATORS:
        return 1
    if byte == 0xC2 and i + 1 < end and data[i + 1] == 0x85:
        return 2
    if byte == 0xE2 and i + 2 < end and data[i + 1] == 0x80 and (data[i + 2] == 0xA8 or data[i + 2] == 0xA9):
        return 3
    return 0


@kernel
def _starts_with(data: Bytes, start: int, end: int, prefix: Bytes) -> bool:
    same = end - start >= len(prefix)
    for k in range(len(prefix)):
        same = same and data[start + k] == prefix[k]
    return same


@kernel
def _add(hidden: Floats32, rows: Floats32, ids: Longs, count: int) -> None:
    for k in range(count):
        row = ids[k]
        for d in range(len(hidden)):
            hidden[d] += rows[row, d]


@kernel
def _hidden(  # noqa: C901, PLR0912, PLR0915, PLR0917 - the hot loop: calls and tuples of arrays cost most of it
    data: Bytes,
    begin: int,
    end: int,
    vocabulary: Bytes,
    offsets: Longs,
    slots: Ints,
    kept: Ints,
    present: Bytes,
    rows: Floats32,
    ids: Longs,
    hidden: Floats32,
    bucket: int,
    min_n: int,
    max_n: int,
) -> int:
    """Add the rows of the words and character n-grams of a text to `hidden`, in order; how many there were."""
    words = len(offsets) - 1
    mask = len(slots) - 1
    pruned = len(kept) > 0
    divisor = 1.0 / max(bucket, 1)
    prime = np.uint32(16777619)
    total = 0
    filled = 0
    i = begin
    while i < end:
        step = _separator(data, i, end)
        if step:
            i += step
            continue
        value = np.uint32(2166136261)
        stop = i
        while stop < end:
            byte = data[stop]
            if (byte <= 0x20 or byte in _FIRST_BYTES) and _separator(data, stop, end):
                break
            value = np.uint32((value ^ np.uint32(np.int8(byte))) * prime)
            stop += 1
        size = stop - i
        if size == 4 and _starts_with(data, i, stop, _END):
            i = stop
            continue
        word = -1
        at = np.int64(value) & mask
        while slots[at] >= 0:
            first = offsets[slots[at]]
            if offsets[slots[at] + 1] - first == size:
                k = 0
                while k < size and vocabulary[first + k] == data[i + k]:
                    k += 1
                if k == size:
                    word = int(slots[at])
                    break
            at = (at + 1) & mask
        if word >= 0:
            ids[filled] = word
            filled += 1
        elif _starts_with(data, i, stop, _LABEL_BYTES):
            i = stop
            continue
        # Positions of the n-grams: 0 is "<", then the bytes of the word, size + 1 is ">".
        start = 0
        while start < size + 2 and max_n > 0:
            value = np.uint32(2166136261)
            j = start
            n = 1
            while j < size + 2 and n <= max_n:
                byte = np.uint8(_OPEN) if j == 0 else (np.uint8(_CLOSE) if j == size + 1 else data[i + j - 1])
                value = np.uint32((value ^ np.uint32(np.int8(byte))) * prime)
                j += 1
                while 1 < j < size + 1 and (data[i + j - 1] & 0xC0) == 0x80:
                    value = np.uint32((value ^ np.uint32(np.int8(data[i + j - 1]))) * prime)
                    j += 1
                if n >= min_n and not (n == 1 and (start == 0 or j == size + 2)):
                    # The remainder by multiplication: a division of integers takes longer than all the rest.
                    number = np.int64(value) - np.int64(np.float64(value) * divisor) * bucket
                    if number < 0:
                        number += bucket
                    elif number >= bucket:
                        number -= bucket
                    if pruned:
                        # Few n-grams are left in a small model: eight of ten end here, in a table that stays in cache.
                        there = (present[number >> 3] >> (number & 7)) & 1
                        number = np.int64(kept[number]) if there else np.int64(-1)
                    if number >= 0:
                        ids[filled] = words + number
                        filled += 1
                n += 1
            start += 1
            while 1 < start < size + 1 and (data[i + start - 1] & 0xC0) == 0x80:
                start += 1
            if filled > len(ids) - 2 * _MOST_NGRAMS:
                _add(hidden, rows, ids, filled)
                total += filled
                filled = 0
        i = stop
        if filled > len(ids) - 2 * _MOST_NGRAMS:
            _add(hidden, rows, ids, filled)
            total += filled
            filled = 0
    _add(hidden, rows, ids, filled)
    return total + filled


@kernel
def _scores(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Longs, ends: Longs, dictionary: Any, settings: Any, matrices: Any, labels: int, least: float
) -> Floats32:
    """Score of each label for each text; all 0 for a text without a known word or n-gram."""
    rows, output, left, right = matrices
    vocabulary, offsets, slots, kept, present = dictionary
    end_of_line, bucket, min_n, max_n, loss = settings
    found = np.zeros((len(starts), labels), np.float32)
    hidden = np.zeros(rows.shape[1], np.float32)
    ids = np.empty(4096, np.int64)
    for text in range(len(starts)):
        hidden[:] = 0
        count = _hidden(
            data, starts[text], ends[text], vocabulary, offsets, slots, kept, present, rows, ids, hidden,
            bucket, min_n, max_n,
        )  # fmt: skip
        if end_of_line >= 0:
            for d in range(len(hidden)):
                hidden[d] += rows[end_of_line, d]
            count += 1
        if count == 0:
            continue
        for d in range(len(hidden)):
            hidden[d] *= np.float32(1.0 / count)
        if loss == HIERARCHICAL:
            _down_the_tree(hidden, output, left, right, least, found[text])
        else:
            _all_labels(hidden, output, found[text])
    return found


@kernel
def _down_the_tree(  # noqa: PLR0917 - numba takes no keywords
    hidden: Floats32, output: Floats32, left: Ints, right: Ints, least: float, scores: Floats32
) -> None:
    """Scores of the leaves that reach `least`; those of others stay 0, unless none does."""
    leaves = len(scores)
    logs = np.zeros(2 * leaves - 1, np.float32)
    limit = np.float32(np.log(least + _NOT_ZERO)) if least > 0 else np.float32(-np.inf)
    reached = False
    for node in range(2 * leaves - 2, leaves - 1, -1):
        inner = node - leaves
        if logs[node] < limit:
            logs[left[inner]] = logs[node]
            logs[right[inner]] = logs[node]
            continue
        product = np.float32(0)
        for d in range(len(hidden)):
            product += output[inner, d] * hidden[d]
        up = np.float32(1.0 / (1.0 + np.exp(-product)))
        logs[left[inner]] = np.float32(logs[node] + np.float32(np.log(np.float32(1.0 - up) + _NOT_ZERO)))
        logs[right[inner]] = np.float32(logs[node] + np.float32(np.log(up + _NOT_ZERO)))
    for leaf in range(leaves):
        if logs[leaf] >= limit:
            scores[leaf] = np.exp(logs[leaf])
            reached = True
    if not reached and least > 0:
        _down_the_tree(hidden, output, left, right, 0.0, scores)


@kernel
def _all_labels(hidden: Floats32, output: Floats32, scores: Floats32) -> None:
    for d in range(len(hidden)):
        for label in range(len(scores)):
            scores[label] += hidden[d] * output[d, label]
    most = scores.max()
    total = np.float32(0)
    for label in range(len(scores)):
        scores[label] = np.exp(scores[label] - most)
        total += scores[label]
    for label in range(len(scores)):
        scores[label] = np.float32(scores[label] / total + _NOT_ZERO)


@kernel
def _ranked(scores: Floats32, least: float) -> tuple[Longs, Ints, Floats32]:
    texts, labels = scores.shape
    offsets = np.zeros(texts + 1, np.int64)
    total = 0
    for text in range(texts):
        above = 0
        for label in range(labels):
            above += scores[text, label] >= least
        total += max(above, 1)
    numbers = np.empty(total, np.int32)
    values = np.empty(total, np.float32)
    count = 0
    for text in range(texts):
        row = scores[text]
        best = np.argmax(row)
        if row[best] > 0:
            begin = count
            for label in range(labels):
                if label == best or row[label] >= least:
                    at = count
                    while at > begin and values[at - 1] < row[label]:
                        values[at] = values[at - 1]
                        numbers[at] = numbers[at - 1]
                        at -= 1
                    values[at] = row[label]
                    numbers[at] = label
                    count += 1
        offsets[text + 1] = count
    for i in range(count):
        values[i] = min(values[i], np.float32(1.0))
    return offsets, numbers[:count].copy(), values[:count].copy()
