"""The command line: finds the command, and turns every error into one line and an exit status.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 a gate or verification failed,
2 wrong usage or input, 3 interrupted or failed otherwise. Commands are files of `commands/`, imported when used.
"""

import re
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import click

from orchestration import commands
from orchestration.settings import VARIABLES, Settings
from spark_jobs import errors
from spark_jobs.errors import ProvenderError, TransientError

FAILED = 3
# An error of ours that was raised in an executor arrives inside Spark's, as the last line of the worker's trace.
_WORKER_ERROR = re.compile(r"^spark_jobs\.errors\.(?P<kind>\w+): (?P<message>.*)$", re.MULTILINE)


class Program(click.Group):
    """Commands found by the names of their files."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, sorted."""
        return sorted(path.stem for path in Path(commands.__path__[0]).glob("*.py") if path.stem != "__init__")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None where no file has it."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = getattr(import_module(f"{commands.__name__}.{cmd_name}"), cmd_name)
        return command


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Settings come from the environment: " + "; ".join(f"{name}: {what}" for name, what in VARIABLES.items()),
)
@click.version_option("0.1.0", prog_name="provender")
def program() -> None:
    """Build the pretraining corpus of a language model, and say of every document why it is in or out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; every error becomes one line and an exit status."""
    try:
        # What a command ends with by click's own `Exit` comes back as a value, not as an exception.
        status = program.main(list(argv) if argv is not None else None, prog_name="provender", standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except click.UsageError as error:
        return _fail(f"{error.format_message()} (see ./provender {_command(error)}--help)", 2)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; what was published stands, run again to go on", FAILED)
    except ProvenderError as error:
        return _fail(str(error), error.exit_status)
    except Exception as error:  # noqa: BLE001 - the last resort: one line for the person, the trace in a file
        return _unexpected(error)
    return status if isinstance(status, int) else 0


def _command(error: click.UsageError) -> str:
    """The words of the command that was called wrongly, with a blank behind them."""
    return f"{error.ctx.command_path.partition(' ')[2]} ".lstrip() if error.ctx is not None else ""


def _fail(message: str, status: int) -> int:
    click.echo(f"provender: {' '.join(message.split())}", err=True)
    return status


def _unexpected(error: BaseException) -> int:
    text = str(error)
    from_worker = _WORKER_ERROR.search(text)
    if from_worker is not None:
        kind = getattr(errors, from_worker["kind"], ProvenderError)
        return _fail(from_worker["message"], kind.exit_status)
    if (isinstance(error, OSError) and error.errno == 28) or "No space left on device" in text:
        return _fail(
            "no space left on the disk; nothing half-written was published, free some and run again",
            TransientError.exit_status,
        )
    trace = Path(Settings.read().scratch)
    try:
        trace.mkdir(parents=True, exist_ok=True)
        (trace / "last-error.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        where = f" The details lie in {trace / 'last-error.txt'}"
    except OSError:
        where = ""
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return _fail(f"failed unexpectedly: {type(error).__name__}: {first[:300]}.{where}", FAILED)


if __name__ == "__main__":
    sys.exit(main())
