"""The exit status of the program is what the command ended with, however it ended."""

from typing import Any

import click
import pytest
from click.exceptions import Exit

from orchestration import cli
from spark_jobs.errors import GateError, TransientError, UsageError


def ends(how: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """The status of a command that ends so."""

    @click.command()
    def command() -> Any:
        if isinstance(how, BaseException):
            raise how
        return how

    monkeypatch.setattr(cli.Program, "get_command", lambda *_: command)
    return cli.main(["command"])


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (None, 0), ({"a": "report"}, 0), (Exit(1), 1), (Exit(0), 0), (SystemExit(1), 1),
        (SystemExit(), 0), (click.UsageError("no"), 2), (UsageError("no"), 2), (GateError("no"), 1),
        (TransientError("no"), 3), (KeyboardInterrupt(), 3), (click.Abort(), 3),
    ],
    ids=repr,
)  # fmt: skip
def test_the_status_is_what_the_command_ended_with(how: Any, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ends(how, monkeypatch) == status


@pytest.mark.parametrize(
    ("words", "status"), [(["--help"], 0), (["--version"], 0), (["verify", "--help"], 0), (["x"], 2)]
)
def test_help_is_no_error_and_an_unknown_command_is(words: list[str], status: int) -> None:
    assert cli.main(words) == status
