"""The last guard against native code that does not return: it ends the worker process, and so the step fails.

It decides nothing about documents: what can be counted beforehand is, and gives reasons. A timer in Python would not
do, since native code need not let Python run; the watchdog of `faulthandler` is a thread of C.
"""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End this process, with the Python call stack on standard error, if the block is not left within `seconds`."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STDERR)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
