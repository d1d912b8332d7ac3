"""Who has a lake open on this machine: many programs at once, or one alone that removes files under all others.

A lock of the kernel on a file in scratch: it ends with its process, however that ends. Programs on other machines are
not seen.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.settings import Settings
from spark_jobs.errors import UsageError

NAME = ".in-use"


@dataclass
class _Held:
    """The lock file of one lake as this process has it open; locks of one process do not know each other."""

    file: int
    alone: bool = False


_OPEN: dict[Path, _Held] = {}


def _held(settings: Settings) -> _Held:
    place = settings.scratch / NAME
    if place not in _OPEN:
        place.parent.mkdir(parents=True, exist_ok=True)
        _OPEN[place] = _Held(os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644))
    return _OPEN[place]


def share(settings: Settings) -> None:
    """Hold the lake open until this process ends; waits while another program has it alone."""
    held = _held(settings)
    if not held.alone:
        fcntl.flock(held.file, fcntl.LOCK_SH)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Hold the lake alone. Raises UsageError while another program has it open."""
    held = _held(settings)
    try:
        fcntl.flock(held.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(
            f"{settings.home}: another program has this lake open; wait until it ends, or stop it, and try again"
        ) from None
    held.alone = True
    try:
        yield
    finally:
        held.alone = False
        fcntl.flock(held.file, fcntl.LOCK_SH)
