"""`provender report`: the page of a snapshot."""

import click

from orchestration.command import common, show, workshop_of
from orchestration.progress import Progress


@click.command()
@click.argument("snapshot")
@click.option("--out", metavar="FILE", help="Where the page is written (default: below HOME/reports).")
@click.option(
    "--with-text", is_flag=False, flag_value=5, type=click.IntRange(1, 200), metavar="[N]",
    help="Also show N kept and N dropped documents (5 if N is left out); without it no text is read.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Which documents --with-text draws.")
@common
def report(
    *, snapshot: str, out: str | None, with_text: int | None, seed: int, home: str | None, recipe: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Write one HTML page on what cleaning did to a snapshot."""
    from orchestration.report_page.page import write_on_demand

    progress = Progress()
    told = write_on_demand(workshop_of(home, recipe), progress, snapshot, out, examples=with_text or 0, seed=seed)
    show(told, told["file"], as_json=as_json)
