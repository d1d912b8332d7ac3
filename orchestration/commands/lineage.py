"""`provender lineage`: what is behind a release."""

import click

from orchestration.command import common, show


@click.command()
@click.argument("release")
@common
def lineage(*, release: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """The filters, models, inputs and counts behind a release, as a tree."""
    from orchestration.api import Lake
    from orchestration.report import render_lineage

    tree = Lake(home, recipe=recipe).lineage(release)
    show(tree, render_lineage(tree), as_json=as_json)
