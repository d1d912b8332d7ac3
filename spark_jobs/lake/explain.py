"""Everything that happened to one document: found through `locator`, then one keyed read a table, side by side.

Here is the story of each capture. The keyed reads are `capture_rows.py`, why a release holds it or not is
`membership.py`. Nothing is scanned: readers skip files and row groups by the Bloom filters of the key columns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError
from spark_jobs.lake.ancestors import with_ancestors
from spark_jobs.lake.capture_rows import STAGES, Rows, published, rows_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.membership import memberships
from spark_jobs.lake.pins import OWNERS
from spark_jobs.lake.records import Publication
from spark_jobs.lake.score_ranks import ranked

_GONE = "not in the snapshot any more: a release was made from an earlier publication that held it"
_COMMAND = "./provender explain"


def locate(lake: Lake, *, doc_id: str | None = None, url_hash: int | None = None) -> list[tuple[str, str]]:
    """(snapshot, doc_id) of every capture of a URL in sequence order: that of a document id, where one is given.

    In what is current and in what a release was made from. A document without a URL is its only capture. The id of a
    rewrite stands for the document that it was made of.
    """
    if doc_id is None:
        return _ordered(lake, _located(lake, F.col("url_hash").eqNullSafe(F.lit(url_hash))))
    own = _located(lake, F.col("doc_id") == doc_id)
    if not own and (parents := _parents(lake, doc_id)):
        own = _located(lake, F.col("doc_id").isin(parents))
    hashes = sorted({hashed for _snapshot, _doc_id, hashed in own if hashed is not None})
    return _ordered(lake, own + (_located(lake, F.col("url_hash").isin(hashes)) if hashes else []))


def explain(
    lake: Lake, asked: str, captures: Sequence[tuple[str, str]], *, url: str | None = None, host: str | None = None
) -> dict[str, Any]:
    """The whole story of some captures, as JSON-able values.

    `url` (canonical) and `host` are those that were asked for: a page that was taken down has no captures any more, but
    its suppression. Raises NotFoundError when there is neither.
    """
    lake.refresh()
    named = {"doc": {asked}, "url": {url} if url else set(), "domain": {host} if host else set()}
    if not captures:
        suppressions = _suppressions(lake, named)
        if not suppressions:
            raise NotFoundError(
                f"{asked!r}: no published snapshot holds it; give a document id (32 hex digits) or a URL as it was "
                "crawled"
            )
        return {"asked": asked, "captures": [], "suppressions": suppressions}
    rows = rows_of(lake, captures)
    member = memberships(lake, rows, captures)
    told = [{**_capture(rows, *key), **member[key]} for key in captures]
    return {"asked": asked, "captures": told, "suppressions": _suppressions(lake, _values(named, rows, captures))}


# finding ----------------------------------------------------------------------------------------------------------


def _located(lake: Lake, condition: Column) -> list[tuple[str, str, int | None]]:
    raw = OWNERS["locator"]
    behind = [p for p in _behind_releases(lake) if p.table == raw]
    rows = lake.side("locator", [*lake.publications(raw).values(), *behind]).where(condition)
    found = rows.select("snapshot", "doc_id", "url_hash").distinct().collect()
    return [(row["snapshot"], row["doc_id"], row["url_hash"]) for row in found]


def _behind_releases(lake: Lake) -> list[Publication]:
    """What releases that still have their documents were made from, but for what a takedown destroyed."""
    releases = lake.publications("mixed").values()
    return [p for p in map(lake.standing, with_ancestors(lake, releases)) if p is not None]


def _parents(lake: Lake, doc_id: str) -> list[str]:
    rewritten = {p.id: p for p in (*lake.publications("rewritten").values(), *_behind_releases(lake))}
    listed = [p for p in rewritten.values() if p.table == "rewritten"]
    if not listed:
        return []
    rows = lake.read(listed).where(F.col("doc_id") == doc_id).select("parent_id").distinct().collect()
    return [row["parent_id"] for row in rows]


def _ordered(lake: Lake, found: Sequence[tuple[str, str, int | None]]) -> list[tuple[str, str]]:
    pairs = {(snapshot, doc_id) for snapshot, doc_id, _hash in found}
    if len({snapshot for snapshot, _doc_id in pairs}) < 2:
        return sorted(pairs)
    order = {row["snapshot"]: row["sequence"] for row in lake.rows("snapshots")}
    return sorted(pairs, key=lambda pair: (order.get(pair[0], 0), *pair))


# telling ----------------------------------------------------------------------------------------------------------


def _capture(rows: Rows, snapshot: str, doc_id: str) -> dict[str, Any]:
    stages: dict[str, Any] = {}
    for table in STAGES:
        publication = rows.publications.get((table, snapshot))
        if publication is None:
            continue
        row = rows.row(table, snapshot, doc_id)
        stages[table] = {**published(publication), "row": row}
        if row is None:
            continue
        if table == "cleaned":
            stages[table]["signals"] = _signals(publication, row)
        if table == "scored":
            stages[table]["scores"] = ranked(publication.record.get("counts", {}), row)
        if table == "deduped" and not row["kept"]:
            survivor = {"snapshot": row["survivor_snapshot"], "doc_id": row["survivor_id"]}
            stages[table]["survivor"] = {**survivor, "explain": f"{_COMMAND} {row['survivor_id']}"}
    gone = "raw" in stages and stages["raw"]["row"] is None
    return {
        "snapshot": snapshot, "doc_id": doc_id, "verdict": _GONE if gone else _verdict(stages), "stages": stages,
        "rewrites": rows.rewrites(snapshot, doc_id),
    }  # fmt: skip


def _signals(publication: Publication, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every stored signal with the rules that look at it, their bounds and whether they held."""
    broken = {(r["annotator"], r["reason"]) for r in row.get("drop_reasons") or []}
    found = []
    for operator in publication.record.get("operators", []):
        rules, name = operator.get("rules", ()), operator.get("name")
        for key, value in row.items():
            if not key.startswith(f"{name}__"):
                continue
            signal = key.split("__", 1)[1]
            found.append({
                "annotator": name, "signal": signal, "value": value,
                "rules": [
                    {**_applied(rule, row), "broken": (name, rule["reason"]) in broken}
                    for rule in rules
                    if rule["signal"] == signal
                ],
            })  # fmt: skip
    return found


