"""`provender export`: training files of a release."""

from typing import Any

import click

from orchestration.command import common, show


@click.command()
@click.argument("release")
@click.option("--format", "fmt", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True)
@click.option("--out", required=True, metavar="DIR", help="An empty or new folder, or a URI.")
@common
def export(*, release: str, fmt: Any, out: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Write a release as training files, with a dataset card and a manifest of their digests."""
    from orchestration.api import Lake

    report = Lake(home, recipe=recipe).release(release).export(out, fmt=fmt)
    show(report, f"{report['release']}: {len(report['files'])} files in {report['out']}", as_json=as_json)
