"""`models`: the fitted artefacts of the recipe's scorers. Fitted on named snapshots, and again only on request."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from assets.stage_asset import SEVERITIES
from assets.workshop import Workshop
from expectations.gate import Audited, Outcome, audit
from expectations.models import LAWS, figures, judged, required
from spark_jobs.lake import models
from spark_jobs.lake.models import StoredModel
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.records import sha256_of
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.fit import FittedModel, fit_fingerprint, fit_scorer, fit_snapshots


def current_models(workshop: Workshop) -> dict[str, str]:
    """Digest of the current model of each scorer of the recipe; a scorer that has none yet is absent."""
    fits = {scorer.name: fit_fingerprint(workshop.recipe, scorer.name) for scorer in workshop.recipe.scored.scorers}
    return {name: model.digest for name, model in models.current(workshop.lake, fits).items()}


def model_path(workshop: Workshop, digest: str) -> str:
    """A model's file on this machine, checked against its digest."""
    return models.local_path(workshop.lake, digest, Path(workshop.scratch).parent / "models")


def _fit(workshop: Workshop, name: str, folder: str) -> tuple[FittedModel, tuple[Outcome, ...]]:
    pins = Pins(workshop.lake)
    published = [s for s in pins.snapshots() if workshop.lake.current("cleaned", s) is not None]
    snapshots = fit_snapshots(workshop.recipe, published)
    before = current_models(workshop).get(name)
    fitted = fit_scorer(
        workshop.recipe, name, cleaned=pins.partitions("cleaned", snapshots), snapshots=snapshots, folder=folder,
        previous=model_path(workshop, before) if before else None, say=workshop.say,
    )  # fmt: skip
    limits = workshop.recipe.scored.fit.limits
    audited = Audited(
        candidate=figures(workshop.lake.spark, fitted.metrics),
        side={},
        inputs=pins,
        recipe=workshop.recipe,
        partition=name,
    )
    return fitted, audit(required(LAWS, limits), audited)


def _store(workshop: Workshop, fitted: FittedModel) -> StoredModel:
    return models.store(
        workshop.lake, Path(fitted.path), name=fitted.name, version=fitted.version, kind=fitted.kind,
        fit_fingerprint=fitted.fit_fingerprint, fitted_on=fitted.fitted_on, params=fitted.params,
        metrics=fitted.metrics,
    )  # fmt: skip


def _check_name(scorer: str, law: str) -> str:
    return f"{scorer}__{law}"


def models_asset(recipe: Recipe) -> dg.AssetsDefinition:
    """The asset of all models of a recipe; a model that its gate refuses is not stored and not used."""
    scorers = [scorer.name for scorer in recipe.scored.scorers]
    laws = required(LAWS, recipe.scored.fit.limits)

    @dg.asset(
        name="models",
        deps=[dg.AssetDep("cleaned", partition_mapping=dg.AllPartitionMapping())],
        check_specs=[
            dg.AssetCheckSpec(name=_check_name(scorer, law.name), asset="models", description=law.says)
            for scorer in scorers for law in laws
        ],
        code_version=sha256_of({name: fit_fingerprint(recipe, name) for name in scorers})[:16],
        description="Fitted quality models by digest, with the figures of their gate.",
        group_name="models", kinds={"python", "fasttext"}, owners=["team:data"], output_required=False,
        required_resource_keys={"workshop"},
    )  # fmt: skip
    def models_of_recipe(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workshop: Workshop = context.resources.workshop.get()
        workshop.lake.refresh()
        stored: dict[str, StoredModel] = {}
        refused: list[str] = []
        for name in scorers:
            with tempfile.TemporaryDirectory(dir=_made(workshop)) as folder:
                fitted, outcomes = _fit(workshop, name, folder)
                blocked = [outcome for outcome in outcomes if outcome.blocks]
                if blocked:
                    shown = {k: v for k, v in judged(fitted.metrics).items() if v is not None}
                    refused += [f"{name}: {o.name} ({o.says}); its figures: {shown}" for o in blocked]
                else:
                    stored[name] = _store(workshop, fitted)
            for outcome in outcomes:
                yield dg.AssetCheckResult(
                    asset_key=dg.AssetKey("models"), check_name=_check_name(name, outcome.name), passed=outcome.success,
                    severity=SEVERITIES[outcome.severity], description=outcome.says,
                    metadata={"expected": outcome.expected, "found": outcome.found},
                )  # fmt: skip
        if refused:
            raise dg.Failure(f"models: nothing stored: {'; '.join(refused)}", allow_retries=False)
        yield dg.MaterializeResult(
            asset_key="models",
            metadata={name: dg.MetadataValue.json(_shown(model)) for name, model in stored.items()},
            data_version=dg.DataVersion(sha256_of({name: model.digest for name, model in stored.items()})[:32]),
        )

    return models_of_recipe


def _made(workshop: Workshop) -> str:
    folder = Path(workshop.scratch)
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _shown(model: StoredModel) -> dict[str, Any]:
    return {
        "digest": model.digest, "fitted on": list(model.fitted_on), "bytes": model.bytes, "params": dict(model.params),
        "metrics": dict(model.metrics),
    }  # fmt: skip
