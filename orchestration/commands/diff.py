"""`provender diff`: what is different of two releases, and why."""

import click

from orchestration.command import common, show
from orchestration.progress import Progress


@click.command()
@click.argument("before")
@click.argument("after")
@click.option(
    "--examples", type=click.IntRange(1, 100), default=None, metavar="N", help="Name N documents of every cause."
)
@click.option("--with-text", is_flag=True, help="Also show their text: what is different of it, or its beginning.")
@common
def diff(
    *, before: str, after: str, examples: int | None, with_text: bool, home: str | None, recipe: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Documents added, removed and changed between two releases, each for one cause; HOME:RELEASE for another lake."""
    from orchestration.api import Lake
    from orchestration.diff import render

    if with_text and examples is None:
        raise click.UsageError("--with-text shows the text of examples: give --examples N as well")
    lake = Lake(home, recipe=recipe)
    with Progress().step(f"{before} and {after}") as said:
        found = lake.diff(before, after, examples=examples or 0, with_text=with_text)
        said.append(f"{sum(kind['documents'] for kind in found['kinds'].values()):,} documents differ")
    show(found, render(found), as_json=as_json)
