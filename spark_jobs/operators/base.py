"""What every operator is: the protocols, the declared pieces, and nothing that runs.

An operator is one file with one class in `extractors/ editors/ filters/ scorers/ selectors/ strategies/`; it is
found by its `name` (see `registry.py`), never listed. Operators do not import each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict
from pyspark.sql import DataFrame

from spark_jobs.text.batch import TextBatch

Floats = npt.NDArray[np.float64]


class Params(BaseModel):
    """Parameters of an operator: frozen, unknown keys forbidden, every bound with its unit in the description."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Signal:
    """One number an annotator measures; its column is `<operator>__<name>`, a double, null where not applicable."""

    name: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`signal` must lie in [minimum, maximum]; bounds are inclusive, None is off. Broken -> `reason`.

    With `exclusive` the bounds themselves break the rule. A null signal never breaks a rule.
    """

    reason: str
    signal: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False


@dataclass(frozen=True)
class Example:
    """A small input with what must come out; shown in the generated docs and run by the contract tests.

    `columns` are the other columns of the row (url, host, language, ...). `signals`, `reasons` and `text` are
    expected results; None means not stated.
    """

    text: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    signals: Mapping[str, float] | None = None
    reasons: tuple[str, ...] | None = None
    edited: str | None = None


@dataclass(frozen=True)
class Edits:
    """Edits of one kind: how many per row, and the characters they removed, fewer than 0 where they added some."""

    counts: npt.NDArray[np.int32]
    chars_removed: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Edited:
    """Texts after an edit, and per row how many edits were made. Characters removed are counted by the engine.

    An editor that does several things may say so: `kinds` are recorded each as `<editor>.<kind>`, instead of the
    whole; their counts and characters must add up to it.
    """

    texts: pa.Array
    counts: npt.NDArray[np.int32]
    kinds: Mapping[str, Edits] = field(default_factory=dict)


class Operator(Protocol):
    """Every operator: a name, an integer version that moves when its output can, and frozen parameters."""

    name: ClassVar[str]
    version: ClassVar[int]
    source: ClassVar[str]
    examples: ClassVar[tuple[Example, ...]]
    Params: ClassVar[type[Params]]
    params: Any


class Annotator(Operator, Protocol):
    """Adds signals to documents and removes nothing."""

    signals: ClassVar[tuple[Signal, ...]]

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Measure every document: signal name -> float64 array of `len(batch)`, NaN where not applicable."""
        ...


class Filter(Annotator, Protocol):
    """An annotator that also states rules, as data."""

    def rules(self) -> tuple[Rule, ...]:
        """The rules under the operator's parameters."""
        ...


class Editor(Operator, Protocol):
    """Changes text and says how often."""

    def edit(self, batch: TextBatch) -> Edited:
        """New texts for the batch, with the number of edits per document."""
        ...


class Scorer(Operator, Protocol):
    """Scores documents with a fitted model and removes nothing; how to fit the model is the scorer's own knowledge.

    A score's column is `<scorer>__<name>`, a double in [0, 1]. The model is a file, known by its digest.
    """

    kind: ClassVar[str]
    scores: ClassVar[tuple[Signal, ...]]

    def train(self, positives: Sequence[str], negatives: Sequence[str], target: str) -> None:
        """Fit on snippets and write the model's file at `target`: same input, same bytes."""
        ...

    def normalised(self, texts: pa.Array) -> pa.Array:
        """What the model sees of the texts; the same at fitting and at scoring."""
        ...

    def score(self, texts: pa.Array, model_path: str) -> Mapping[str, Floats]:
        """Score every document: score name -> float64 array of `len(texts)`, each in [0, 1]."""
        ...


class Selector(Operator, Protocol):
    """Says which documents of a pool are taken, from stored scores. It never reads text."""

    def score_column(self, available: Sequence[str]) -> str | None:
        """The score it decides by, of those that `scored` holds; None if it needs none. Raises RecipeError."""
        ...

    def select(self, pool: DataFrame) -> DataFrame:
        """The pool with a boolean `selected`.

        Columns: snapshot, doc_id, tokens (long), quality (double or null; higher is better), tie (hex, uniform),
        language, source, host.
        """
        ...


@dataclass(frozen=True)
class Parsed:
    """What a strategy found in one answer of a model: `text` is None unless `status` is `ok`."""

    status: str
    text: str | None = None


class Strategy(Operator, Protocol):
    """Asks a language model for a new text, and finds that text in the answer. It never calls the model itself."""

    grammars: ClassVar[tuple[str, ...]]
    echoes: ClassVar[tuple[str, ...]]

    def messages(self, draft: str, *, key: str) -> list[dict[str, str]]:
        """The chat to send for a draft; what varies between documents varies by a hash of `key`."""
        ...

    def prompt_digest(self) -> str:
        """Hex SHA-256 of the prompt's template and the parameters: a change makes new requests."""
        ...

    def grammar(self, kind: str, draft: str) -> str:
        """The form of the answer to a draft for constrained decoding, in a notation of `grammars` (`gbnf`, `regex`)."""
        ...

    def parse(self, output: str, finish_reason: str) -> Parsed:
        """The new text, or why the answer holds none."""
        ...
