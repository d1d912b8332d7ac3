"""The dataset card of a release: a README.md with a head for the Hugging Face Hub, from the ledger alone.

The same release gives the same card: there is no clock in it, no path of a machine, and no text of a document.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.dataset_card.facts import card_facts
from orchestration.dataset_card.front_matter import front_matter
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import Release

CARD = "README.md"
MANIFEST = "manifest.json"
_FOLDER = Path(__file__).resolve().parent


def render_card(tree: Mapping[str, Any], manifest: Mapping[str, Any], *, suffix: str | None = None) -> str:
    """The card as Markdown. `tree` is the release's lineage; `suffix` that of the data files beside the card."""
    facts = card_facts(tree, manifest)
    environment = Environment(  # noqa: S701 - Markdown: cells are escaped by the filter below, there is no HTML
        loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters |= {"number": _number, "cell": _cell}
    head = front_matter(
        name=facts["release"], documents=facts["totals"]["documents"], by_language=facts["by_language"],
        licences=facts["licence_names"], rewritten=bool(facts["totals"]["rewritten_tokens"]), phases=facts["phases"],
        suffix=suffix,
    )  # fmt: skip
    return head + "\n" + environment.get_template("card.md.j2").render(f=facts, suffix=suffix)


def card_of(lake: Lake, release: Release, *, suffix: str | None = None) -> str:
    """The card of a release of a lake."""
    return render_card(lineage(lake, release), release.manifest, suffix=suffix)


def write_card(lake: Lake, release: Release) -> str:
    """Write card and manifest to the release's own folder of the lake; returns where the card lies."""
    folder = storage.join(lake.home, "releases", release.name)
    manifest = json.dumps(dict(release.manifest), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    storage.write_text(storage.join(folder, MANIFEST), manifest)
    location = storage.join(folder, CARD)
    storage.write_text(location, card_of(lake, release))
    return location


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,}"


def _cell(value: Any) -> str:
    """A value in a cell of a table: on one line, and no end of the cell."""
    return " ".join(str("" if value is None else value).split()).replace("|", "\\|")
