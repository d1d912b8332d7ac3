"""`models` and `rewrite_models`: what the recipe's scorers are fitted to, on pages and on accepted rewrites.

Fitted on named snapshots, and again only on request. Two assets, since rewrites lie behind what the first ones score.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import dagster as dg

from assets.stage_asset import SEVERITIES, refusal
from assets.workshop import Workshop
from expectations.gate import Audited, Outcome, audit
from expectations.models import LAWS, figures, judged, required
from spark_jobs.lake import models
from spark_jobs.lake.audits import newest, note
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.models import StoredModel
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.records import sha256_of
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.fit import FittedModel, fit_scorer
from spark_jobs.stages.fit_plan import ASSETS, Fit, fit_fingerprint, fit_snapshots, fits

# The tables an asset's fits read, its own pool last.
_TABLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    name: tuple(dict.fromkeys(("cleaned", pool))) for name, pool in ASSETS.items()
})  # fmt: skip
_DESCRIPTIONS: Final[Mapping[str, str]] = MappingProxyType({
    "models": "Fitted quality models by digest, with the figures of their gate.",
    "rewrite_models": "The fitted quality model of rewritten text by digest, with the figures of its gate.",
})  # fmt: skip


def models_by_asset(workshop: Workshop) -> dict[str, dict[str, str]]:
    """By asset: the digest of the current model of each of its fits, by name; one that has none yet is absent."""
    wanted = {asset: fits(workshop.recipe, pool) for asset, pool in ASSETS.items()}
    prints = {name: fit_fingerprint(fit) for listed in wanted.values() for name, fit in listed.items()}
    found = models.current(workshop.lake, prints)
    return {asset: {n: found[n].digest for n in listed if n in found} for asset, listed in wanted.items()}


def fits_fingerprint(recipe: Recipe, asset: str) -> str:
    """What determines the models of an asset, its pool aside."""
    return sha256_of({name: fit_fingerprint(fit) for name, fit in fits(recipe, ASSETS[asset]).items()})


def pool_pins(lake: Lake, asset: str) -> list[dict[str, str]]:
    """The current publications that an asset's models are fitted on."""
    return [
        {"table": table, "partition": partition, "publication": publication.id}
        for table in _TABLES[asset] for partition, publication in sorted(lake.publications(table).items())
    ]  # fmt: skip


def pool_tables(asset: str) -> tuple[str, ...]:
    """The tables that an asset's models are fitted on."""
    return _TABLES[asset]


def current_models(workshop: Workshop, asset: str) -> dict[str, str]:
    """The current models of one asset."""
    return models_by_asset(workshop)[asset]


def unfitted(workshop: Workshop, asset: str) -> tuple[str, ...]:
    """The models of an asset that the recipe asks for and the lake does not have."""
    found = current_models(workshop, asset)
    return tuple(name for name in fits(workshop.recipe, ASSETS[asset]) if name not in found)


def refused_fits(workshop: Workshop) -> list[dict[str, Any]]:
    """What the newest attempt failed at each model that the recipe asks for and the lake does not have."""
    says = {law.name: law.says for law in LAWS}
    return [
        {
            "table": asset, "partition": name, "expectation": row["expectation"], "says": says.get(row["expectation"]),
            "expected": row["expected"], "found": row["found"], "candidate": None, "overridable": False,
        }
        for asset in ASSETS for name in unfitted(workshop, asset) for row in newest(workshop.lake, asset, name)
        if not row["success"] and row["severity"] == "error"
    ]  # fmt: skip


def model_path(workshop: Workshop, digest: str) -> str:
    """A model's file on this machine, checked against its digest."""
    return models.local_path(workshop.lake, digest, Path(workshop.scratch).parent / "models")


