"""What `rebuild` answers: whether the code is the pinned one, and for every table whether the rows are the same."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assets.rebuild import behind, other_code, rebuild
from assets.workshop import Workshop
from orchestration.progress import Progress
from spark_jobs.errors import VerificationError
from spark_jobs.lake.releases import find_release


def rebuilt(workshop: Workshop, name: str, into: str, progress: Progress, *, anyway: bool) -> dict[str, Any]:
    """Make a release again and compare. Raises VerificationError where other code runs, unless `anyway`."""
    release = find_release(workshop.lake, name)
    _head, publications = behind(workshop.lake, release)
    differs = other_code(publications, workshop.provenance)
    if differs and not anyway:
        raise VerificationError(
            f"{release.name}: the running code is not what made it: {'; '.join(differs)}. Check out that commit, "
            "or say --anyway to see whether this code makes the same"
        )
    place = into if "://" in into else str(Path(into).resolve())
    with progress.step(f"rebuild {release.name} into {place}") as said:
        compared = rebuild(workshop, release, place, run_id=str(uuid.uuid4()))
        equal = sum(one.equal for one in compared)
        said.append(f"{equal} of {len(compared)} publications are equal")
    return {
        "release": release.name, "into": place, "ok": equal == len(compared), "pinned_code": not differs,
        "code_differs": differs, "tables": [{**asdict(one), "equal": one.equal} for one in compared],
    }  # fmt: skip


def render_rebuild(report: Mapping[str, Any]) -> str:
    """A line a publication, then the verdict."""
    lines = [
        f"{'equal   ' if one['equal'] else 'DIFFERS '} {one['table']}/{one['partition']} version {one['version']}: "
        + (one["published"] if one["equal"] else f"published {one['published']}, made again {one['rebuilt']}")
        for one in report["tables"]
    ]
    lines += [f"not the pinned code: {told}" for told in report["code_differs"]]
    verdict = "was made again, equal in every table" if report["ok"] else "was NOT made again as it was published"
    return "\n".join([*lines, f"{report['release']} {verdict}; the rebuilt lake is {report['into']}"])
