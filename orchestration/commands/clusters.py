"""`provender clusters`: what is a duplicate of what."""

import click

from orchestration.command import common, show, workshop_of
from orchestration.progress import Progress


@click.command()
@click.argument("snapshot")
@click.option("--top", type=click.IntRange(1, 200), default=10, show_default=True, help="Clusters and pairs of hosts.")
@click.option("--with-text", is_flag=True, help="Also show how a member's text differs from the survivor's.")
@common
def clusters(*, snapshot: str, top: int, with_text: bool, home: str | None, recipe: str | None, as_json: bool) -> None:
    """What is a duplicate of what in a snapshot: sizes, levels, the largest clusters, hosts that copy."""
    from orchestration.clusters import clusters_of, render

    found = clusters_of(lambda: workshop_of(home, recipe), Progress(), snapshot, top=top, with_text=with_text)
    show(found, render(found), as_json=as_json)
