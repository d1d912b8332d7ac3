"""`raw`: every document record of the crawl files of a snapshot, bytes untouched."""

from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.raw import LAWS
from spark_jobs.lake.pins import Pins
from spark_jobs.stages.read import Read


def _services(workshop: Workshop, _pins: Pins, _partition: str) -> dict[str, object]:
    return {"storage_options": workshop.storage_options}


TABLE = TableAsset(
    stage=Read(),
    laws=LAWS,
    description="One document record of a crawl file: bytes untouched. Unreadable records lie in read_errors.",
    prepare=_services,
    layer="crawl",
)
