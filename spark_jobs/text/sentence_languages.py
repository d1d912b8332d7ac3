"""The language of each sentence: a shared view over the sentences of a batch and a model of languages."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, Codes, Flags, encode
from spark_jobs.text.language import UNDETERMINED, label, split_label, utf8
from spark_jobs.text.native import kernel
from spark_jobs.text.sentences import sentences_of
from spark_jobs.text.spans import Bounds, Spans

_UNLABELLED = -1
_SURE = 0.25  # only the best label is read: no need to score the unlikely ones


@dataclass(frozen=True, eq=False)
class SentenceLanguages:
    """One entry a sentence: `numbers` point into `languages`, -1 for a sentence with too few letters to be labelled."""

    spans: Spans
    languages: tuple[str, ...]
    numbers: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float32]

    def agreement(self, documents: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Labelled sentences of each text, and those of them whose language is that of `documents`."""
        numbers = {language: number for number, language in enumerate(self.languages)}
        wanted = np.array([numbers.get(language, len(numbers)) for language in documents], np.int64)
        rows = np.repeat(np.arange(len(documents)), self.spans.counts)
        labelled = self.numbers != _UNLABELLED
        same = labelled & (self.numbers == wanted[rows])
        return (
            np.bincount(rows[labelled], minlength=len(documents)),
            np.bincount(rows[same], minlength=len(documents)),
        )


def sentence_languages(batch: TextBatch, model: str | None, *, most: int, min_letters: int) -> SentenceLanguages:
    """Languages of the first `most` sentences of each text, by the model of a path (None: lid.176).

    A sentence with fewer than `min_letters` letters has no label. Computed once per batch and settings.
    """
    key = ("sentence_languages", model, most, min_letters)
    return batch.shared(key, lambda: _labelled(batch, model, most, min_letters))


def _labelled(batch: TextBatch, model: str | None, most: int, min_letters: int) -> SentenceLanguages:
    spans = sentences_of(batch, most)
    characters = batch.characters
    codes, offsets = _lettered(characters.codes, characters.flags, spans.starts, spans.ends, max(min_letters, 1))
    buffer, bounds = utf8(encode(codes, offsets))
    found = label(buffer, bounds[:-1], bounds[1:], model, least=_SURE)
    names = [split_label(name)[0] for name in found.names]
    languages = tuple(dict.fromkeys([*names, UNDETERMINED]))
    place = {language: number for number, language in enumerate(languages)}
    language_of_label = np.array([place[name] for name in names], np.int64)
    there = np.diff(found.offsets) > 0
    numbers = np.full(len(spans.starts), _UNLABELLED, np.int64)
    scores = np.zeros(len(spans.starts), np.float32)
    tops = found.offsets[:-1][there]
    numbers[there] = language_of_label[found.numbers[tops]]
    scores[there] = found.scores[tops]
    return SentenceLanguages(spans, languages, numbers, scores)


@kernel
def _lettered(codes: Codes, flags: Flags, starts: Bounds, ends: Bounds, min_letters: int) -> tuple[Codes, Bounds]:
    """Characters of the spans with enough letters, one after the other; of the others none."""
    total = 0
    for span in range(len(starts)):
        total += ends[span] - starts[span]
    out = np.empty(total, np.uint32)
    offsets = np.zeros(len(starts) + 1, np.int64)
    count = 0
    for span in range(len(starts)):
        letters = 0
        for i in range(starts[span], ends[span]):
            letters += (flags[i] & LETTER) != 0
        if letters >= min_letters:
            for i in range(starts[span], ends[span]):
                out[count] = codes[i]
                count += 1
        offsets[span + 1] = count
    return out[:count].copy(), offsets
