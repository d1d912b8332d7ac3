"""Letter case of code points as tables for the kernels; from the Unicode data of the interpreter, once per process."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000
# No script with case lies above the second plane.
_CASED = 0x20000


@lru_cache(maxsize=1)
def lower_table() -> npt.NDArray[np.uint32]:
    """The lower case of each code point, one for one: of the dotted capital I, which has two, the first."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    table[:_CASED] = [ord(chr(code).lower()[0]) for code in range(_CASED)]
    table.flags.writeable = False
    return table
