"""CPU seconds and memory of a process and all below it (the JVM and Spark's Python workers too)."""

import contextlib
import threading
import time
from collections.abc import Iterator
from functools import lru_cache

import psutil

_EVERY_SECONDS = 0.25


def cpu_of_the_tree() -> float:
    """CPU seconds so far of this process, of all below it, and of those that were below it and ended.

    Who ends is added to the one that waits for it. Spark's Python workers can end without: what they used is missing
    from the next sum, and is added here; a thread looks often enough that little of it is lost.
    """
    return _Cpu.the_one().seconds()


class _Cpu:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = self._lost = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    @staticmethod
    @lru_cache(maxsize=1)
    def the_one() -> "_Cpu":
        return _Cpu()

    def seconds(self) -> float:
        with self._lock:
            total = self._sum()
            if total < self._last:
                # Who ended while it was read is in neither: a second look has it with who waited.
                time.sleep(0.01)
                total = self._sum()
            self._lost += max(0.0, self._last - total)
            self._last = total
            return total + self._lost

    @staticmethod
    def _sum() -> float:
        total = 0.0
        for process in _tree(psutil.Process()):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def _watch(self) -> None:
        while True:
            time.sleep(_EVERY_SECONDS)
            self.seconds()


class Peak:
    """The most memory, in bytes, that a process and all below it held; pages that they share are counted for each.

    A process counts when it is seen for the second time: one that was just forked, to start a program, still looks like
    its parent, and a JVM that looks for a file's permissions would count twice.
    """

    def __init__(self, of: psutil.Process) -> None:
        self.bytes = 0
        self._of = of
        self._seen: set[psutil.Process] = set()

    def look(self) -> None:
        """Compare with what they hold now."""
        total, here = 0, _tree(self._of)
        for process in self._seen.intersection(here):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        self._seen = set(here)
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
