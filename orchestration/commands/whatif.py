"""`provender whatif`: other bounds, from stored signals."""

import click

from orchestration.command import common, show, workshop_of
from orchestration.progress import Progress


@click.command()
@click.option(
    "--set", "sets", multiple=True, metavar="FILTER.PARAM=VALUE", help="A bound to move; null: off. Repeatable."
)
@click.option("--without", multiple=True, metavar="FILTER", help="A filter to take out; repeatable.")
@click.option("--curve", metavar="FILTER.PARAM", help="What is kept at every threshold of a bound, instead of at one.")
@click.option("--points", type=click.IntRange(2, 200), default=24, show_default=True, help="Thresholds of the curve.")
@click.option("--snapshot", "snapshots", multiple=True, metavar="ID", help="Only this snapshot; repeatable.")
@click.option("--by", type=click.Choice(["language", "source", "host"]), help="Also for each value of a column.")
@common
def whatif(
    *, sets: tuple[str, ...], without: tuple[str, ...], curve: str | None, points: int, snapshots: tuple[str, ...],
    by: str | None, home: str | None, recipe: str | None, as_json: bool,
) -> None:  # fmt: skip
    """What would be kept under other bounds or without a filter: from stored signals, nothing is built."""
    from orchestration.whatif import compare, render_comparison, render_curve, retention_curve

    if curve is None and not sets and not without:
        raise click.UsageError("say what to change: --set FILTER.PARAM=VALUE, --without FILTER or --curve FILTER.PARAM")
    if curve is not None and by is not None:
        raise click.UsageError("--curve and --by do not go together: a curve is over all documents")
    progress = Progress()
    if curve is not None:
        found = retention_curve(
            lambda: workshop_of(home, recipe), progress, target=curve, points=points, snapshots=snapshots, sets=sets,
            without=without,
        )  # fmt: skip
        show(found, render_curve(found), as_json=as_json)
        return
    found = compare(lambda: workshop_of(home, recipe), progress, sets=sets, without=without, snapshots=snapshots, by=by)
    show(found, render_comparison(found), as_json=as_json)
