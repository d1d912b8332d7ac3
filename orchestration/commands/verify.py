"""`provender verify`: whether a release still is what was published."""

import click

from orchestration.command import common, lake_of, show
from orchestration.progress import Progress


@click.command()
@click.argument("release")
@click.option("--export", "exports", multiple=True, metavar="DIR", help="An export to check as well; repeatable.")
@common
def verify(*, release: str, exports: tuple[str, ...], home: str | None, recipe: str | None, as_json: bool) -> None:
    """Check pins, files, digests and counts of all that is behind a release, and its exports."""
    from orchestration.verify import render_verification, verification_of

    _settings, lake = lake_of(home, recipe)
    found = verification_of(lake, release, exports, Progress())
    show(found, render_verification(found), as_json=as_json)
    if not found["ok"]:
        raise click.exceptions.Exit(1)
