"""`takedown`: what a person asks for as rules, the lake held alone meanwhile, and the receipt as text."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg

from assets.workshop import Workshop
from orchestration.instance import reconcile
from orchestration.lake_lock import NAME, alone
from orchestration.progress import Progress
from orchestration.settings import Settings
from spark_jobs.crawl.url import canonical_url, host_of
from spark_jobs.errors import InputError, UsageError
from spark_jobs.lake import receipts, storage
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request
from spark_jobs.text.urls import is_public_suffix

_DOC_ID = re.compile(r"^[0-9a-f]{32}$")
_KINDS = {"doc-id": "doc", "url": "url", "domain": "domain", "licence": "licence"}
_SHOWN = 12


def request_of(
    *, urls: Sequence[str], domains: Sequence[str], doc_ids: Sequence[str], licences: Sequence[str],
    files: Sequence[str], reason: str,
) -> Request:  # fmt: skip
    """The request in the words of the command. Raises UsageError and InputError naming what is wrong."""
    said = [*(("url", v) for v in urls), *(("domain", v) for v in domains), *(("doc-id", v) for v in doc_ids),
            *(("licence", v) for v in licences)]  # fmt: skip
    rules: dict[str, set[str]] = {}
    for kind, value in said:
        rules.setdefault(_KINDS[kind], set()).add(_rule(kind, value, f"--{kind} {value}"))
    for name in files:
        for place, kind, value in _listed(name):
            rules.setdefault(_KINDS[kind], set()).add(_rule(kind, value, place))
    if not rules:
        raise UsageError("say what to take down: --url, --domain, --doc-id, --licence or a --file of these")
    if not reason.strip():
        raise UsageError("--reason is empty: say why, it goes into the receipt")
    return Request({kind: tuple(sorted(values)) for kind, values in rules.items()}, reason.strip())


def _listed(name: str) -> list[tuple[str, str, str]]:
    """(place, kind, value) of a file: one `KIND VALUE` a line, or a URL or an id alone; `#` begins a remark."""
    try:
        lines = storage.read_text(name).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--file {name}: cannot be read ({error}); give a UTF-8 file of one rule a line") from None
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        kind, _, value = text.partition(" ")
        if kind not in _KINDS:
            kind, value = "doc-id" if _DOC_ID.match(text) else "url" if "://" in text else "", text
        if not kind or not value.strip():
            raise InputError(
                f"{name}:{number}: {text[:80]!r} is no rule; write one of {', '.join(_KINDS)} and its value"
            )
        found.append((f"{name}:{number}", kind, value.strip()))
    if not found:
        raise InputError(f"--file {name}: no rule in it")
    return found


def _rule(kind: str, value: str, place: str) -> str:
    """The value in the form in which it is compared."""
    if kind == "doc-id":
        if not _DOC_ID.match(value):
            raise UsageError(f"{place}: a document id is 32 hex digits; ./provender explain URL shows those of a URL")
        return value
    if kind == "domain":
        host = host_of(value if "://" in value else f"http://{value}")
        if not host or re.search(r"[\s/]", host):
            raise UsageError(f"{place}: no domain; give a host name such as example.org")
        if is_public_suffix(host):
            raise UsageError(f"{place}: everything under {host} is more than a site; name a domain below it")
        return host
    return canonical_url(value) if kind == "url" else value


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
        if not dry_run:
            reconcile(instance, workshop)
    return receipt if dry_run else receipt | {"file": receipts.location(workshop.lake.home, request.receipt)}


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
        return "\n".join(lines)
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
    for room in ("candidates", "exports", "reports"):
        lines += [f"  removed below {room}: {name}" for name in receipt[room]]
    lines += (
        [f"  to dedup again by text, with ./provender run: {', '.join(receipt['dedup_again'])}"]
        if receipt.get("dedup_again")
        else []
    )
    beyond = receipt["not_reached"]
    lines += [f"  not reached, crawl file: {uri}" for uri in beyond["crawl_files"]]
    lines += [f"  not reached, model fitted on them: {one['name']} {one['digest']}" for one in beyond["models"]]
    return "\n".join([*lines, f"  receipt: {receipt['file']}"])
