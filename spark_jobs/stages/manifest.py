"""The manifest of a release: JSON that pins every ancestor and says what is in the release. Pure, without a clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from spark_jobs.lake.contents import epochs, totals

FORMAT = 1
_PIN = ("table", "partition", "version", "publication", "digest")


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
    """A JSON-able manifest. `summary` are the rows of `contents.summarise`; `pins` the publications it was made from.

    `licences` are the rows of `contents.by_licence`.

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
        "totals": totals(rows),
        "contents": rows,
        "licences": [dict(row) for row in licences],
        "epochs": epochs(rows),
        "ancestors": sorted((_pin(pin) for pin in pins), key=lambda pin: (pin["table"], pin["partition"])),
        "facts": dict(facts or {}),
        "provenance": dict(provenance or {}),
    }


def _pin(pin: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in _PIN if pin.get(name) in (None, "")]
    if missing:
        raise ValueError(f"a pin of {pin.get('table')}/{pin.get('partition')} lacks {', '.join(missing)}")
    return {name: pin[name] for name in _PIN}
