"""A second opinion on duplicates: two texts compared in plain Python, without hash, signature or kernel.

The normal form's table of code points is all that is shared with what is checked. It is slow, and meant for samples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from spark_jobs.dedup.exact import BYTES, TEXT
from spark_jobs.dedup.normal_form import ALONE, DIGIT, GONE, MARK, SEPARATOR, FoldTable, Marks, fold_table
from spark_jobs.dedup.signatures import MinHash

_DECIMAL_MARKS = frozenset(".,\u066b")
# Steps whose evidence two whole texts can prove.
STEPS = (BYTES, TEXT, "minhash")
CHECKED = "doc_id STRING, true_similarity DOUBLE"


@dataclass(frozen=True)
class _Folding:
    table: FoldTable

    def kind(self, character: str) -> int:
        return int(self.table.kind[ord(character)])

    def fold(self, character: str) -> str:
        code = ord(character)
        first = int(self.table.start[code])
        return "".join(chr(c) for c in self.table.flat[first : first + int(self.table.count[code])])


def normal_words(text: str, marks: Marks) -> list[str]:
    """Words of the normal form of a text."""
    folding, words, word = _Folding(fold_table(marks)), [], ""
    known: dict[str, tuple[int, str]] = {}
    alone, at = False, 0
    while at < len(text):
        character = text[at]
        if character not in known:
            known[character] = (folding.kind(character), folding.fold(character))
        kind, folded = known[character]
        at += 1
        if kind == GONE:
            continue
        # A sign of a script without spaces keeps its marks and nothing else.
        if word and (kind in (SEPARATOR, ALONE) or (alone and kind != MARK)):
            words.append(word)
            word = ""
        if kind == SEPARATOR:
            continue
        if not word:
            alone = kind == ALONE
        if kind == DIGIT:
            at, folded = _after_number(text, at, folding), "0"
        word += folded
    return [*words, word] if word else words


def _after_number(text: str, at: int, folding: _Folding) -> int:
    """The place behind a number whose first digit was read: digits, and once a decimal mark with a digit behind it."""

    def digits(place: int) -> int:
        while place < len(text) and folding.kind(text[place]) in (DIGIT, GONE):
            place += 1
        return place

    at = digits(at)
    if at == len(text) or text[at] not in _DECIMAL_MARKS:
        return at
    behind = at + 1
    while behind < len(text) and folding.kind(text[behind]) == GONE:
        behind += 1
    return digits(behind) if behind < len(text) and folding.kind(text[behind]) == DIGIT else at


def shingles(text: str, params: MinHash) -> frozenset[tuple[str, ...]]:
    """The distinct shingles of a text; none where it has fewer units than one."""
    words = normal_words(text, params.marks)
    units = list("".join(words)) if params.unit == "characters" else words
    return frozenset(tuple(units[at : at + params.ngram]) for at in range(len(units) - params.ngram + 1))


def true_similarity(step: str, text: str, other: str, params: MinHash) -> float:
    """What a step's evidence should say of two texts: 1 or 0 of exact steps, else the Jaccard of their shingles."""
    if step == BYTES:
        return float(text == other)
    if step == TEXT:
        words, others = (normal_words(one, params.marks) for one in (text, other))
        return float(words == others if words or others else text == other)
    mine, its = shingles(text, params), shingles(other, params)
    return len(mine & its) / len(mine | its) if mine or its else 0.0


def check(batches: Iterator[pa.RecordBatch], params: MinHash, max_chars: int) -> Iterator[pa.RecordBatch]:
    """For `mapInArrow` over doc_id, step, text, other; columns as in `CHECKED`.

    The similarity is -1 where a text is missing, and null where one is longer than `max_chars`.
    """
    for batch in batches:
        found: list[float | None] = []
        columns = (batch.column(name).to_pylist() for name in ("step", "text", "other"))
        for step, text, other in zip(*columns, strict=True):
            if text is None or other is None:
                found.append(-1.0)
            elif max(len(text), len(other)) > max_chars:
                found.append(None)
            else:
                found.append(true_similarity(step, text, other, params))
        yield pa.RecordBatch.from_arrays(
            [batch.column("doc_id"), pa.array(found, pa.float64())], names=["doc_id", "true_similarity"]
        )
