"""`mixed`: the documents of a release with their text, copies and tokens; and the release's manifest."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from assets.lineage_metadata import release_metadata
from assets.models import current_models, model_path
from assets.stage_asset import TableAsset
from assets.workshop import Workshop
from expectations.mixed import LAWS
from spark_jobs.errors import LakeError
from spark_jobs.lake import ledger
from spark_jobs.lake.contents import by_licence, summarise
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release, register_release, releases
from spark_jobs.stages.manifest import build_manifest
from spark_jobs.stages.mix import Mix

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


def register_missing(workshop: Workshop) -> int:
    """Register releases whose documents were published and whose rows were not, as after a crash in between.

    What a takedown published in the place of a registered release is not lost: the takedown, when it is given again,
    makes a revision of it and withdraws the release before.
    """
    lake = workshop.lake
    registered = releases(lake)
    known, names = {release.publication for release in registered}, {release.name for release in registered}
    lost = [
        publication for name, publication in lake.publications("mixed").items()
        if publication.id not in known and not ("takedown" in publication.record and name in names)
    ]  # fmt: skip
    if lost:
        ledger.sync(lake)  # what killed the program there kept it from this too
    for publication in lost:
        _register(workshop, publication)
    return len(lost)


def _register(workshop: Workshop, publication: Publication) -> Mapping[str, Any]:
    """The release's row follows its data, with a manifest that pins every ancestor."""
    lake = workshop.lake
    mixed = lake.read([publication])
    rows, licences = ([row.asDict() for row in frame.collect()] for frame in (summarise(mixed), by_licence(mixed)))
    manifest = build_manifest(
        release=publication.partition, recipe_name=workshop.recipe.name, pins=[dict(pin) for pin in publication.inputs],
        summary=rows, publication=publication.id, digest=publication.digest, fingerprint=publication.fingerprint,
        provenance=dict(publication.record.get("provenance", {})), facts=dict(publication.record.get("facts", {})),
        licences=licences,
    )  # fmt: skip
    release = Release(publication.partition, workshop.recipe.name, "published", publication.id, manifest)
    register_release(lake, release)
    return {**release_metadata(lake, release), **card(workshop, release)}


def card(workshop: Workshop, release: Release) -> Mapping[str, Any]:
    """Write the release's manifest and dataset card, and link the card. A failure is only told: it is published."""
    if workshop.write_card is None:
        return {}
    try:
        location = workshop.write_card(workshop.lake, release)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the card, the release stands
        return {"dataset card": f"not written: {type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    link = dg.MetadataValue.url(location) if "://" in location else dg.MetadataValue.path(location)
    return {"dataset card": link}


TABLE = TableAsset(
    stage=Mix(),
    laws=LAWS,
    description="The documents of a release: text, copies, source, phase and tokens. Immutable.",
    prepare=_services,
    after=_register,
    layer="releases",
)
