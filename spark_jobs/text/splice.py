"""Replace stretches of texts: what an editor's kernel found is cut out and something else put in, all rows at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.text.native import kernel
from spark_jobs.text.utf8 import Bytes, Places, bytes_of


@dataclass(frozen=True, eq=False)
class Cuts:
    """Stretches to be replaced: `found[:, 0]` row, `[:, 1]` first byte, `[:, 2]` byte after the last, ascending, apart.

    Bytes are counted as in `bytes_of`. Further columns are the finder's own.
    """

    found: Places

    def __len__(self) -> int:
        return len(self.found)

    @cached_property
    def rows(self) -> Places:
        """The row of each cut."""
        return np.ascontiguousarray(self.found[:, 0])

    def per_row(self, count: int) -> npt.NDArray[np.int32]:
        """Cuts in each of `count` rows."""
        return np.bincount(self.rows, minlength=count).astype(np.int32)

    def texts(self, texts: pa.LargeStringArray) -> pa.LargeStringArray:
        """What lies in the cuts."""
        data, _ = bytes_of(texts)
        gathered, starts = _gathered(data, self.found)
        return pa.Array.from_buffers(pa.large_string(), len(self), [None, pa.py_buffer(starts), pa.py_buffer(gathered)])


def splice(
    texts: pa.LargeStringArray, cuts: Cuts, replacements: pa.Array, choice: Places | None = None
) -> pa.LargeStringArray:
    """Texts with cut i replaced by `replacements[choice[i]]`, or `replacements[i]` where nothing is chosen."""
    if not len(cuts):
        return texts
    data, starts = bytes_of(texts)
    pool, pool_starts = bytes_of(replacements.cast(pa.large_string()))
    chosen = np.arange(len(cuts), dtype=np.int64) if choice is None else np.ascontiguousarray(choice, dtype=np.int64)
    spliced, offsets = _spliced(data, starts, cuts.found, pool, pool_starts, chosen)
    return pa.Array.from_buffers(pa.large_string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(spliced)])


@kernel
def _gathered(data: Bytes, found: Places) -> tuple[Bytes, Places]:
    starts = np.zeros(len(found) + 1, dtype=np.int64)
    for i in range(len(found)):
        starts[i + 1] = starts[i] + found[i, 2] - found[i, 1]
    out = np.empty(starts[-1], dtype=np.uint8)
    for i in range(len(found)):
        out[starts[i] : starts[i + 1]] = data[found[i, 1] : found[i, 2]]
    return out, starts


@kernel
def _spliced(  # noqa: PLR0917 - numba takes no keywords
    data: Bytes, starts: Places, found: Places, pool: Bytes, pool_starts: Places, choice: Places
) -> tuple[Bytes, Places]:
    total = starts[-1] - starts[0]
    for i in range(len(found)):
        total += pool_starts[choice[i] + 1] - pool_starts[choice[i]] - (found[i, 2] - found[i, 1])
    out = np.empty(total, dtype=np.uint8)
    offsets = np.zeros(len(starts), dtype=np.int64)
    filled = 0
    i = 0
    for row in range(len(starts) - 1):
        at = starts[row]
        while i < len(found) and found[i, 0] == row:
            kept = found[i, 1] - at
            out[filled : filled + kept] = data[at : found[i, 1]]
            filled += kept
            first = pool_starts[choice[i]]
            length = pool_starts[choice[i] + 1] - first
            for k in range(length):
                out[filled + k] = pool[first + k]
            filled += length
            at = found[i, 2]
            i += 1
        kept = starts[row + 1] - at
        out[filled : filled + kept] = data[at : starts[row + 1]]
        filled += kept
        offsets[row + 1] = filled
    return out, offsets
