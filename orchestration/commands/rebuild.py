"""`provender rebuild`: make a release again and compare."""

import click

from orchestration.command import common, lake_of, show
from orchestration.progress import Progress


@click.command()
@click.argument("release")
@click.option("--into", required=True, metavar="DIR", help="A new folder, or a URI: the lake it is made again in.")
@click.option("--anyway", is_flag=True, help="Although the running code is not the pinned clean commit; it says so.")
@common
def rebuild(*, release: str, into: str, anyway: bool, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Make a release again from raw, with its pinned recipe and models, and prove it equal by digests."""
    from orchestration.rebuild import rebuilt, render_rebuild

    report = rebuilt(*lake_of(home, recipe), release, into, Progress(), anyway=anyway)
    show(report, render_rebuild(report), as_json=as_json)
    if not report["ok"]:
        raise click.exceptions.Exit(1)
