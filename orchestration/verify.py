"""What `verify` answers: the mismatches one by one, and what was looked at."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.progress import Progress
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.verify import verify

_MEGABYTE = 1_000_000


def verification_of(lake: Lake, name: str, exports: Sequence[str], progress: Progress) -> dict[str, Any]:
    """Check a release by name, or the latest."""
    release = find_release(lake, name)
    folders = [out if "://" in out else str(Path(out).resolve()) for out in exports]
    with progress.step(f"verify {release.name}") as said:
        found = verify(lake, release, exported_to=folders, say=progress.say)
        said.append(f"{len(found.mismatches)} mismatches" if found.mismatches else "as it was published")
    return found.as_json()


def render_verification(found: Mapping[str, Any]) -> str:
    """A line a mismatch, then what was looked at."""
    looked = (
        f"{found['publications']} publications, {found['rows']:,} rows in {found['files']} files "
        f"({found['bytes'] / _MEGABYTE:,.1f} MB), {found['models']} models, {len(found['exports'])} exports"
    )
    lines = [_line(entry) for entry in found["mismatches"]]
    verdict = "does NOT match what was published" if lines else "is what was published"
    return "\n".join([*lines, *(f"note: {note}" for note in found["notes"]), f"{found['release']} {verdict}: {looked}"])


def _line(entry: Mapping[str, Any]) -> str:
    version = "" if entry["version"] is None else f" version {entry['version']}"
    place = "" if entry["table"] is None else f"{entry['table']}/{entry['partition'] or ''}{version}: "
    file = "" if entry["file"] is None else f"{entry['file']}: "
    return f"MISMATCH {place}{file}{entry['check']}: expected {entry['expected']}, found {entry['found']}"
