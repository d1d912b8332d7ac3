"""`provender rollback`: serve an earlier publication."""

import click

from orchestration.command import common, show
from orchestration.progress import Progress
from orchestration.settings import Settings


@click.command()
@click.argument("table")
@click.argument("snapshot")
@click.option("--to", type=click.IntRange(0), metavar="VERSION", help="Version to serve (default: the one before).")
@click.option("--reason", metavar="TEXT", help="Why; it becomes part of the lineage.")
@common
def rollback(
    *, table: str, snapshot: str, to: int | None, reason: str | None, home: str | None, recipe: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Publish an earlier publication of a snapshot's table again; what was made from the current one becomes stale."""
    from orchestration.instance import open_instance
    from orchestration.rollback import render_rollback, roll_back
    from orchestration.workshop import WorkshopResource, require_lake

    settings, progress = Settings.read(home, recipe).check(), Progress()
    require_lake(settings)
    resource = WorkshopResource(settings, progress.say)
    with open_instance(settings) as instance:
        report = roll_back(resource.get(), instance, progress, table, snapshot, to=to, reason=reason)
    show(report, render_rollback(report), as_json=as_json)