def _applied(rule: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded rule with the bounds that applied to a row, where it has others for some values of columns.

    A long table is recorded by its digest: then a bound is known only if the row broke it.
    """
    if "limits" not in rule:
        return dict(rule)
    own = {key: value for key, value in rule.items() if key != "limits"}
    by, bounds = rule["limits"]["by"], rule["limits"].get("bounds")
    if bounds is None:
        return own | {"minimum": None, "maximum": None, "limits_sha256": rule["limits"]["sha256"]}
    for depth in range(len(by), 0, -1):
        values = [row.get(name) for name in by[:depth]]
        key = None if None in values else "_".join(str(value) for value in values)
        if key in bounds:
            return own | {"minimum": bounds[key][0], "maximum": bounds[key][1], "limits_of": key}
    return own


def _verdict(stages: Mapping[str, Any]) -> str:
    cleaned = (stages.get("cleaned") or {}).get("row")
    deduped = (stages.get("deduped") or {}).get("row")
    if cleaned is None:
        return "in raw, not cleaned yet"
    if not cleaned["kept"]:
        reasons = sorted({f"{r['annotator']}.{r['reason']}" for r in cleaned["drop_reasons"]})
        return f"dropped by cleaning: {', '.join(reasons)}"
    if deduped is None:
        return "kept by cleaning, not deduped yet"
    if not deduped["kept"]:
        likeness = "" if deduped["similarity"] is None else f", similarity {deduped['similarity']:.3f}"
        return (
            f"duplicate ({deduped['duplicate_step']}{likeness}) of "
            f"{deduped['survivor_id']} in {deduped['survivor_snapshot']}"
        )
    if deduped["chars_cut"]:
        steps = sorted({cut["step"] for cut in deduped["cuts"]})
        return f"kept, without {deduped['chars_cut']} characters that repeat others ({', '.join(steps)})"
    return "kept"


# suppressions -----------------------------------------------------------------------------------------------------


def _values(named: Mapping[str, set[str]], rows: Rows, captures: Sequence[tuple[str, str]]) -> dict[str, set[str]]:
    """What a suppression of these captures would name, by its kind."""
    values = {kind: set(own) for kind, own in named.items()} | {"licence": set()}
    for snapshot, doc_id in captures:
        values["doc"].add(doc_id)
        row = {**(rows.row("raw", snapshot, doc_id) or {}), **(rows.row("cleaned", snapshot, doc_id) or {})}
        for kind, column in (("url", "canonical_url"), ("domain", "host"), ("licence", "licence")):
            if row.get(column):
                values[kind].add(row[column])
    return values


def _suppressions(lake: Lake, values: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    conditions = pc.scalar(False)
    for kind, listed in values.items():
        # A domain stands for all below it.
        whole = {".".join(name.split(".")[n:]) for name in listed for n in range(name.count(".") + 1)}
        wanted = sorted(whole if kind == "domain" else listed)
        if wanted:
            conditions |= (pc.field("kind") == kind) & pc.field("value").isin(wanted)
    found = lake.rows("suppressions", conditions)
    return [dict(row) for row in sorted({tuple(row.items()) for row in found}, key=str)]
