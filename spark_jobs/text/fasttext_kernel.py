"""Prediction of a fastText classifier on UTF-8 buffers: the answers of the native library, without its strings.

The rows that a text names are added up (`fasttext_rows.py`); then come the scores of all labels. Nothing here knows
languages.
"""

from typing import Any

import numpy as np

from spark_jobs.text.fasttext_model import HIERARCHICAL, Bytes, FastTextModel, Floats32, Ints
from spark_jobs.text.fasttext_rows import Longs, add_rows, room_for
from spark_jobs.text.native import kernel

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
def _scores(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Longs, ends: Longs, dictionary: Any, settings: Any, matrices: Any, labels: int, least: float
) -> Floats32:
    """Score of each label for each text; all 0 for a text without a known word or n-gram."""
    rows, output, left, right = matrices
    vocabulary, offsets, slots, kept, present = dictionary
    end_of_line, bucket, min_n, max_n, loss = settings
    scores = np.zeros((len(starts), labels), np.float32)
    hidden = np.zeros(rows.shape[1], np.float32)
    longest = 0
    for text in range(len(starts)):
        longest = max(longest, ends[text] - starts[text])
    room = room_for(longest)
    for text in range(len(starts)):
        hidden[:] = 0
        count = add_rows(
            data, starts[text], ends[text], vocabulary, offsets, slots, kept, present, rows, room, hidden, bucket,
            (min_n, max_n),
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
            _down_the_tree(hidden, output, left, right, least, scores[text])
        else:
            _all_labels(hidden, output, scores[text])
    return scores


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
