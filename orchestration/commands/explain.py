"""`provender explain`: what happened to one document."""

import click

from orchestration.command import common, show


@click.command()
@click.argument("doc_id_or_url")
@common
def explain(*, doc_id_or_url: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Everything that happened to a document, stage by stage."""
    from orchestration.api import Lake
    from orchestration.explain import render_story

    story = Lake(home, recipe=recipe).explain(doc_id_or_url)
    show(story, render_story(story), as_json=as_json)
