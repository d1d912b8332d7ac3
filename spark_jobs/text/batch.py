"""A batch of documents as operators see it: texts as an Arrow array, further columns by name, and shared views.

Views (characters, words, lines, paragraphs) are computed by native kernels on first use and then shared by all
operators of the pass. A batch never changes; an edit makes a new one.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.text import segmentation, spans, words
from spark_jobs.text.characters import Characters, decode
from spark_jobs.text.spans import Spans
from spark_jobs.text.words import Words

View = TypeVar("View")


@dataclass(frozen=True, eq=False)
class TextBatch:
    """Documents of one pass. `texts` has no nulls (a missing text is ""); each of `columns` is as long.

    `words_by` says what cuts words where scripts put no spaces: `icu` or `characters`.
    """

    texts: pa.LargeStringArray
    columns: Mapping[str, pa.Array] = field(default_factory=dict)
    words_by: str = segmentation.ICU
    _views: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that all columns are of one length."""
        for name, column in self.columns.items():
            if len(column) != len(self.texts):
                raise ValueError(f"column {name} has {len(column)} rows for {len(self.texts)} texts")

    @classmethod
    def of(cls, texts: pa.Array | pa.ChunkedArray, **columns: pa.Array) -> "TextBatch":
        """A batch over any Arrow string array; nulls become empty texts."""
        flat = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        large = flat.cast(pa.large_string())
        return cls(large.fill_null("") if large.null_count else large, columns)

    @classmethod
    def from_texts(cls, texts: Sequence[str | None], **columns: Sequence[Any]) -> "TextBatch":
        """A batch from Python values, for tests and examples."""
        arrays = {name: pa.array(values) for name, values in columns.items()}
        return cls.of(pa.array(texts, pa.large_string()), **arrays)

    def with_texts(self, texts: pa.Array) -> "TextBatch":
        """The same documents with other texts; nothing that was computed carries over."""
        return replace(TextBatch.of(texts, **self.columns), words_by=self.words_by)

    def with_columns(self, columns: Mapping[str, pa.Array]) -> "TextBatch":
        """The same documents and texts with further columns; views that were computed stay."""
        batch = TextBatch(self.texts, {**self.columns, **columns})
        # All but the columns: the views, and what else was derived from the texts.
        batch.__dict__.update({name: value for name, value in self.__dict__.items() if name != "columns"})
        return batch

    def __len__(self) -> int:
        """Number of documents."""
        return len(self.texts)

    def column(self, name: str) -> pa.Array:
        """Another column of the documents (url, host, language, ...); KeyError names those that are there."""
        if name not in self.columns:
            raise KeyError(f"no column {name} in the batch; it has {', '.join(sorted(self.columns)) or 'none'}")
        return self.columns[name]

    def shared(self, key: Hashable, compute: Callable[[], View]) -> View:
        """A view that several operators use: computed once per batch and key."""
        if key not in self._views:
            self._views[key] = compute()
        return cast(View, self._views[key])

    @cached_property
    def characters(self) -> Characters:
        """Code points and their flags."""
        return decode(self.texts)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Characters (code points) per text."""
        return np.diff(self.characters.offsets)

    @cached_property
    def words(self) -> Words:
        """Tokens with their hashes."""
        found = words.split_words(self.characters)
        return segmentation.segment(self.characters, found) if self.words_by == segmentation.ICU else found

    @cached_property
    def word_counts(self) -> npt.NDArray[np.int64]:
        """Tokens per text, punctuation tokens too."""
        return np.diff(self.words.offsets)

    @cached_property
    def lines(self) -> Spans:
        """Lines at all Unicode line ends."""
        return spans.line_spans(self.characters)

    @cached_property
    def newline_pieces(self) -> Spans:
        """Pieces between runs of newlines."""
        return spans.newline_spans(self.characters)

    @cached_property
    def paragraphs(self) -> Spans:
        """Pieces between empty lines."""
        return spans.paragraph_spans(self.characters)
