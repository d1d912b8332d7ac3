"""`python -m orchestration`: the program behind `./provender`."""

import atexit
import os
import sys

_ENDED: list[int] = []


def _leave() -> None:
    """End here, with the status, after all other work of the exit.

    What would follow are the destructors of native libraries: one that finds a thread of its own still there aborts the
    process, after everything was done (status 134 instead of 0, seen once on a busy machine).
    """
    if _ENDED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_ENDED[0])


if __name__ == "__main__":
    atexit.register(_leave)  # before anything is imported: what is registered first is called last
    from orchestration.cli import main

    _ENDED.append(main())
    raise SystemExit(_ENDED[0])
