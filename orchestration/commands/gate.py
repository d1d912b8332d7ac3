"""`provender gate`: candidates that were refused, and what expectations found over time."""

import click

from orchestration.command import common, show, workshop_of, writing_to


@click.group()
def gate() -> None:
    """Refused candidates, their approval, and the history of expectations."""


@gate.command(name="show")
@click.argument("table", required=False)
@click.argument("snapshot", required=False)
@common
def show_gates(*, table: str | None, snapshot: str | None, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Candidates that were refused and still lie there: what was expected, what was found, and where they lie."""
    from orchestration.gates import render_gates, shown_gates

    report = shown_gates(workshop_of(home, recipe), table, snapshot)
    show(report, render_gates(report), as_json=as_json)


@gate.command()
@click.argument("table")
@click.argument("snapshot")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be published; part of the lineage for ever.")
@click.option("--candidate", metavar="NAME", help="Which one (default: the newest); the beginning of its name will do.")
@common
def approve(
    *, table: str, snapshot: str, reason: str, candidate: str | None, home: str | None, recipe: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Publish a candidate that failed nothing but expectations which the recipe marks as overridable."""
    from orchestration.gates import approved, render_approval

    with writing_to(home, recipe) as (workshop, instance, progress):
        report = approved(workshop, instance, progress, table, snapshot, reason=reason, candidate=candidate)
    show(report, render_approval(report), as_json=as_json)


@gate.command()
@click.argument("table", required=False)
@click.argument("snapshot", required=False)
@click.option("--expectation", metavar="NAME", help="Only this one.")
@click.option("--failed", is_flag=True, help="Only expectations that failed at least once.")
@common
def history(
    *, table: str | None, snapshot: str | None, expectation: str | None, failed: bool, home: str | None,
    recipe: str | None, as_json: bool,
) -> None:  # fmt: skip
    """What each expectation found, over publications and refused attempts."""
    from orchestration.gates import gate_history, render_history

    report = gate_history(workshop_of(home, recipe), table, snapshot, expectation)
    show(report, render_history(report, failed_only=failed), as_json=as_json)
