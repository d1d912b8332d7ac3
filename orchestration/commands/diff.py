"""`provender diff`: what is different of two releases, and why."""

import click

from orchestration.command import common, show, workshop_of
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
    from orchestration.diff import diff_of, render

    if with_text and examples is None:
        raise click.UsageError("--with-text shows the text of examples: give --examples N as well")
    found = diff_of(
        lambda: workshop_of(home, recipe), Progress(), before, after, examples=examples or 0, with_text=with_text
    )
    show(found, render(found), as_json=as_json)
