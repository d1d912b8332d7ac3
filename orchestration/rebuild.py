"""What `rebuild` answers: whether the code is the pinned one, and for every table whether the rows are the same."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assets.rebuild import behind, other_code, rebuild
from orchestration.progress import Progress
from orchestration.settings import Settings
from orchestration.workshop import furnished, provenance
from spark_jobs.analysis.released import Released
from spark_jobs.errors import VerificationError
from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release, find_release


def rebuilt(
    settings: Settings, lake: Lake, name: str, into: str, progress: Progress, *, anyway: bool
) -> dict[str, Any]:  # fmt: skip
    """Make a release again and compare. Raises VerificationError where other code runs, unless `anyway`."""
    release = find_release(lake, name)
    head, publications = behind(lake, release)
    differs = other_code(publications, provenance())
    if differs and not anyway:
        raise VerificationError(
            f"{release.name}: the running code is not what made it: {'; '.join(differs)}. Check out that commit, "
            "or say --anyway to see whether this code makes the same"
        )
    place = into if "://" in into else str(Path(into).resolve())
    with progress.step(f"rebuild {release.name} into {place}") as said:
        compared = rebuild(
            lake, release, place, run_id=str(uuid.uuid4()), say=progress.say,
            furnish=lambda target, recipe, folder: furnished(settings, target, recipe, folder, say=progress.say),
        )  # fmt: skip
        equal = sum(one.equal for one in compared)
        said.append(f"{equal} of {len(compared)} publications are equal")
    return {
        "release": release.name, "into": place, "ok": 0 < equal == len(compared), "pinned_code": not differs,
        "code_differs": differs, "tables": [{**asdict(one), "equal": one.equal} for one in compared],
        "notes": _notes(release, lake, head),
    }  # fmt: skip


def _notes(release: Release, lake: Lake, head: Publication) -> list[str]:
    """Why a mix of what takedowns left may be another one."""
    if revised := [str(one["receipt"]) for one in release.manifest.get("takedowns", ())]:
        told = "its rows are those before without what was taken down, and a mix of what is left can be another one"
        return [f"{release.name} was revised by {', '.join(revised)}: {told}"]
    pool = Released(lake, release, head).pins["deduped"].values()
    return [
        f"deduped/{p.partition}: {p.record['takedown']['receipt']} elected survivors that were no candidates then"
        for p in pool
        if "takedown" in p.record and ContentDigest.parse(p.record["takedown"]["elected"]).rows
    ]


def render_rebuild(report: Mapping[str, Any]) -> str:
    """A line a publication, then the verdict."""
    lines = [*map(_line, report["tables"]), *(f"note: {note}" for note in report["notes"])]
    lines += [f"not the pinned code: {told}" for told in report["code_differs"]]
    verdict = "was made again, equal in every table" if report["ok"] else "was NOT made again as it was published"
    return "\n".join([*lines, f"{report['release']} {verdict}; the rebuilt lake is {report['into']}"])


def _line(one: Mapping[str, Any]) -> str:
    place = f"{one['table']}/{one['partition']} version {one['version']}"
    if one["taken_by"] is not None:
        return f"UNKNOWN  {place}: {one['taken_by']} destroyed what was published, so there is nothing to compare with"
    if one["equal"]:
        return f"equal    {place}: {one['published']}"
    return f"DIFFERS  {place}: published {one['published']}, made again {one['rebuilt']}"
