"""`provender status`: what is published, stale or refused."""

import click

from orchestration.command import common, show, workshop_of


@click.command()
@common
def status(*, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Tables, snapshots, last publications, stale parts, failed gates."""
    from orchestration.report import render_status, status_of

    report = status_of(workshop_of(home, recipe))
    show(report, render_status(report), as_json=as_json)
