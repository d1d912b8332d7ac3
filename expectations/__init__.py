"""What must hold: one suite a table, and the gate that runs it.

A process that another one spawned (every run that the daemon launches) has a main module without a file. The client of
Spark Connect, which Great Expectations tries to import, takes such a process for a run of its doctests and ends it with
exit status 0 and no word. While that import goes on, the main module has a file.
"""

import sys

_main = sys.modules["__main__"]
if _main.__spec__ is None and not hasattr(_main, "__file__"):
    _main.__file__ = __file__
    try:
        import great_expectations  # noqa: F401 - for the sake of what it imports
    finally:
        del _main.__file__
