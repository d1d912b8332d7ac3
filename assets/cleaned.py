"""`cleaned`: main text, language, edits, signals and verdict of every raw row; dropped rows keep their text."""

import time
from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.cleaned import LAWS
from spark_jobs.lake.records import Publication
from spark_jobs.stages.clean import Clean


def report(workshop: Workshop, publication: Publication) -> Mapping[str, Any]:
    """Write the page on the publication, without texts, and link it. A failure is only told: the data is published."""
    if workshop.write_report is None:
        return {}
    started = time.monotonic()
    try:
        location = workshop.write_report(workshop.lake, publication)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the page, the publication stands
        return {"report": f"not written: {type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    link = dg.MetadataValue.url(location) if "://" in location else dg.MetadataValue.path(location)
    return {"report": link, "seconds report": round(time.monotonic() - started, 3)}


TABLE = TableAsset(
    stage=Clean(),
    laws=LAWS,
    description="Main text, language, edits, signals and verdict of every document; filter on `kept`.",
    after=report,
    layer="documents",
)
