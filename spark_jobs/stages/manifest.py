"""The manifest of a release: JSON that pins every ancestor and says what is in the release. Pure; no clock, no lake."""

from collections.abc import Mapping, Sequence
from typing import Any

FORMAT = 1
_PIN = ("table", "partition", "version", "publication", "digest")
_SUMS = ("documents", "copies", "unique_tokens", "tokens", "characters")


def build_manifest(
    *,
    release: str,
    recipe_name: str,
    pins: Sequence[Mapping[str, Any]],
    summary: Sequence[Mapping[str, Any]],
    publication: str,
    digest: str,
    fingerprint: str,
    provenance: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
    licences: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """A JSON-able manifest. `summary` are the rows of `mix.summarise`; `pins` the publications it was made from.

    `licences` are the rows of `mix_facts.by_licence`.

    Every pin must say table, partition, version, publication and digest: ValueError names what one lacks.
    """
    rows = [dict(row) for row in summary]
    return {
        "format": FORMAT,
        "release": release,
        "recipe": recipe_name,
        "publication": publication,
        "digest": digest,
        "fingerprint": fingerprint,
        "totals": _totals(rows),
        "contents": rows,
        "licences": [dict(row) for row in licences],
        "epochs": _epochs(rows),
        "ancestors": sorted((_pin(pin) for pin in pins), key=lambda pin: (pin["table"], pin["partition"])),
        "facts": dict(facts or {}),
        "provenance": dict(provenance or {}),
    }


def _pin(pin: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in _PIN if pin.get(name) in (None, "")]
    if missing:
        raise ValueError(f"a pin of {pin.get('table')}/{pin.get('partition')} lacks {', '.join(missing)}")
    return {name: pin[name] for name in _PIN}


def _totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    totals: dict[str, Any] = {name: sum(int(row[name]) for row in rows) for name in _SUMS}
    rewritten = sum(int(row["tokens"]) for row in rows if row["origin"] != "original")
    totals["rewritten_tokens"] = rewritten
    totals["rewritten_share"] = round(rewritten / totals["tokens"], 6) if totals["tokens"] else 0.0
    return totals


def _epochs(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Per source: tokens drawn over unique tokens of the originals, most copies of a document; rewrites beside it."""
    sources: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = sources.setdefault(
            row["source"] or "", {"tokens": 0, "unique_tokens": 0, "max_copies": 0, "rewritten_tokens": 0}
        )
        if row["origin"] != "original":
            entry["rewritten_tokens"] += int(row["tokens"])
            continue
        entry["tokens"] += int(row["tokens"])
        entry["unique_tokens"] += int(row["unique_tokens"])
        entry["max_copies"] = max(entry["max_copies"], int(row["max_copies"]))
    for entry in sources.values():
        entry["epochs"] = round(entry["tokens"] / entry["unique_tokens"], 6) if entry["unique_tokens"] else 0.0
    return sources
