"""What every command is made of: the common options, an existing lake opened for reading, and how results are shown."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from orchestration.progress import Progress
from orchestration.settings import Settings


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command."""
    for option in (
        click.option("--home", metavar="DIR", help="Where the lake is (default: PROVENDER_HOME, or .provender here)."),
        click.option("--recipe", metavar="NAME_OR_FILE", help="Which recipe (default: PROVENDER_RECIPE, or default)."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
    ):
        command = option(command)
    return command


def workshop_of(home: str | None, recipe: str | None) -> Any:
    """Open an existing lake for reading. A missing lake is told before Spark starts."""
    from orchestration.workshop import WorkshopResource, require_lake

    settings = Settings.read(home, recipe).check()
    require_lake(settings)
    resource = WorkshopResource(settings, Progress().say)
    return resource.get()


def lake_of(home: str | None, recipe: str | None) -> tuple[Settings, Any]:
    """The settings, and an existing lake for what needs no recipe; one that is named must be the lake's."""
    from orchestration.workshop import open_lake, require_lake

    settings = Settings.read(home, recipe).check()
    require_lake(settings)
    return settings, open_lake(settings, check_recipe=recipe is not None)


@contextmanager
def writing_to(home: str | None, recipe: str | None) -> Iterator[tuple[Any, Any, Progress]]:
    """An existing lake opened for a change: workshop, Dagster instance, progress. A missing lake is told first."""
    from orchestration.instance import open_instance
    from orchestration.workshop import WorkshopResource, require_lake

    settings, progress = Settings.read(home, recipe).check(), Progress()
    require_lake(settings)
    resource = WorkshopResource(settings, progress.say)
    with open_instance(settings) as instance:
        yield resource.get(), instance, progress


def show(value: Any, text: str, *, as_json: bool) -> None:
    """The result on standard output: one JSON object, or what a person reads."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str) if as_json else text)
