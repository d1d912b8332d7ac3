"""What a person sees while a command runs: one line a step on standard error, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.status import Status


@dataclass
class Progress:
    """Lines on standard error; on a terminal also a spinner with what is being done right now."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _status: Status | None = None
    _started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.console = Console(file=self.stream, highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        """Something a person waits for: the spinner's text on a terminal, a line elsewhere."""
        if self._status is not None and self.console.is_terminal:
            self._status.update(message)
        else:
            self.line(f"  {message}")

    def line(self, message: str) -> None:
        """A line that stays."""
        self.console.print(message, markup=False)

    @contextmanager
    def step(self, message: str) -> Iterator[list[str]]:
        """A step: says what begins, and when it ends how long it took. Append to the list what it brought."""
        results: list[str] = []
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(message) as status:
                self._status = status
                try:
                    yield results
                finally:
                    self._status = None
        else:
            self.line(f"{message} ...")
            yield results
        took = time.monotonic() - started
        self.line(f"{message}: {'; '.join(results) or 'done'} ({took:.1f} s)")
