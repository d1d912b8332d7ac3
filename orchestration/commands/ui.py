"""`provender ui`: Dagster's pages."""

import click

from orchestration.command import common
from orchestration.progress import Progress
from orchestration.settings import Settings


@click.command()
@click.option("--port", type=int, default=3000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@common
def ui(*, port: int, host: str, home: str | None, recipe: str | None, as_json: bool) -> None:  # noqa: ARG001
    """The Dagster UI on this project."""
    from orchestration.ui import serve

    raise SystemExit(serve(Settings.read(home, recipe).check(), host, port, Progress()))
