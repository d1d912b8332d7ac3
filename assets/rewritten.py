"""`rewritten`: attempts to rewrite kept documents within the recipe's budget, each with its verdict."""

from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.rewritten import LAWS
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import append
from spark_jobs.stages.generate import fill_for
from spark_jobs.stages.rewrite import Rewrite


def _generate(workshop: Workshop, pins: Pins, partition: str) -> dict[str, object]:
    """Answers that the cache lacks are asked for first; the stage itself only reads the cache."""
    return dict(
        fill_for(
            recipe=workshop.recipe, partition=partition, inputs=pins, spark=workshop.lake.spark,
            scratch=workshop.scratch, endpoint=workshop.rewrite_endpoint,
            publish=lambda rows: append(workshop.lake, "rewrite_cache", rows), say=workshop.say,
        )
    )  # fmt: skip


TABLE = TableAsset(
    stage=Rewrite(),
    laws=LAWS,
    description="One attempt to rewrite a kept document: accepted text linked to its parent, or why there is none.",
    prepare=_generate,
    layer="rewrites",
)
