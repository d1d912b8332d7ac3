"""Two releases compared, of one lake or two, of one recipe or two: what was added, removed and changed, and why.

Spark over keys and verdicts: no text is read, and what comes back are counts by cause and as many samples as were
asked for. `pairs.py` finds what differs, `causes.py` says why.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.analysis.blame import MEANING, Blame
from spark_jobs.analysis.pairs import ADDED, KINDS, REMOVED, attributed, paired
from spark_jobs.analysis.released import Released
from spark_jobs.analysis.text_diff import diff as text_diff

TOP = 20  # sources and languages that are listed for a cause
_SHOWN_CHARS = 600
_GROUP = ("kind", "cause", "detail")


def diff(before: Released, after: Released, *, examples: int = 0, with_text: bool = False) -> dict[str, Any]:
    """JSON-able: both releases, what of the recipe differs, counts by kind and by cause, and whether they add up.

    Kinds: added, removed, text (another text), weight (the same text with other copies or tokens). Tokens are those of
    the release, every copy counted. `examples` documents are named for every cause; only `with_text` reads their text.
    """
    blame = Blame(before, after)
    # Written out once, narrow: everything that follows reads it, and Spark would pair the releases again for each.
    changed = attributed(blame, paired(before, after).localCheckpoint()).localCheckpoint()
    causes = _causes(changed)
    kinds = _kinds(causes)
    sides = {name: _side(released) for name, released in (("before", before), ("after", after))}
    found: dict[str, Any] = {
        **sides,
        "recipe": blame.recipe(),
        "kinds": kinds,
        "unchanged": sides["before"]["documents"] - sum(kinds[k]["documents"] for k in KINDS if k != ADDED),
        "causes": causes,
        "balance": _balance(sides, kinds),
    }
    if examples:
        found["examples"] = _examples(changed, before, after, examples, with_text=with_text)
    return found


def _side(released: Released) -> dict[str, Any]:
    totals, record = released.release.manifest["totals"], released.mixed.record
    return {
        "home": released.lake.home, "release": released.release.name, "publication": released.mixed.id,
        "recipe": record.get("recipe"), "snapshots": list(released.snapshots), "documents": totals["documents"],
        "tokens": totals["tokens"],
    }  # fmt: skip


# counting ---------------------------------------------------------------------------------------------------------


def _sums() -> list[Column]:
    return [
        F.count(F.lit(1)).alias("documents"),
        *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("tokens_before", "tokens_after")),
    ]


def _causes(changed: DataFrame) -> list[dict[str, Any]]:
    """One entry a kind, cause and detail, most documents first, each with its sources and languages."""
    rows = [row.asDict() for row in changed.groupBy(*_GROUP).agg(*_sums()).collect()]
    facets = {name: _by(changed, name) for name in ("source", "language")}
    order = {kind: place for place, kind in enumerate(KINDS)}
    ranked = sorted(rows, key=lambda row: (order[row["kind"]], -row["documents"], row["cause"], row["detail"]))
    return [
        {**row, "means": MEANING[row["cause"]],
         **{f"by_{name}": facets[name].get(tuple(row[key] for key in _GROUP), []) for name in facets}}
        for row in ranked
    ]  # fmt: skip


def _by(changed: DataFrame, column: str) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """By cause the values of a column with the most documents."""
    named = changed.withColumn("name", F.coalesce(column, F.lit("")))
    counted = named.groupBy(*_GROUP, "name").agg(*_sums())
    place = F.row_number().over(Window.partitionBy(*_GROUP).orderBy(F.desc("documents"), "name"))
    found: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in counted.withColumn("place", place).where(F.col("place") <= TOP).orderBy("place").collect():
        value = row.asDict()
        key = tuple(value.pop(name) for name in _GROUP)
        del value["place"]
        found.setdefault(key, []).append(value)
    return found


def _kinds(causes: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    names = ("documents", "tokens_before", "tokens_after")
    return {kind: {name: sum(row[name] for row in causes if row["kind"] == kind) for name in names} for kind in KINDS}


def _balance(sides: Mapping[str, Mapping[str, Any]], kinds: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Whether the earlier release, less what was removed, with what was added and changed, is the later one."""
    before, after = sides["before"], sides["after"]
    documents = before["documents"] - kinds[REMOVED]["documents"] + kinds[ADDED]["documents"]
    tokens = before["tokens"] + sum(kind["tokens_after"] - kind["tokens_before"] for kind in kinds.values())
    return {
        "documents": documents, "tokens": tokens,
        "balanced": documents == after["documents"] and tokens == after["tokens"],
    }  # fmt: skip


# samples ----------------------------------------------------------------------------------------------------------


def _examples(
    changed: DataFrame, before: Released, after: Released, number: int, *, with_text: bool
) -> list[dict[str, Any]]:
    """`number` documents of every cause, by a hash of their ids."""
    place = F.row_number().over(Window.partitionBy(*_GROUP).orderBy(F.xxhash64("doc_id"), "doc_id"))
    wanted = (*_GROUP, "doc_id", "snapshot", "origin", "url", "source", "language", "tokens_before", "tokens_after")
    drawn = changed.withColumn("place", place).where(F.col("place") <= number)
    rows = [row.asDict() for row in drawn.select(*wanted).orderBy(*_GROUP, "place").collect()]
    if not with_text:
        return rows
    ids = sorted({row["doc_id"] for row in rows})
    then, now = (_texts(released, ids) for released in (before, after))
    return [{**row, "text": _shown(then.get(row["doc_id"]), now.get(row["doc_id"]))} for row in rows]


def _texts(released: Released, ids: Sequence[str]) -> dict[str, str]:
    rows = released.documents().where(F.col("doc_id").isin(list(ids))).select("doc_id", "text").collect()
    return {row["doc_id"]: row["text"] for row in rows}


def _shown(then: str | None, now: str | None) -> dict[str, Any]:
    """The beginning of the text that one release has, or what is different of both."""
    if then is not None and now is not None:
        return {"diff": text_diff(then, now, names=("before", "after"))}
    text = then if then is not None else now or ""
    return {"beginning": text[:_SHOWN_CHARS], "characters": len(text)}
