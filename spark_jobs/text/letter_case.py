"""Letter case of code points as tables for the kernels; from the Unicode data of the interpreter, once per process."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

CODE_POINTS = 0x110000
# No script with case lies above the second plane.
_CASED = 0x20000


@lru_cache(maxsize=1)
def upper_table() -> npt.NDArray[np.bool_]:
    """What str.isupper says of each code point; shape (0x110000,)."""
    table = np.zeros(CODE_POINTS, dtype=np.bool_)
    table[:_CASED] = [chr(code).isupper() for code in range(_CASED)]
    table.flags.writeable = False
    return table


@lru_cache(maxsize=1)
def lower_table() -> npt.NDArray[np.uint32]:
    """The lower case of each code point, one for one: of the dotted capital I, which has two, the first."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    table[:_CASED] = [ord(chr(code).lower()[0]) for code in range(_CASED)]
    table.flags.writeable = False
    return table


def lowered(text: str) -> str:
    """A text in lower case as the kernels see it."""
    table = lower_table()
    return "".join(chr(table[ord(character)]) for character in text)
