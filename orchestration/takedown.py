"""`takedown`: the lake held alone meanwhile, what is told of it, and the receipt as text."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg

from assets.mixed import card
from assets.workshop import Workshop
from orchestration.instance import reconcile
from orchestration.lake_lock import NAME, alone
from orchestration.progress import Progress
from orchestration.settings import Settings
from spark_jobs.lake import receipts, storage
from spark_jobs.lake.releases import releases
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request

_SHOWN = 12


def take_down(
    settings: Settings, open_workshop: Callable[[], Workshop], instance: dg.DagsterInstance, progress: Progress,
    request: Request, *, dry_run: bool,
) -> dict[str, Any]:  # fmt: skip
    """Run (or plan) a takedown while no other program has the lake open; tells Dagster, and returns the receipt."""
    with nullcontext() if dry_run else alone(settings):
        if not dry_run:
            with progress.step("clear what killed runs left") as said:
                said.append(f"{clear_scratch(settings.scratch)} entries of {settings.scratch}")
        with progress.step("start Spark, open the lake") as said:
            workshop = open_workshop()
            said.append(workshop.lake.home)
        scratch = storage.join(workshop.scratch, request.receipt)
        takedown = Takedown(
            lake=workshop.lake, recipe=workshop.recipe, request=request, scratch=scratch,
            provenance=dict(workshop.provenance), say=progress.say,
        )  # fmt: skip
        try:
            with progress.step("plan" if dry_run else f"take down, receipt {request.receipt}") as said:
                receipt = takedown.plan() if dry_run else takedown.run()
                said.append(f"{receipt['documents'] or 0:,} documents")
        finally:
            storage.remove(scratch)
        for rule in receipt["hit_nothing"]:
            progress.line(
                f"warning: {rule['kind']} {rule['value']} hits no document; is it written as the crawl has it?"
            )
        if not dry_run:
            retell(workshop, [one["release"] for one in receipt["releases"]], progress)
            reconcile(instance, workshop)
    return receipt if dry_run else receipt | {"file": receipts.location(workshop.lake.home, request.receipt)}


def retell(workshop: Workshop, names: Sequence[str], progress: Progress) -> None:
    """Write manifest and card of revised releases, as when they were mixed. A failure is only told, as there."""
    workshop.lake.refresh()
    for release in releases(workshop.lake):
        if release.name in names and release.state == "published":
            told = card(workshop, release).get("dataset card")
            if isinstance(told, str):
                progress.line(f"warning: {release.name}: dataset card {told}")


def clear_scratch(scratch: Path) -> int:
    """Remove what lies in scratch: shuffles and stages of runs that were killed hold text. Nobody else is at work."""
    found = sorted(path for path in scratch.glob("*") if path.name != NAME) if scratch.is_dir() else []
    for path in found:
        storage.remove(str(path))
    return len(found)


def render(receipt: Mapping[str, Any]) -> str:
    """The receipt as a person reads it."""
    planned = receipt["state"] == "planned"
    rules = [f"{rule['kind']} {rule['value']}" for rule in receipt["asked"]]
    verb = "would go" if planned else "went"
    lines = [
        f"{receipt['receipt']} ({receipt['state']}): {receipt['documents'] or 0:,} documents; {receipt['reason']}",
        f"  asked: {', '.join(rules[:_SHOWN])}{f' and {len(rules) - _SHOWN:,} more' if len(rules) > _SHOWN else ''}",
    ]
    for one in receipt["tables"] or ():
        if one["removed"] or one.get("elected"):
            name = f"{one['table']}/{one['partition']}" if one["partition"] else one["table"]
            elected = f", {one['elected']:,} elected again" if one.get("elected") else ""
            proof = "" if planned else "; after = before - removed holds"
            lines.append(f"  {name}: {one['removed']:,} rows {verb}{elected}{proof}")
    if planned:
        lines += [f"  {len(receipt['destroyed']):,} earlier publications could no longer be read"]
        lines += [f"  release {name} would get a new revision" for name in receipt["releases"]]
        return "\n".join([*lines, *_elsewhere(receipt["not_reached"]["exports"])])
    came = receipt.get("came_back", ())
    lines += [f"  {len(came):,} documents came back in their place"] if came else []
    lines += [
        f"  release {one['release']}: revision {one['revision']} without {one['removed_documents']:,} documents; "
        f"{one['withdrawn']} is withdrawn" for one in receipt["releases"]
    ]  # fmt: skip
    lines.append(
        f"  {receipt['files']['deleted']:,} files destroyed, {len(receipt['destroyed']):,} earlier publications can no "
        f"longer be read; {receipt['left']:,} files with them are left"
    )
    for room in ("candidates", "reports"):
        lines += [f"  removed below {room}: {name}" for name in receipt[room]]
    lines += [f"  removed export: {name}" for name in receipt["exports"]]
    lines += (
        [f"  to dedup again by text, with ./provender run: {', '.join(receipt['dedup_again'])}"]
        if receipt.get("dedup_again")
        else []
    )
    beyond = receipt["not_reached"]
    lines += [f"  not reached, crawl file: {uri}" for uri in beyond["crawl_files"]]
    lines += _elsewhere(beyond["exports"])
    lines += [f"  not reached, model fitted on them: {one['name']} {one['digest']}" for one in beyond["models"]]
    return "\n".join([*lines, f"  receipt: {receipt['file']}"])


def _elsewhere(exports: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"  not reached, {f'export of {name}' if (name := one['release']) else 'perhaps an export'}: {one['out']}"
        f"{'' if one['found'] else ' (not found there now)'}"
        for one in exports
    ]
