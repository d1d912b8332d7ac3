"""`./provender test`: lint, format, types, layers and all tests, each by the tool that is configured in pyproject.toml.

With arguments, pytest alone with those. All parts run even if an early one fails; pytest is the last.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# import-linter has no `python -m`, and its script breaks when the project is moved.
_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


@dataclass(frozen=True)
class Part:
    """One tool: a name for the summary, and the arguments of the Python that runs it."""

    name: str
    arguments: tuple[str, ...]


PARTS = (
    Part("lint", ("-m", "ruff", "check", ".")),
    Part("format", ("-m", "ruff", "format", "--check", ".")),
    Part("types", ("-m", "mypy")),
    Part("layers", ("-c", _LINT_IMPORTS, "--no-logo")),
)
TESTS = Part("tests", ("-m", "pytest"))
# A file is the unit, as its fixtures are its own; each process has a Spark session, hence the bound.
SIDE_BY_SIDE = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")


def run_part(part: Part, project: Path = PROJECT) -> bool:
    """Run a tool in the project's folder, its output passed through, under a heading. True if it found no fault."""
    words = " ".join(word for word in part.arguments if word not in {"-m", "-c", _LINT_IMPORTS})
    print(f"\n=== {part.name}: {words or 'import-linter'} ===", flush=True)  # noqa: T201 - the output of the command
    started = time.monotonic()
    done = subprocess.run([sys.executable, *part.arguments], cwd=project, check=False)  # noqa: S603 - fixed programs
    outcome = "passed" if done.returncode == 0 else f"FAILED (exit status {done.returncode})"
    print(f"--- {part.name} {outcome} in {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
    return done.returncode == 0


def as_seen_from_project(argument: str) -> str:
    """Paths among pytest's arguments mean the folder of the person, while pytest runs in the project's."""
    path, colons, node = argument.partition("::")
    return f"{Path(path).resolve()}{colons}{node}" if not path.startswith("-") and Path(path).exists() else argument


def main(arguments: Sequence[str], *, parts: Sequence[Part] = PARTS, tests: Part = TESTS) -> int:
    """Run all parts and then the tests; with arguments, the tests alone with those. Exit status 0, or 1 for a fault."""
    extra = tuple(as_seen_from_project(argument) for argument in arguments)
    whole = Part(tests.name, tests.arguments + SIDE_BY_SIDE)
    chosen = [Part(tests.name, tests.arguments + extra)] if extra else [*parts, whole]
    failed = [part.name for part in chosen if not run_part(part)]
    print(f"\nprovender test: {'FAILED: ' + ', '.join(failed) if failed else 'all passed'}", flush=True)  # noqa: T201
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
