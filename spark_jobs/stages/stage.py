"""What a stage is: a pure function from pinned DataFrames to DataFrames, and what it says about itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.lake.records import Publication
from spark_jobs.recipe.recipe import Recipe


@dataclass(frozen=True)
class OperatorRecord:
    """One operator as it ran, for the publication record; of a filter also its rules, as data."""

    name: str
    kind: str
    version: int
    params: Mapping[str, Any]
    fingerprint: str
    artefact: str | None = None
    rules: tuple[Mapping[str, Any], ...] = ()


class PinnedReader(Protocol):
    """Read-only view of the lake at the publications a stage resolved; every read is recorded as an input."""

    def partition(self, table: str, partition: str) -> DataFrame:
        """The current publication of one partition of a table (rows of that partition only)."""
        ...

    def partitions(self, table: str, partitions: tuple[str, ...] | None = None) -> DataFrame:
        """The current publications of several partitions of a table (None: all published), united."""
        ...

    def behind(self, of: str, table: str, partitions: tuple[str, ...]) -> DataFrame:
        """Rows of `table` that the current publications of `of` were made from; no inputs, `of` stands for them."""
        ...

    def whole(self, table: str) -> DataFrame:
        """A table without partitions (models, rewrite_cache, ...) as it is now."""
        ...

    def snapshots(self) -> tuple[str, ...]:
        """Snapshot ids in sequence order."""
        ...

    def earlier(self, table: str, partition: str, fits: Callable[[Publication], bool]) -> Publication | None:
        """The publication of the nearest earlier snapshot that fits: to compare with, recorded but no input."""
        ...


@dataclass(frozen=True, kw_only=True)
class StageContext:
    """What a stage may know. `partition` is the snapshot or release; `services` holds what is not pure."""

    spark: SparkSession
    recipe: Recipe
    partition: str
    inputs: PinnedReader
    scratch: str
    services: Mapping[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _message: None


@dataclass(frozen=True, kw_only=True)
class StageOutput:
    """The frames of a stage, lazily: the main table's, and those of its side tables by name.

    `facts` are small JSON-able facts for the publication record (plans, digests of lists, cuts that were derived).
    """

    main: DataFrame
    side: Mapping[str, DataFrame] = field(default_factory=dict)
    operators: tuple[OperatorRecord, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What the partition holds now: its publication and record, and exactly its rows and columns.

    It is given only where its inputs are still the current ones and no row of theirs was suppressed.
    """

    publication: str
    version: int
    record: Mapping[str, Any]
    rows: DataFrame


@runtime_checkable
class Redecidable(Protocol):
    """A stage that stores what it measured, so that moved verdicts follow from its own earlier output."""

    def redecide(self, context: StageContext, earlier: Earlier) -> StageOutput | None:
        """What `run` would give, made from the earlier rows; None where more than verdicts would change."""
        ...


class Stage(Protocol):
    """One step of the flow. `fingerprint_parts` is everything of its own that determines its output."""

    name: ClassVar[str]
    table: ClassVar[str]
    side_tables: ClassVar[tuple[str, ...]]
    upstream: ClassVar[tuple[str, ...]]
    scope: ClassVar[str]

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """JSON-able: operators with versions and params, digests of lists and models, package versions."""
        ...

    def run(self, context: StageContext) -> StageOutput:
        """Build the output frames. No action on data may be needed for a log line; nothing is collected."""
        ...
