"""The jobs of one op for the commands that change what is published without building it.

Each does what the command of its name does, in a run of its own: the UI shows who asked for what, and what came of it.
"""

from collections.abc import Callable

import dagster as dg
from pydantic import Field

from orchestration.gates import approved, render_approval
from orchestration.progress import Progress
from orchestration.rollback import render_rollback, roll_back
from orchestration.takedown import render, take_down
from orchestration.takedown_rules import request_of
from orchestration.vacuum import render_vacuum, vacuumed
from orchestration.workshop import WorkshopResource, require_lake
from spark_jobs.errors import ProvenderError, UsageError, VerificationError


def _do(context: dg.OpExecutionContext, work: Callable[[WorkshopResource], str]) -> None:
    """Do something to an existing lake and show what it tells; an error becomes what a person can read of it."""
    resource: WorkshopResource = context.resources.workshop
    try:
        require_lake(resource.settings)
        told = work(resource)
    except ProvenderError as error:
        raise dg.Failure(str(error), allow_retries=False) from error  # nobody asked twice
    context.log.info("%s", told)
    context.add_output_metadata({"told": dg.MetadataValue.md(f"```\n{told}\n```")})


class RollbackConfig(dg.Config):
    """Which snapshot of which table, and the version to serve again (without one: that before the current)."""

    table: str
    snapshot: str
    to: int | None = None
    reason: str | None = None


@dg.op(required_resource_keys={"workshop"}, description="Publish an earlier publication of a snapshot's table again.")
def serve_earlier(context: dg.OpExecutionContext, config: RollbackConfig) -> None:
    """As `provender rollback`."""

    def work(resource: WorkshopResource) -> str:
        report = roll_back(
            resource.get(), context.instance, Progress(), config.table, config.snapshot, to=config.to,
            reason=config.reason,
        )  # fmt: skip
        return render_rollback(report)

    _do(context, work)


class ApprovalConfig(dg.Config):
    """Which refused candidate (without a name: the newest), and why it may be published."""

    table: str
    snapshot: str
    candidate: str | None = None
    reason: str


@dg.op(required_resource_keys={"workshop"}, description="Publish a candidate in spite of overridable expectations.")
def publish_refused(context: dg.OpExecutionContext, config: ApprovalConfig) -> None:
    """As `provender gate approve`."""

    def work(resource: WorkshopResource) -> str:
        report = approved(
            resource.get(), context.instance, Progress(), config.table, config.snapshot, reason=config.reason,
            candidate=config.candidate,
        )  # fmt: skip
        return render_approval(report)

    _do(context, work)


class TakedownConfig(dg.Config):
    """What to remove, in the words of the command; a dry run only says what would go."""

    urls: list[str] = Field(default_factory=list)
    domains: list[str] = Field(default_factory=list)
    doc_ids: list[str] = Field(default_factory=list)
    licences: list[str] = Field(default_factory=list)
    files: list[str] = Field(default_factory=list)
    reason: str
    dry_run: bool = False


@dg.op(required_resource_keys={"workshop"}, description="Remove documents from everything, and keep them out.")
def remove_everywhere(context: dg.OpExecutionContext, config: TakedownConfig) -> None:
    """As `provender takedown`: while another run has the lake open it fails, and changes nothing."""

    def work(resource: WorkshopResource) -> str:
        request = request_of(
            urls=config.urls, domains=config.domains, doc_ids=config.doc_ids, licences=config.licences,
            files=config.files, reason=config.reason,
        )  # fmt: skip
        receipt = take_down(
            resource.settings, resource.get, context.instance, Progress(), request, dry_run=config.dry_run
        )
        if receipt.get("left"):
            raise VerificationError(render(receipt))
        return render(receipt)

    _do(context, work)


class VacuumConfig(dg.Config):
    """Which releases stay, and from what age on files that no version lists are leftovers."""

    keep: list[str]
    older_than_hours: float = 24.0
    dry_run: bool = False


@dg.op(required_resource_keys={"workshop"}, description="Remove the files that nothing kept or current needs.")
def free_files(context: dg.OpExecutionContext, config: VacuumConfig) -> None:
    """As `provender vacuum`."""

    def work(resource: WorkshopResource) -> str:
        if not config.keep:
            raise UsageError("keep: name the releases that stay (or latest)")
        report = vacuumed(resource.get(), config.keep, dry_run=config.dry_run, older_than_hours=config.older_than_hours)
        return render_vacuum(report)

    _do(context, work)


@dg.job(description="Serve an earlier publication again; what was made from the current one becomes stale.")
def rollback() -> None:
    """One op."""
    serve_earlier()


@dg.job(description="Publish a refused candidate, with a reason that stays in its lineage.")
def approve_candidate() -> None:
    """One op."""
    publish_refused()


@dg.job(description="Take documents down from every table, version, cache, release and export, for good.")
def takedown() -> None:
    """One op."""
    remove_everywhere()


@dg.job(description="Free what no kept release needs; other releases are retired.")
def vacuum() -> None:
    """One op."""
    free_files()


CHANGE_JOBS = (rollback, approve_candidate, takedown, vacuum)
