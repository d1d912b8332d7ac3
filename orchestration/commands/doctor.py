"""`provender doctor`: is the environment whole."""

import click

from orchestration.command import common, show
from orchestration.progress import Progress
from orchestration.settings import Settings


@click.command()
@common
def doctor(*, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Check the environment and say how to mend it."""
    from orchestration.doctor import diagnose, render

    checks = diagnose(Settings.read(home, recipe), say=Progress().say)
    show({"ok": all(c.ok for c in checks), "checks": [c.__dict__ for c in checks]}, render(checks), as_json=as_json)
    if not all(c.ok for c in checks):
        raise SystemExit(1)
