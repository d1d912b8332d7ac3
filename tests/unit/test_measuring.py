"""What the benchmarks count of processes."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

measuring = import_module("benchmarks.measuring")


class FakeProcess:
    """A process that holds some bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def memory_info(self) -> Any:
        return SimpleNamespace(rss=self.size)


def test_a_process_that_was_just_forked_is_not_counted_beside_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it starts a program it shows all memory of its parent as its own; a worker is seen for longer."""
    parent, forked, worker = FakeProcess(4_000), FakeProcess(4_000), FakeProcess(300)
    peak = measuring.Peak(parent)
    for here in ([parent, worker], [parent, worker], [parent, worker, forked], [parent, worker], [parent]):
        monkeypatch.setattr(measuring, "_tree", lambda _top, here=here: here)
        peak.look()
    assert peak.bytes == 4_300
