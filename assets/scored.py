"""`scored`: the model scores of every document that the filters kept."""

from assets.models import current_models, model_path
from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.scored import LAWS
from spark_jobs.lake.pins import Pins
from spark_jobs.stages.score import Score


def _services(workshop: Workshop, _pins: Pins, _partition: str) -> dict[str, object]:
    return {"models": current_models(workshop, "models"), "model_path": lambda digest: model_path(workshop, digest)}


TABLE = TableAsset(
    stage=Score(),
    laws=LAWS,
    description="Quality scores of every kept document. Scores only: thresholds are derived where a release is mixed.",
    prepare=_services,
    layer="attributes",
)
