"""A publication of `cleaned` as analysis sees it: its filters as they ran, its signals, and rows without their text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.operators.base import Rule

TOKENS = "token_count__tokens"
_RULE = ("reason", "signal", "minimum", "maximum", "exclusive")


@dataclass(frozen=True)
class StoredFilter:
    """A filter as it ran: its name, version and parameters, and its rules as data.

    `limited` are reasons whose rule has further bounds for some values of a column, which a record may not hold whole.
    """

    name: str
    version: int
    params: Mapping[str, Any] = field(hash=False)
    stated: tuple[Rule, ...]
    limited: frozenset[str] = frozenset()

    def rules(self) -> tuple[Rule, ...]:
        """The rules, as an operator gives them."""
        return self.stated


@dataclass(frozen=True)
class Stored:
    """One publication: id, version and record, and its rows. Columns of `rows` beside text may be selected freely."""

    snapshot: str
    publication: str
    version: int
    record: Mapping[str, Any]
    rows: DataFrame

    @property
    def filters(self) -> tuple[StoredFilter, ...]:
        """The filters in the order of the recipe."""
        return tuple(_stored(operator) for operator in self._operators("filters"))

    @property
    def editors(self) -> tuple[str, ...]:
        """Names of the editors in the order of the recipe."""
        return tuple(str(operator["name"]) for operator in self._operators("editors"))

    @property
    def signals(self) -> tuple[str, ...]:
        """Columns of the signals, in the order of the recipe."""
        return tuple(str(name) for name in self.record.get("facts", {}).get("signals", ()))

    @property
    def has_tokens(self) -> bool:
        """Whether the recipe counted tokens."""
        return TOKENS in self.signals

    def _operators(self, kind: str) -> Sequence[Mapping[str, Any]]:
        return [operator for operator in self.record.get("operators", ()) if operator["kind"] == kind]


def stored_of(lake: Lake, publication: Publication) -> Stored:
    """A publication as analysis sees it; its rows have the columns that it published, and no others."""
    record = publication.record
    rows = lake.read([publication]).select(*(F.col(f"`{name}`") for name in record["columns"]))
    return Stored(publication.partition, publication.id, publication.version, record, rows)


def published(lake: Lake, snapshots: Sequence[str] = ()) -> tuple[Stored, ...]:
    """The current publications of `cleaned`, of the named snapshots or of all. Raises NotFoundError."""
    return tuple(stored_of(lake, one) for one in require_published(lake, "cleaned", snapshots))


def require_published(lake: Lake, table: str, snapshots: Sequence[str] = ()) -> tuple[Publication, ...]:
    """The current publications of a table, of the named snapshots or of all. Raises NotFoundError, with the nearest."""
    current = lake.publications(table)
    if not current:
        raise NotFoundError(f"{lake.home}: nothing is published in {table}; build it with ./provender run")
    for snapshot in snapshots:
        if snapshot not in current:
            near = get_close_matches(snapshot, current, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(current))}"
            raise NotFoundError(f"{snapshot}: no such snapshot in {table}; {hint}")
    return tuple(current[name] for name in dict.fromkeys(snapshots or sorted(current)))


def _stored(operator: Mapping[str, Any]) -> StoredFilter:
    rules = tuple(Rule(**{name: rule[name] for name in _RULE if name in rule}) for rule in operator["rules"])
    limited = frozenset(str(rule["reason"]) for rule in operator["rules"] if rule.get("limits"))
    return StoredFilter(operator["name"], int(operator["version"]), operator["params"], rules, limited)
