"""Statistics of reference documents by language, from which thresholds, stop words and word lists are derived.

All of them are counts: histograms of quantised values, and words. So they add up in any order, and a result depends
neither on how documents are cut into batches nor on who counts them. What is made of the counts is not here.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.words import ALPHABETIC

SCALE: Final = 10_000  # values are kept to four digits
DOCUMENTS: Final = "documents"
LANGUAGE_SCORE: Final = "language_score"
_WORD: Final = "word"
_SCHEMA: Final = "language STRING, statistic STRING, value STRING, occurrences LONG"

# Statistic -> the filter that measures it and its signal.
MEASURED: Final[Mapping[str, tuple[str, str]]] = {
    "dup_line_frac": ("gopher_repetition", "duplicate_line_ratio"),
    **{f"top_{n}_gram": ("gopher_repetition", f"top_{n}_gram_char_ratio") for n in (2, 3, 4)},
    **{f"dup_{n}_gram": ("gopher_repetition", f"duplicate_{n}_gram_char_ratio") for n in (5, 6, 7, 8, 9, 10)},
    "line_punct": ("fineweb_quality", "terminal_line_ratio"),
    "new_line_ratio": ("fineweb_quality", "newline_word_ratio"),
    "avg_word_length": ("gopher_quality", "mean_word_length_chars"),
    "alpha_words_ratio": ("gopher_quality", "alphabetic_word_ratio"),
}


@dataclass
class ReferenceStatistics:
    """Counts by language: documents, values of each statistic (in 1/SCALE), and words that hold a letter."""

    documents: Counter[str] = field(default_factory=Counter)
    values: dict[tuple[str, str], Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    words: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, language: str, statistic: str, value: str, occurrences: int) -> None:
        """One entry, as `entries` gives them."""
        if statistic == DOCUMENTS:
            self.documents[language] += occurrences
        elif statistic == _WORD:
            self.words[language][value] += occurrences
        else:
            self.values[language, statistic][int(value)] += occurrences

    def entries(self) -> Iterator[tuple[str, str, str, int]]:
        """Everything as (language, statistic, value, occurrences), in no particular order."""
        yield from ((language, DOCUMENTS, "", count) for language, count in self.documents.items())
        for (language, statistic), values in self.values.items():
            yield from ((language, statistic, str(value), count) for value, count in values.items())
        for language, words in self.words.items():
            yield from ((language, _WORD, word, count) for word, count in words.items())

    def digest(self) -> str:
        """Hex SHA-256 of all counts: which reference it was."""
        lines = sorted("\t".join((*entry[:3], str(entry[3]))) for entry in self.entries())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def statistics_of(batches: Iterable[TextBatch]) -> ReferenceStatistics:
    """Count documents with the columns `language` and `language_score`; those without a language are left out."""
    found = ReferenceStatistics()
    filters = {name: registry.build("filters", name) for name in sorted({name for name, _ in MEASURED.values()})}
    for batch in batches:
        languages = batch.column("language").to_pylist()
        found.documents.update(name for name in languages if name)
        signals = {name: operator.annotate(batch) for name, operator in filters.items()}
        measured = {key: signals[name][signal] for key, (name, signal) in MEASURED.items()}
        measured[LANGUAGE_SCORE] = np.array(batch.column("language_score").to_pylist(), np.float64)
        for statistic, values in measured.items():
            for language, value in zip(languages, values.tolist(), strict=True):
                if language and not np.isnan(value):
                    found.values[language, statistic][round(value * SCALE)] += 1
        _count_words(batch, languages, found)
    return found


def statistics_of_frame(documents: DataFrame) -> ReferenceStatistics:
    """The same over a frame with text, language and language_score, counted by the workers.

    What comes to the driver is the counts, as many rows as there are values and words.
    """
    rows = documents.select("text", "language", "language_score").mapInArrow(_counted, _SCHEMA)
    summed = rows.groupBy("language", "statistic", "value").agg(F.sum("occurrences").alias("occurrences"))
    found = ReferenceStatistics()
    for row in summed.toLocalIterator():
        found.add(row["language"], row["statistic"], row["value"], row["occurrences"])
    return found


def _counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for rows in batches:
        batch = TextBatch.of(rows["text"], language=rows["language"], language_score=rows["language_score"])
        columns: Any = list(zip(*statistics_of([batch]).entries(), strict=True)) or [(), (), (), ()]
        types = (pa.string(), pa.string(), pa.string(), pa.int64())
        arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, ["language", "statistic", "value", "occurrences"])


def _count_words(batch: TextBatch, languages: list[str | None], found: ReferenceStatistics) -> None:
    words, codes = batch.words, batch.characters.codes
    names = sorted({name for name in languages if name})
    place = {name: number for number, name in enumerate(names)}
    owner = np.repeat(np.array([place.get(name or "", -1) for name in languages], np.int64), batch.word_counts)
    lettered = ((words.traits & ALPHABETIC) != 0) & (owner >= 0)
    for number, language in enumerate(names):
        tokens = np.flatnonzero(lettered & (owner == number))
        _, first, counts = np.unique(words.hashes[tokens], return_index=True, return_counts=True)
        counted = found.words[language]
        for token, count in zip(tokens[first].tolist(), counts.tolist(), strict=True):
            start = words.starts[token]
            counted[codes[start : start + words.lengths[token]].astype("<u4").tobytes().decode("utf-32-le")] += count