def _fit(workshop: Workshop, asset: str, fit: Fit, folder: str) -> tuple[FittedModel, tuple[Outcome, ...]]:
    pins = Pins(workshop.lake)
    published = [s for s in pins.snapshots() if all(workshop.lake.current(t, s) is not None for t in _TABLES[asset])]
    before = current_models(workshop, asset).get(fit.name)
    fitted = fit_scorer(
        fit, inputs=pins, snapshots=fit_snapshots(fit, published), folder=folder,
        previous=model_path(workshop, before) if before else None, say=workshop.say,
    )  # fmt: skip
    audited = Audited(
        candidate=figures(workshop.lake.spark, fitted.metrics),
        side={},
        inputs=pins,
        recipe=workshop.recipe,
        partition=fit.name,
    )
    return fitted, audit(required(LAWS, fit.section.limits), audited)


def _store(workshop: Workshop, fitted: FittedModel) -> StoredModel:
    return models.store(
        workshop.lake, Path(fitted.path), name=fitted.name, version=fitted.version, kind=fitted.kind,
        fit_fingerprint=fitted.fit_fingerprint, fitted_on=fitted.fitted_on, params=fitted.params,
        metrics=fitted.metrics,
    )  # fmt: skip


def _check_name(scorer: str, law: str) -> str:
    return f"{scorer}__{law}"


def model_assets(recipe: Recipe) -> dict[str, dg.AssetsDefinition]:
    """The assets of a recipe's models, by name; that of rewrites only where the recipe filters them."""
    return {asset: _model_asset(recipe, asset) for asset in ASSETS if asset == "models" or fits(recipe, ASSETS[asset])}


def _model_asset(recipe: Recipe, asset: str) -> dg.AssetsDefinition:
    """The asset of all models of a pool; a model that its gate refuses is not stored and not used."""
    wanted = fits(recipe, ASSETS[asset])

    @dg.asset(
        name=asset,
        deps=[dg.AssetDep(table, partition_mapping=dg.AllPartitionMapping()) for table in _TABLES[asset]],
        check_specs=[
            dg.AssetCheckSpec(name=_check_name(name, law.name), asset=asset, description=law.says)
            for name, fit in wanted.items() for law in required(LAWS, fit.section.limits)
        ],
        code_version=fits_fingerprint(recipe, asset)[:16],
        description=_DESCRIPTIONS[asset],
        group_name="models", kinds={"python", "fasttext"}, owners=["team:data"], output_required=False,
        required_resource_keys={"workshop"},
    )  # fmt: skip
    def models_of_recipe(context: dg.AssetExecutionContext) -> Iterator[Any]:
        workshop: Workshop = context.resources.workshop.get()
        workshop.lake.refresh()
        stored: dict[str, StoredModel] = {}
        refused: list[str] = []
        for name, fit in wanted.items():
            with tempfile.TemporaryDirectory(dir=_made(workshop)) as folder:
                fitted, outcomes = _fit(workshop, asset, fit, folder)
                blocked = [outcome for outcome in outcomes if outcome.blocks]
                model: StoredModel | None = None
                if blocked:
                    shown = {k: v for k, v in judged(fitted.metrics).items() if v is not None}
                    refused += [f"{name}: {o.name} ({o.says}); its figures: {shown}" for o in blocked]
                else:
                    model = stored[name] = _store(workshop, fitted)
                note(
                    workshop.lake, table=asset, partition=name, candidate=None, run_id=context.run.run_id,
                    publication=None if model is None else model.digest,
                    outcomes=[asdict(outcome) for outcome in outcomes],
                )  # fmt: skip
            for outcome in outcomes:
                yield dg.AssetCheckResult(
                    asset_key=dg.AssetKey(asset), check_name=_check_name(name, outcome.name), passed=outcome.success,
                    severity=SEVERITIES[outcome.severity], description=outcome.says,
                    metadata={"expected": outcome.expected, "found": outcome.found},
                )  # fmt: skip
        if refused:
            raise dg.Failure(
                f"{asset}: nothing stored: {'; '.join(refused)}", allow_retries=False,
                metadata={"refused": refusal(fits_fingerprint(recipe, asset), pool_pins(workshop.lake, asset))},
            )  # fmt: skip
        yield dg.MaterializeResult(
            asset_key=asset,
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
