"""Which releases hold a capture, and why the others do not: from the rows of a release, its selection and its pins."""

from collections.abc import Mapping, Sequence
from typing import Any

from spark_jobs.lake.capture_rows import Key, Rows, published
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication

_IN = ("release", "doc_id", "origin", "phase", "copies", "tokens", "quality")
_OUT = ("release", "doc_id", "origin", "reason", "instead_snapshot", "instead_id", "quality", "tokens", "matches")
_ORIGINAL = "original"


def memberships(lake: Lake, rows: Rows, captures: Sequence[Key]) -> dict[Key, dict[str, list[dict[str, Any]]]]:
    """By capture: `releases` that hold it or a rewrite of it, and `left_out_of`, each of the others with its reason."""
    states = {row["release"]: row["state"] for row in lake.rows("releases")}
    return {key: _membership(lake, rows, key, states) for key in captures}


def _membership(lake: Lake, rows: Rows, key: Key, states: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    releases = rows.releases
    held = [
        _named(row, _IN, states) | {"published": published(releases[row["release"]])}
        for row in rows.mixed
        if _is_of(row, key)
    ]
    chosen_against = [_named(row, _OUT, states) for row in rows.selection if _is_of(row, key)]
    told = {row["release"] for row in (*held, *chosen_against) if row["origin"] == _ORIGINAL}
    never_asked = [
        {"release": name, "state": states.get(name), "doc_id": key[1], "origin": _ORIGINAL,
         **_before_selection(lake, rows, key, publication)}
        for name, publication in sorted(releases.items())
        if name not in told
    ]  # fmt: skip

    def order(row: Mapping[str, Any]) -> tuple[int, str, str]:
        return releases[row["release"]].version, row["origin"], row["doc_id"]

    return {"releases": sorted(held, key=order), "left_out_of": sorted([*chosen_against, *never_asked], key=order)}


def _is_of(row: Mapping[str, Any], key: Key) -> bool:
    return (row["snapshot"], row["doc_id"]) == key or (row["parent_snapshot"], row["parent_id"]) == key


def _named(row: Mapping[str, Any], names: Sequence[str], states: Mapping[str, str]) -> dict[str, Any]:
    return {name: row[name] for name in names} | {"state": states.get(row["release"])}


def _before_selection(lake: Lake, rows: Rows, key: Key, release: Publication) -> dict[str, Any]:
    """Why a release never had a document to choose: what became of it in the publications that the release pins."""
    snapshot, doc_id = key
    pins = {str(pin["publication"]) for pin in release.inputs if pin["partition"] == snapshot}
    pinned = [p for table in ("cleaned", "deduped") for p in lake.history(table) if p.id in pins]
    if len(pinned) < 2:
        return {"reason": "snapshot_not_in_release"}
    standing = [p for p in map(lake.standing, pinned) if p is not None]
    if len(standing) < 2:
        receipts = filter(None, map(lake.destroyed_by, pinned))
        return {"reason": "destroyed_by_a_takedown", "receipt": next(receipts), "publication": pinned[0].id}
    return _verdicts(rows, doc_id, standing[0], standing[1], release)


def _verdicts(
    rows: Rows, doc_id: str, cleaned: Publication, deduped: Publication, release: Publication
) -> dict[str, Any]:  # fmt: skip
    row = rows.of(cleaned, doc_id)
    if row is None:
        return {"reason": "not_in_snapshot", "publication": cleaned.id}
    if not row["kept"]:
        reasons = [f"{reason['annotator']}.{reason['reason']}" for reason in row["drop_reasons"]]
        return {"reason": "dropped", "drop_reasons": reasons, "publication": cleaned.id}
    row = rows.of(deduped, doc_id)
    if row is None:
        return {"reason": "not_deduped", "publication": deduped.id}
    if not row["kept"]:
        return {
            "reason": "duplicate", "duplicate_step": row["duplicate_step"], "publication": deduped.id,
            "instead_snapshot": row["survivor_snapshot"], "instead_id": row["survivor_id"],
        }  # fmt: skip
    since = "takedown" in deduped.record
    return {"reason": "survivor_since_a_takedown" if since else "suppressed", "publication": release.id}
