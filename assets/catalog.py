"""The catalog: every table asset of this folder, in the order of the flow. A new table is a new file, nothing here."""

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

import assets
from assets.models import models_by_asset
from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from spark_jobs.lake import freshness
from spark_jobs.lake.registry import registered
from spark_jobs.recipe.fingerprint import fingerprints
from spark_jobs.recipe.recipe import Recipe


def tables() -> Mapping[str, TableAsset]:
    """Table assets by name, upstream before downstream."""
    found: dict[str, TableAsset] = {}
    for module in pkgutil.iter_modules(assets.__path__):
        table = getattr(importlib.import_module(f"assets.{module.name}"), "TABLE", None)
        if isinstance(table, TableAsset):
            found[table.name] = table
    ordered: dict[str, TableAsset] = {}

    def add(name: str) -> None:
        if name in found and name not in ordered:
            for upstream in found[name].stage.upstream:
                add(upstream)
            ordered[name] = found[name]

    for name in found:
        add(name)
    return MappingProxyType(ordered)


def code_versions(catalog: Mapping[str, TableAsset], recipe: Recipe) -> dict[str, str]:
    """Fingerprints as far as recipe, code and packages determine them; models have an asset of their own."""
    return fingerprints({name: table.stage for name, table in catalog.items()}, recipe, {})


def full_fingerprints(catalog: Mapping[str, TableAsset], workshop: Workshop) -> dict[str, str]:
    """Fingerprints of a lake: with the digests of the models that its recipe uses."""
    stages = {name: table.stage for name, table in catalog.items()}
    return fingerprints(stages, workshop.recipe, models_by_asset(workshop))


def stale_parts(catalog: Mapping[str, TableAsset], workshop: Workshop) -> dict[freshness.Part, str]:
    """Every table of every snapshot that the next run builds (again), in its order, and why."""
    upstream = {name: table.stage.upstream for name, table in catalog.items() if table.stage.scope == "snapshot"}
    order = tuple(registered(workshop.lake))
    return freshness.stale_parts(workshop.lake, upstream, full_fingerprints(catalog, workshop), order)
