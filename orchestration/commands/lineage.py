"""`provender lineage`: what is behind a release."""

import click

from orchestration.command import common, show


@click.command()
@click.argument("release")
@click.option("--dot", "dot_file", metavar="FILE", help="Also write it as a graph in Graphviz's language.")
@click.option("--html", "html_file", metavar="FILE", help="Also write it as a page with a drawing in it.")
@common
def lineage(
    *, release: str, dot_file: str | None, html_file: str | None, home: str | None, recipe: str | None, as_json: bool
) -> None:
    """The filters, models, inputs and counts behind a release, as a tree; of a retired or withdrawn one as well."""
    from orchestration.api import Lake
    from orchestration.lineage import draw, render_lineage

    tree = Lake(home, recipe=recipe).lineage(release)
    draw(tree, dot_file=dot_file, html_file=html_file)
    show(tree, render_lineage(tree), as_json=as_json)
