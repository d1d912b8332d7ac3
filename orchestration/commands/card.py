"""`provender card`: the dataset card of a release."""

import click

from orchestration.command import common, show


@click.command()
@click.argument("release")
@common
def card(*, release: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Print the dataset card of a release: Markdown with a head for the Hugging Face Hub, from the ledger."""
    from orchestration.api import Lake

    found = Lake(home, recipe=recipe).release(release)
    text = found.card()
    show({"release": found.name, "card": text}, text.rstrip("\n"), as_json=as_json)
