"""CPU seconds and memory of a process and all below it (the JVM and Spark's Python workers too)."""

import contextlib
import threading
from collections.abc import Iterator

import psutil

_EVERY_SECONDS = 0.25


def cpu_of_the_tree() -> float:
    """CPU seconds so far of this process, of all below it, and of the children that these have waited for."""
    total = 0.0
    for process in _tree():
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_of_the_tree() -> int:
    """Bytes in memory of all these processes; pages that they share are counted for each."""
    total = 0
    for process in _tree():
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def _tree() -> list[psutil.Process]:
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


class Peak:
    """The highest memory seen while it is open."""

    def __init__(self) -> None:
        self.bytes = 0
        self._over = threading.Event()

    def _watch(self) -> None:
        while not self._over.wait(_EVERY_SECONDS):
            self.bytes = max(self.bytes, memory_of_the_tree())


@contextlib.contextmanager
def peak_memory() -> Iterator[Peak]:
    """Watch memory in a thread of its own."""
    peak = Peak()
    thread = threading.Thread(target=peak._watch, daemon=True)  # noqa: SLF001 - the other half of this function
    thread.start()
    try:
        yield peak
    finally:
        peak.bytes = max(peak.bytes, memory_of_the_tree())
        peak._over.set()  # noqa: SLF001 - the same
        thread.join()
