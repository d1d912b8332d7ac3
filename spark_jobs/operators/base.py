"""What every operator is: the protocols, the declared pieces, and nothing that runs.

An operator is one file with one class in `extractors/ editors/ filters/ scorers/ selectors/ strategies/`; it is
found by its `name` (see `registry.py`), never listed. Operators do not import each other.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator
from pyspark.sql import DataFrame

from spark_jobs.operators.faults import MisfitError, refuse_truth
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Bounds, Limits, bounds_at, places

# A record in the lake is small: longer tables of limits are named by their digest there.
MOST_RECORDED_LIMITS = 200

Floats = npt.NDArray[np.float64]


class Params(BaseModel):
    """Parameters of an operator: frozen, unknown keys forbidden, every bound with its unit in the description.

    A `min_x` above its `max_x`, a number that is not finite, and true or false for a number are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _numbers_are_numbers(cls, value: Any, info: ValidationInfo) -> Any:
        refuse_truth(value, cls.model_fields[str(info.field_name)].annotation)
        return value

    @model_validator(mode="after")
    def _bounds_leave_room(self) -> Self:
        for name, low in self:
            other = f"max_{name.removeprefix('min_')}"
            high = getattr(self, other, None) if name.startswith("min_") else None
            if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
                key = name if name in self.model_fields_set else other
                raise MisfitError(f"{name} {low:g} is more than {other} {high:g}: nothing could pass", key)
        return self


@dataclass(frozen=True)
class Signal:
    """One number an annotator measures; its column is `<operator>__<name>`, a double, null where not applicable."""

    name: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`signal` must lie in [minimum, maximum]; bounds are inclusive, None is off. Broken -> `reason`.

    With `exclusive` the bounds themselves break the rule. A null signal never breaks a rule. `limits` has other bounds
    for documents of listed languages (or of another column's values); the rest has `minimum` and `maximum`.
    """

    reason: str
    signal: str
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False
    limits: Limits | None = field(default=None, hash=False)

    def bounds(self, batch: TextBatch) -> Bounds:
        """The bounds that apply to the documents of a batch; KeyError if it lacks a column of `limits`."""
        own = Bounds(minimum=self.minimum, maximum=self.maximum, exclusive=self.exclusive)
        if self.limits is None:
            return own
        by, known = self.limits.by, self.limits.known
        columns = {name: batch.column(name) for name in by}
        rows = batch.shared(("limits", by, known), lambda: places(by, known, columns, len(batch)))
        return bounds_at(self.limits, rows, own)

    def record(self) -> dict[str, Any]:
        """The rule as plain values for the publication record; a long table of limits by its size and SHA-256."""
        plain = asdict(self)
        if self.limits is None:
            del plain["limits"]
            return plain
        table = {value: list(bounds) for value, bounds in self.limits.bounds.items()}
        known: dict[str, Any] = {"by": list(self.limits.by), "bounds": table}
        if len(table) > MOST_RECORDED_LIMITS:
            text = json.dumps(table, sort_keys=True)
            known = {"by": known["by"], "values": len(table), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        return plain | {"limits": known}

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> "Rule":
        """The rule from its record. ValueError where a table of limits is recorded by its digest only."""
        limits = record.get("limits")
        if limits is None:
            return cls(**record)
        if "bounds" not in limits:
            raise ValueError(f"{record['reason']}: its {limits['values']} limits are recorded by their digest only")
        bounds = {value: (low, high) for value, (low, high) in limits["bounds"].items()}
        return cls(**{**record, "limits": Limits(by=tuple(limits["by"]), bounds=bounds)})


@dataclass(frozen=True)
class Example:
    """A small input with what must come out; shown in the generated docs and run by the contract tests.

    `columns` are the other columns of the row (url, host, language, ...), `params` what differs from the defaults.
    `signals`, `reasons` and `edited` are expected results; None means not stated.
    """

    text: str
    columns: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
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

    `facts` is what the editor alone knows of its edits and a later filter judges by: numbers per document, which the
    pass hands on as columns `<editor>__<fact>` of the batch. They are not stored.

    An editor that does several things may say so: `kinds` are recorded each as `<editor>.<kind>`, instead of the
    whole; their counts and characters must add up to it.
    """

    texts: pa.Array
    counts: npt.NDArray[np.int32]
    facts: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict, kw_only=True)
    kinds: Mapping[str, Edits] = field(default_factory=dict, kw_only=True)


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
    """An annotator that also states rules, as data.

    A filter may name editors that it must come before (`before`: it measures what they edit) or that must have run
    (`after`: it judges by the facts that they state).
    """

    def rules(self) -> tuple[Rule, ...]:
        """The rules under the operator's parameters."""
        ...


class Editor(Operator, Protocol):
    """Changes text and says how often; one that states facts for later filters lists them in `facts`.

    Its own output it leaves alone; an editor that does not has a class attribute `idempotent` that is False.
    """

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
