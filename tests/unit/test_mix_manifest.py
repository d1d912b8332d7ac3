"""The manifest of a release: pins of every ancestor, sums that balance, and nothing that JSON cannot hold."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from spark_jobs.stages.manifest import build_manifest

PIN = {"table": "cleaned", "partition": "s1", "version": 3, "publication": "p", "digest": "1:0a"}


def row(source: str | None = "web", origin: str = "original", **said: Any) -> dict[str, Any]:
    base = {
        "source": source, "origin": origin, "phase": "main", "language": "en", "documents": 2, "copies": 3,
        "max_copies": 2, "unique_tokens": 100, "tokens": 150, "characters": 900,
    }  # fmt: skip
    return {**base, **said}


def manifest(rows: Sequence[Mapping[str, Any]], pins: Sequence[Mapping[str, Any]] = (PIN,)) -> dict[str, Any]:
    return build_manifest(
        release="r", recipe_name="default", pins=list(pins), summary=rows, publication="m", digest="2:0b",
        fingerprint="f", provenance={"code": {"commit": None}}, facts={"seed": 0},
    )  # fmt: skip


def test_totals_and_epochs_balance() -> None:
    made = manifest([row(), row(language="de"), row(origin="rewire", max_copies=1, tokens=100)])
    assert made["totals"]["documents"] == 6
    assert made["totals"]["tokens"] == 400
    assert made["totals"]["unique_tokens"] == 300
    assert made["totals"]["rewritten_share"] == 0.25
    # Epochs are of originals; a rewrite is another text and is told beside them.
    assert made["epochs"]["web"] == {
        "tokens": 300, "unique_tokens": 200, "max_copies": 2, "rewritten_tokens": 100, "epochs": 1.5,
    }  # fmt: skip


def test_pins_are_complete_and_sorted() -> None:
    raw = {**PIN, "table": "raw", "run_id": "not pinned"}
    early = {**PIN, "partition": "s0"}
    made = manifest([row()], [raw, PIN, early])
    assert [(p["table"], p["partition"]) for p in made["ancestors"]] == [
        ("cleaned", "s0"), ("cleaned", "s1"), ("raw", "s1"),
    ]  # fmt: skip
    assert all("run_id" not in pin for pin in made["ancestors"])


@pytest.mark.parametrize("lost", ["version", "publication", "digest"])
def test_a_pin_that_pins_nothing_is_refused(lost: str) -> None:
    with pytest.raises(ValueError, match=lost):
        manifest([row()], [{**PIN, lost: None}])


def test_it_is_json_and_the_same_for_the_same_release() -> None:
    rows = [row(source=None, language=None)]
    first = json.dumps(manifest(rows), sort_keys=True, allow_nan=False)
    assert first == json.dumps(manifest(rows), sort_keys=True, allow_nan=False)


def test_an_empty_release_divides_by_nothing() -> None:
    made = manifest([])
    assert made["totals"]["tokens"] == 0
    assert made["totals"]["rewritten_share"] == 0.0
