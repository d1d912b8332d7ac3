"""How reasons lie over each other, from counted groups: in the order of the filters, alone, and filter by filter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spark_jobs.analysis.stored import StoredFilter

# What a row is dropped for before any filter sees it; its reasons are found in the data.
EXTRACTION = "extract"


@dataclass(frozen=True)
class Tally:
    """Documents, and their tokens."""

    documents: int = 0
    tokens: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.documents + other.documents, self.tokens + other.tokens)


Counted = Sequence[tuple[tuple[str, ...], Tally]]


@dataclass(frozen=True, kw_only=True)
class ReasonTally:
    """One reason: all documents that have it, those that no earlier reason had dropped, those that have no other."""

    reason: str
    all: Tally
    first: Tally
    alone: Tally


def kept(counted: Counted) -> Tally:
    """Documents without a reason."""
    return _sum(tally for reasons, tally in counted if not reasons)


def total(counted: Counted) -> Tally:
    """All documents."""
    return _sum(tally for _, tally in counted)


def reason_order(counted: Counted, filters: Sequence[StoredFilter]) -> tuple[str, ...]:
    """Every reason once: those of extraction as found, then those of the filters in their order."""
    stated = dict.fromkeys(f"{stored.name}.{rule.reason}" for stored in filters for rule in stored.rules())
    found = {reason for reasons, _ in counted for reason in reasons} - set(stated)
    return (*sorted(found), *stated)


def by_reason(counted: Counted, order: Sequence[str]) -> tuple[ReasonTally, ...]:
    """The tallies of every reason of `order`."""
    every: dict[str, Tally] = dict.fromkeys(order, Tally())
    first, alone = dict(every), dict(every)
    for reasons, tally in counted:
        for reason in set(reasons):
            every[reason] += tally
        if reasons:
            first[reasons[0]] += tally
        if len(set(reasons)) == 1:
            alone[reasons[0]] += tally
    return tuple(ReasonTally(reason=r, all=every[r], first=first[r], alone=alone[r]) for r in order)


def by_filter(counted: Counted, names: Sequence[str]) -> dict[str, Tally]:
    """Documents that a filter drops and no other one does; what would come back without it."""
    alone: dict[str, Tally] = dict.fromkeys(names, Tally())
    for reasons, tally in counted:
        droppers = filters_of(reasons)
        if len(droppers) == 1 and droppers[0] in alone:
            alone[droppers[0]] += tally
    return alone


def matrix(counted: Counted, names: Sequence[str]) -> Mapping[tuple[str, str], int]:
    """Documents that two filters both drop; on the diagonal, all that one drops."""
    cells = {(row, column): 0 for row in names for column in names}
    for reasons, tally in counted:
        droppers = filters_of(reasons)
        for row in droppers:
            for column in droppers:
                cells[row, column] += tally.documents
    return cells


def filters_of(reasons: Iterable[str]) -> tuple[str, ...]:
    """The filters behind some reasons, each once, in order."""
    return tuple(dict.fromkeys(reason.partition(".")[0] for reason in reasons))


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total += tally
    return total
