"""`provender lineage`: what is behind a release."""

import click

from orchestration.command import common, show, workshop_of


@click.command()
@click.argument("release")
@common
def lineage(*, release: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """The filters, models, inputs and counts behind a release, as a tree."""
    from orchestration.report import lineage_of, render_lineage

    tree = lineage_of(workshop_of(home, recipe), release)
    show(tree, render_lineage(tree), as_json=as_json)
