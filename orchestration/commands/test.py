"""`provender test`: the checks of the project."""

import click


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def test(args: tuple[str, ...]) -> None:
    """Lint, types, layers, all tests; with arguments, pytest with those."""
    from orchestration.testing import main as run_tests

    raise SystemExit(run_tests(list(args)))
