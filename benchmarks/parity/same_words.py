"""A batch whose view of words is another program's: its tokens found again in the text, with our hashes and traits."""

from collections.abc import Sequence

import numpy as np

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, MARK, NUMBER, flag_table
from spark_jobs.text.words import ALPHABETIC, LEXICAL, Words, hash_of


def with_words(batch: TextBatch, words: Sequence[Sequence[str]]) -> TextBatch:
    """The same texts with these tokens, one list a text; raises ValueError for a token that is not in its text."""
    fed = TextBatch(batch.texts, batch.columns)
    starts: list[int] = []
    offsets = [0]
    for text, tokens, offset in zip(batch.texts.to_pylist(), words, batch.characters.offsets, strict=False):
        at = 0
        for token in tokens:
            at = text.index(token, at)
            starts.append(int(offset) + at)
            at += len(token)
        offsets.append(len(starts))
    flat = [token for tokens in words for token in tokens]
    known = {token: (hash_of(token), _traits(token)) for token in set(flat)}
    view = Words(
        np.array(starts, dtype=np.int32),
        np.array([len(token) for token in flat], dtype=np.int32),
        np.array([known[token][0] for token in flat], dtype=np.uint64),
        np.array([known[token][1] for token in flat], dtype=np.uint8),
        np.array(offsets, dtype=np.int64),
    )
    # A cached property reads what lies under its name.
    vars(fed)["words"] = view
    return fed


def _traits(token: str) -> int:
    seen = 0
    for character in token:
        seen |= int(flag_table()[ord(character)])
    return (ALPHABETIC if seen & LETTER else 0) | (LEXICAL if seen & (LETTER | NUMBER | MARK) else 0)
