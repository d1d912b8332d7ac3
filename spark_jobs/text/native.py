"""How a native kernel is declared: `@kernel` compiles a function with numba on its first call and keeps the code.

Numba notices a change in the kernel's own file only, not in constants or kernels it takes from other files. So the
cache lies in a folder named by a digest of this package's sources: a changed package never meets stale machine code.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile in nopython mode, without the interpreter lock; compiled code is cached on disk where it can be."""
    return cast(Function, _compiled(function))


def _compiled(function: Callable[..., Any]) -> Any:
    settings: Any = numba.config
    before = settings.CACHE_DIR
    # Numba reads the folder when the function is declared, so other users of numba keep their own.
    settings.CACHE_DIR = _cache_folder(before)
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # No folder that could be written: compile once per process instead.
        return numba.njit(nogil=True)(function)
    finally:
        settings.CACHE_DIR = before


@lru_cache(maxsize=1)
def _cache_folder(chosen: str) -> str:
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    root = Path(chosen) if chosen else here / "__pycache__"
    return str(root / f"kernels-{digest.hexdigest()[:16]}")
