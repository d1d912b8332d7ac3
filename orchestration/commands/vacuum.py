"""`provender vacuum`: free what no kept release needs."""

import click

from orchestration.command import common, show, workshop_of


@click.command()
@click.argument("more", nargs=-1, metavar="[RELEASE]...")
@click.option("--keep", multiple=True, required=True, metavar="RELEASE", help="Releases that stay (or latest).")
@click.option("--dry-run", is_flag=True, help="Only say what would be freed.")
@click.option(
    "--older-than", type=click.FloatRange(0), default=24.0, show_default=True, metavar="HOURS",
    help="Age from which files that no version lists are leftovers, and not being written.",
)  # fmt: skip
@common
def vacuum(
    *,
    keep: tuple[str, ...],
    more: tuple[str, ...],
    dry_run: bool,
    older_than: float,
    home: str | None,
    recipe: str | None,
    as_json: bool,
) -> None:
    """Remove the files that no kept release and nothing current needs. Other releases are retired: their rows go."""
    from orchestration.vacuum import render_vacuum, vacuumed

    report = vacuumed(workshop_of(home, recipe), (*keep, *more), dry_run=dry_run, older_than_hours=older_than)
    show(report, render_vacuum(report), as_json=as_json)
