"""Words of a list in texts, each language with a list of its own."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.words import Hashes, hash_of


def hashed(words: Sequence[str]) -> Hashes:
    """A list as `list_words` takes it."""
    return np.array(sorted({hash_of(word) for word in words}), np.uint64)


def list_words(
    batch: TextBatch, languages: Sequence[str | None], lists: Mapping[str, Hashes]
) -> npt.NDArray[np.float64]:
    """Tokens of each text that are in the list of its language; NaN where the language has no list."""
    found = np.full(len(batch), np.nan)
    rows_of: dict[str, list[int]] = {}
    for row, language in enumerate(languages):
        if language in lists:
            rows_of.setdefault(str(language), []).append(row)
    words = batch.words
    for language, rows in rows_of.items():
        listed = lists[language]
        for row in rows:
            tokens = words.hashes[words.offsets[row] : words.offsets[row + 1]]
            places = np.minimum(np.searchsorted(listed, tokens), max(len(listed) - 1, 0))
            found[row] = np.count_nonzero(listed[places] == tokens) if len(listed) else 0
    return found
