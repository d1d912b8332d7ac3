"""CPU seconds and memory of a process and all below it (the JVM and Spark's Python workers too)."""

import contextlib
import threading
from collections.abc import Iterator

import psutil

_EVERY_SECONDS = 0.25


def cpu_of_the_tree() -> float:
    """CPU seconds so far of this process, of all below it, and of the children that these have waited for."""
    total = 0.0
    for process in _tree(psutil.Process()):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


class Peak:
    """The most memory, in bytes, that a process and all below it held; pages that they share are counted for each."""

    def __init__(self, of: psutil.Process) -> None:
        self.bytes = 0
        self._of = of

    def look(self) -> None:
        """Compare with what they hold now."""
        total = 0
        for process in _tree(self._of):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        self.bytes = max(self.bytes, total)


@contextlib.contextmanager
def peak_memory(of: psutil.Process | None = None) -> Iterator[Peak]:
    """Watch the memory of a process (none: this one), in a thread."""
    peak, over = Peak(of or psutil.Process()), threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY_SECONDS):
            peak.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
        peak.look()
    finally:
        over.set()
        thread.join()


def _tree(top: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [top, *top.children(recursive=True)]
    return []
