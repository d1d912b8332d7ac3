"""Everything that happened to one document: found through `locator`, then one keyed read a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import OWNERS
from spark_jobs.lake.records import Publication

# Columns that hold the document itself or its bytes: told by their length, never printed.
_BODIES = ("payload", "text", "http_headers")
_SNAPSHOT_TABLES = ("raw", "cleaned", "scored", "deduped")


def locate(lake: Lake, *, doc_id: str | None = None, url_hash: int | None = None) -> list[tuple[str, str]]:
    """(snapshot, doc_id) of every capture of a URL, or of a document id, in sequence order."""
    condition = (
        F.col("doc_id").eqNullSafe(F.lit(doc_id))
        if doc_id is not None
        else F.col("url_hash").eqNullSafe(F.lit(url_hash))
    )
    raw = lake.publications(OWNERS["locator"])
    rows = lake.side("locator", raw.values()).where(condition).select("snapshot", "doc_id").distinct().collect()
    order = {row["snapshot"]: row["sequence"] for row in lake.at("snapshots").select("snapshot", "sequence").collect()}
    return sorted(((row["snapshot"], row["doc_id"]) for row in rows), key=lambda pair: (order.get(pair[0], 0), pair[1]))


def explain(lake: Lake, asked: str, captures: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The whole story of some captures, as JSON-able values. Raises NotFoundError when there are none."""
    if not captures:
        raise NotFoundError(
            f"{asked!r}: no published snapshot holds it; give a document id (32 hex digits) or a URL as it was crawled"
        )
    lake.refresh()
    return {
        "asked": asked,
        "captures": [_capture(lake, snapshot, doc_id) for snapshot, doc_id in captures],
        "suppressions": _suppressions(lake, [doc_id for _snapshot, doc_id in captures]),
    }


def _capture(lake: Lake, snapshot: str, doc_id: str) -> dict[str, Any]:
    stages: dict[str, Any] = {}
    for table in _SNAPSHOT_TABLES:
        publication = lake.current(table, snapshot)
        if publication is None:
            continue
        row = _row(lake.read([publication]).where(F.col("doc_id") == doc_id))
        stages[table] = {**_published(publication), "row": row}
        if table == "cleaned" and row is not None:
            stages[table]["signals"] = _signals(publication, row)
    return {
        "snapshot": snapshot,
        "doc_id": doc_id,
        "stages": stages,
        "rewrites": _rewrites(lake, snapshot, doc_id),
        "releases": _in_releases(lake, snapshot, doc_id),
        "left_out_of": _left_out_of(lake, snapshot, doc_id),
        "verdict": _verdict(stages),
    }


def _row(frame: DataFrame) -> dict[str, Any] | None:
    shown = [
        F.length(name).alias(f"{name}_length") if name in _BODIES and name != "http_headers" else F.col(f"`{name}`")
        for name in frame.columns
        if name != "http_headers"
    ]
    found = frame.select(*shown).limit(1).collect()
    if not found:
        return None
    return {key: _plain(value) for key, value in found[0].asDict(recursive=True).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _published(publication: Publication) -> dict[str, Any]:
    record = publication.record
    return {
        "publication": publication.id,
        "version": publication.version,
        "published_at": str(publication.published_at),
        "run_id": record.get("run_id"),
        "recipe": record.get("recipe", {}).get("name"),
        "fingerprint": publication.fingerprint,
    }


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


def _rewrites(lake: Lake, snapshot: str, doc_id: str) -> list[dict[str, Any]]:
    publication = lake.current("rewritten", snapshot)
    if publication is None:
        return []
    of_document = (F.col("parent_snapshot") == snapshot) & (F.col("parent_id") == doc_id)
    frame = lake.read([publication]).where(of_document | (F.col("doc_id") == doc_id)).drop("text")
    return [_plain(row.asDict(recursive=True)) for row in frame.orderBy("sample").collect()]


def _in_releases(lake: Lake, snapshot: str, doc_id: str) -> list[dict[str, Any]]:
    published = lake.publications("mixed")
    if not published:
        return []
    itself = (F.col("snapshot") == snapshot) & (F.col("doc_id") == doc_id)
    of_it = (F.col("parent_snapshot") == snapshot) & (F.col("parent_id") == doc_id)
    frame = lake.published("mixed").where(itself | of_it)
    wanted = ("release", "doc_id", "origin", "phase", "copies", "tokens")
    return [row.asDict() for row in frame.select(*wanted).orderBy("release", "doc_id").collect()]


def _left_out_of(lake: Lake, snapshot: str, doc_id: str) -> list[dict[str, Any]]:
    """Releases it could have been in and is not, with the reason: another capture, below the cut, a benchmark hit."""
    published = lake.publications(OWNERS["selection"])
    if not published:
        return []
    rows = lake.side("selection", published.values()).where(
        (F.col("snapshot") == snapshot) & (F.col("doc_id") == doc_id) & ~F.col("kept")
    )
    wanted = ("release", "reason", "instead_snapshot", "instead_id", "quality", "matches")
    return [_plain(row.asDict(recursive=True)) for row in rows.select(*wanted).orderBy("release").collect()]


def _suppressions(lake: Lake, doc_ids: Sequence[str]) -> list[dict[str, Any]]:
    frame = lake.at("suppressions").where((F.col("kind") == "doc") & F.col("value").isin(list(doc_ids)))
    return [row.asDict() for row in frame.collect()]


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
        return (
            f"duplicate ({deduped['duplicate_step']}, similarity {deduped['similarity']:.3f}) of "
            f"{deduped['survivor_id']} in {deduped['survivor_snapshot']}"
        )
    if deduped["chars_cut"]:
        steps = sorted({cut["step"] for cut in deduped["cuts"]})
        return f"kept, without {deduped['chars_cut']} characters that repeat others ({', '.join(steps)})"
    return "kept"
