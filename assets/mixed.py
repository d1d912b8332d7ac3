"""`mixed`: the documents of a release with their text, copies and tokens; and the release's manifest."""

from collections.abc import Mapping
from typing import Any

from assets.models import current_models, model_path
from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.mixed import LAWS
from spark_jobs.errors import LakeError
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release, register_release
from spark_jobs.stages.manifest import build_manifest
from spark_jobs.stages.mix import Mix, summarise

_ANCESTORS = ("raw", "cleaned", "scored", "deduped", "rewritten")


def _services(workshop: Workshop, pins: Pins, _partition: str) -> dict[str, object]:
    """The models of rewrites. A release is made of publications of one state of the recipe only: LakeError else."""
    from assets.catalog import full_fingerprints, tables  # noqa: PLC0415 - the catalog imports this module

    wanted = full_fingerprints(tables(), workshop)
    for table in _ANCESTORS:
        for snapshot in pins.snapshots():
            if pins.publication(table, snapshot).fingerprint != wanted[table]:
                raise LakeError(
                    f"{table}/{snapshot} was built with another state of the recipe; "
                    "bring it up to date with ./provender run before a release is mixed"
                )
    return {
        "models": current_models(workshop, "rewrite_models"), "model_path": lambda digest: model_path(workshop, digest)
    }  # fmt: skip


def _register(workshop: Workshop, publication: Publication) -> Mapping[str, Any]:
    """The release's row follows its data, with a manifest that pins every ancestor."""
    lake = workshop.lake
    rows = [row.asDict() for row in summarise(lake.read([publication])).collect()]
    manifest = build_manifest(
        release=publication.partition, recipe_name=workshop.recipe.name, pins=[dict(pin) for pin in publication.inputs],
        summary=rows, publication=publication.id, digest=publication.digest, fingerprint=publication.fingerprint,
        provenance=dict(workshop.provenance), facts=dict(publication.record.get("facts", {})),
    )  # fmt: skip
    register_release(lake, Release(publication.partition, workshop.recipe.name, "published", publication.id, manifest))
    return {"documents": sum(r["documents"] for r in rows), "tokens": sum(r["tokens"] for r in rows)}


TABLE = TableAsset(
    stage=Mix(),
    laws=LAWS,
    description="The documents of a release: text, copies, source, phase and tokens. Immutable.",
    prepare=_services,
    after=_register,
    layer="releases",
)
