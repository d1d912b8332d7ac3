"""`provender rollback`: serve an earlier publication."""

import click

from orchestration.command import common, show, writing_to


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
    from orchestration.rollback import render_rollback, roll_back

    with writing_to(home, recipe) as (workshop, instance, progress):
        report = roll_back(workshop, instance, progress, table, snapshot, to=to, reason=reason)
    show(report, render_rollback(report), as_json=as_json)
