"""What would be kept under other bounds or without a filter, of some publications of `cleaned`, before and after."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame

from spark_jobs.analysis import overlap
from spark_jobs.analysis.changes import Change, apply
from spark_jobs.analysis.overlap import EXTRACTION, Counted, Tally
from spark_jobs.analysis.stored import Stored, StoredFilter
from spark_jobs.analysis.verdicts import Group, by_key, groups, verdicts


def whatif(
    stored: Sequence[Stored], changes: Sequence[Change], without: Sequence[str] = (), *, by: str | None = None, top: int
) -> dict[str, Any]:
    """JSON-able: totals, reasons and overlap before and after; with `by` also the `top` values of that column."""
    moved = {one.publication: apply(one.filters, changes, without) for one in stored}
    rows = reduce(DataFrame.unionAll, (verdicts(one, moved[one.publication], by) for one in stored))
    found = groups(rows)
    tokens = all(one.has_tokens for one in stored)
    before, after = _counted(found, "before"), _counted(found, "after")
    result: dict[str, Any] = {
        "snapshots": [{"snapshot": s.snapshot, "publication": s.publication, "version": s.version} for s in stored],
        "changes": [_told(change, stored) for change in changes],
        "without": list(without),
        "counts_tokens": tokens,
        "all": asdict(overlap.total(before)),
        "before": asdict(overlap.kept(before)),
        "after": asdict(overlap.kept(after)),
        "newly_kept": asdict(_moved(found, into=True)),
        "newly_dropped": asdict(_moved(found, into=False)),
        "reasons": _reasons(stored, moved, before, after),
        "overlap": {"before": _matrix(before, stored[-1].filters), "after": _matrix(after, stored[-1].filters)},
    }
    if by:
        result["by"] = {"column": by, "rows": by_key(rows, top)}
    return result


def _told(change: Change, stored: Sequence[Stored]) -> dict[str, Any]:
    params = next(f.params for f in stored[-1].filters if f.name == change.filter)
    return {**asdict(change), "published": params.get(change.parameter)}


def _counted(found: Sequence[Group], side: str) -> Counted:
    tallies: dict[tuple[str, ...], Tally] = {}
    for group in found:
        reasons = getattr(group, side)
        tallies[reasons] = tallies.get(reasons, Tally()) + Tally(group.documents, group.tokens)
    return tuple(tallies.items())


def _moved(found: Sequence[Group], *, into: bool) -> Tally:
    crossing = [g for g in found if bool(g.before) == into and bool(g.after) != into]
    return Tally(sum(g.documents for g in crossing), sum(g.tokens for g in crossing))


def _reasons(
    stored: Sequence[Stored], moved: dict[str, tuple[StoredFilter, ...]], before: Counted, after: Counted
) -> list[dict[str, Any]]:
    every = [f for one in stored for f in (*one.filters, *moved[one.publication])]
    order = overlap.reason_order((*before, *after), every)
    pairs = zip(overlap.by_reason(before, order), overlap.by_reason(after, order), strict=True)
    return [
        {"reason": b.reason, "before": _sides(b), "after": _sides(a)}
        for b, a in pairs
        if b.all.documents or a.all.documents
    ]


def _sides(tally: overlap.ReasonTally) -> dict[str, int]:
    return {**asdict(tally.all), "first": tally.first.documents, "alone": tally.alone.documents}


def _matrix(counted: Counted, filters: Sequence[StoredFilter]) -> dict[str, Any]:
    dropping = {name for reasons, _ in counted for name in overlap.filters_of(reasons)}
    order = [EXTRACTION, *(stored.name for stored in filters)]
    names = [*(name for name in order if name in dropping), *sorted(dropping - set(order))]
    cells = overlap.matrix(counted, names)
    return {"filters": names, "documents": [[cells[row, column] for column in names] for row in names]}
