"""Releases: the names people give to what was mixed, and the manifest that pins every ancestor of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spark_jobs.errors import NotFoundError, TakenDownError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import Scope, replace
from spark_jobs.lake.records import Publication, canonical_json, sha256_of

LATEST = "latest"
PUBLISHED = "published"
RETIRED = "retired"  # its documents are gone: a vacuum did not keep them
WITHDRAWN = "withdrawn"
_BECAUSE = {RETIRED: "a vacuum removed its documents; ./provender lineage still tells what it was made from"}
_SCHEMA = "release STRING, recipe STRING, state STRING, publication STRING, manifest STRING"


@dataclass(frozen=True)
class Release:
    """A published release."""

    name: str
    recipe: str
    state: str
    publication: str
    manifest: Mapping[str, Any]


def release_name(recipe: str, snapshots: tuple[str, ...], pins: Mapping[str, str]) -> str:
    """A name that says what is newest in it and is different for different ancestors."""
    return f"{recipe}-{snapshots[-1]}-{sha256_of([list(snapshots), dict(pins)])[:8]}"


def register_release(lake: Lake, release: Release) -> Publication | None:
    """Publish a release's row; None when it stands there already for the same publication."""
    lake.refresh("releases")
    if any(r.name == release.name and r.publication == release.publication for r in releases(lake)):
        return None
    return register_state(lake, release)


def register_state(lake: Lake, release: Release, *, run_id: str | None = None) -> Publication:
    """Publish a release's row as it is given, whatever stands there: with another state, say."""
    row = (release.name, release.recipe, release.state, release.publication, canonical_json(release.manifest))
    return replace(
        lake, Scope("releases", release.name), lake.spark.createDataFrame([row], _SCHEMA),
        {"kind": "main", "stage": "register", "fingerprint": release.publication, "run_id": run_id},
        sequence=lake.sequence("releases", release.name) + 1,
    )  # fmt: skip


def revision_of(release: Release) -> int:
    """The number of a release's revision: 1 as it was mixed, one more after each takedown that took of it."""
    return int(release.manifest.get("revision", 1))


def revise_release(lake: Lake, old: Release, new: Release) -> Release:
    """Register `new` under the name of `old`, which stays as `NAME-rN`, withdrawn; returns what was withdrawn.

    The withdrawn row comes first: a killed takedown leaves a release that is still there, and is finished by the next.
    """
    manifest = {**old.manifest, "release": f"{old.name}-r{revision_of(old)}", "withdrawn_for": new.publication}
    withdrawn = Release(manifest["release"], old.recipe, WITHDRAWN, old.publication, manifest)
    register_release(lake, withdrawn)
    register_release(lake, new)
    return withdrawn


def releases(lake: Lake) -> tuple[Release, ...]:
    """Every release, the one that was first registered first; a revision keeps the place of its release."""
    order: dict[str, int] = {}
    for publication in lake.history("releases"):
        order.setdefault(publication.partition, publication.version)
    rows = lake.rows("releases")
    found = [
        Release(row["release"], row["recipe"], row["state"], row["publication"], json.loads(row["manifest"]))
        for row in rows
    ]
    return tuple(sorted(found, key=lambda release: order.get(release.name, -1)))


def find_release(lake: Lake, name: str, *, any_state: bool = False) -> Release:
    """A release by name, by an unambiguous beginning of it, or `latest`. Raises NotFoundError naming what there is.

    One that is retired or withdrawn is refused, NotFoundError or TakenDownError; with `any_state`, for who needs its
    records alone, it is not. A beginning means a served one where it can.
    """
    everything = releases(lake)
    exact = next((release for release in everything if release.name == name), None)
    if exact is not None:
        return exact if any_state else _served(exact)
    known = [release for release in everything if release.state == PUBLISHED]
    if not known:
        raise NotFoundError(f"{lake.home}: no release yet; build one with ./provender run")
    if name == LATEST:
        return known[-1]
    found = [release for release in known if release.name.startswith(name)]
    if not found and any_state:
        found = [release for release in everything if release.name.startswith(name)]
    if len(found) != 1:
        what = "no release" if not found else "more than one release"
        listed = found or (everything if any_state else known)
        raise NotFoundError(f"{what} is named {name!r}; there are: {', '.join(r.name for r in listed)}, latest")
    return found[0]


def _served(release: Release) -> Release:
    """The release. Raises where it is in another state than published, and says what there is instead."""
    name = release.name
    if release.state == WITHDRAWN:
        raise TakenDownError(
            f"{name}: withdrawn, as it held documents that were taken down; {name.rpartition('-r')[0]} is without them"
        )
    if release.state != PUBLISHED:
        raise NotFoundError(f"the release {name} is {release.state}: {_BECAUSE.get(release.state, 'it is not served')}")
    return release
