"""The stage `score`: model scores of every kept document, in one pass over the text; no text in the output.

Scores only. What score is good enough is a quantile of a pool, derived where a release is mixed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError
from spark_jobs.operators import registry
from spark_jobs.operators.base import Scorer
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.stage import OperatorRecord, StageContext, StageOutput


@dataclass(frozen=True)
class Score:
    """Scores by the models in the services: `models` (scorer -> digest), `model_path` (digest -> local file)."""

    name: ClassVar[str] = "score"
    table: ClassVar[str] = "scored"
    side_tables: ClassVar[tuple[str, ...]] = ()
    upstream: ClassVar[tuple[str, ...]] = ("cleaned", "models")
    scope: ClassVar[str] = "snapshot"

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """The scorers; who knows the lake adds the digests of their models, which a recipe does not name."""
        return {"scorers": [registry.fingerprint(step.build()) for step in recipe.scored.scorers]}

    def run(self, context: StageContext) -> StageOutput:
        """Score the snapshot's kept documents. Raises NotFoundError for a scorer whose model is not fitted."""
        models: Mapping[str, str] = context.services.get("models", {})
        scorers: list[Scorer] = [step.build() for step in context.recipe.scored.scorers]
        for scorer in scorers:
            if scorer.name not in models:
                raise NotFoundError(f"scored: no fitted model for {scorer.name}; fit it with `provender run`")
        paths = {s.name: context.services["model_path"](models[s.name]) for s in scorers}
        kept = context.inputs.partition("cleaned", context.partition).where(F.col("kept"))
        scored = kept.select("snapshot", "doc_id", "text").mapInArrow(
            _Pass(tuple(scorers), paths), ", ".join(["snapshot STRING", "doc_id STRING", *_columns(scorers)])
        )
        return StageOutput(
            main=scored,
            operators=tuple(_record(scorer, models[scorer.name]) for scorer in scorers),
            facts={"models": {scorer.name: models[scorer.name] for scorer in scorers}},
        )


def _columns(scorers: list[Scorer]) -> list[str]:
    return [f"`{scorer.name}__{score.name}` DOUBLE" for scorer in scorers for score in scorer.scores]


def _record(scorer: Scorer, digest: str) -> OperatorRecord:
    return OperatorRecord(
        name=scorer.name,
        kind="scorers",
        version=scorer.version,
        params=scorer.params.model_dump(mode="json"),
        fingerprint=registry.fingerprint(scorer),
        artefact=digest,
    )


@dataclass(frozen=True)
class _Pass:
    """The pass over batches, in the workers; each loads a model once."""

    scorers: tuple[Scorer, ...]
    paths: Mapping[str, str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield self.scored(batch)

    def scored(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Keys and scores of a batch with `snapshot`, `doc_id` and `text`."""
        columns = {"snapshot": batch.column("snapshot"), "doc_id": batch.column("doc_id")}
        for scorer in self.scorers:
            scores = scorer.score(batch.column("text"), self.paths[scorer.name])
            columns |= {f"{scorer.name}__{s.name}": pa.array(scores[s.name], pa.float64()) for s in scorer.scores}
        return pa.RecordBatch.from_pydict(columns)
