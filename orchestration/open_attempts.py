"""Attempts that were told to have begun and not to have ended: so that the end of a killed program is told by the next.

Each program has a file of its own, locked for as long as it lives; the operating system lets go of the lock of one that
was killed.
"""

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_START = "START"


@dataclass
class OpenAttempts:
    """The START events of this program that no other event ended yet, below `folder`."""

    folder: Path
    _open: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _mine: Path | None = None
    _descriptor: int = -1  # open, and so locked, until the program ends

    def note(self, event: Mapping[str, Any]) -> None:
        """An event that is told: it opens its run, or ends it."""
        run = str(event["run"]["runId"])
        if event["eventType"] == _START:
            self._open[run] = event
        else:
            self._ended.add(run)
            if self._open.pop(run, None) is None:
                return
        self._write()

    def abandoned(self) -> list[Mapping[str, Any]]:
        """The START events of programs that are gone, each given once; what this one told the end of is left out."""
        if not self.folder.is_dir():
            return []
        found: list[Mapping[str, Any]] = []
        for path in sorted(self.folder.glob("*.json")):
            if path != self._mine:
                found += self._taken_from(path, self._ended)
        return found

    @staticmethod
    def _taken_from(path: Path, ended: Collection[str]) -> list[Mapping[str, Any]]:
        with contextlib.suppress(FileNotFoundError), path.open("r", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return []  # it lives
            text = file.read()
            path.unlink()
            try:
                events: dict[str, Mapping[str, Any]] = json.loads(text) if text else {}
            except ValueError:
                return []  # killed while it wrote: what it had begun is not known
            return [event for run, event in events.items() if run not in ended]
        return []

    def _write(self) -> None:
        if self._mine is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._mine = self.folder / f"{uuid.uuid4().hex}.json"
            self._descriptor = os.open(self._mine, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        text = json.dumps(self._open).encode() if self._open else b""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)
