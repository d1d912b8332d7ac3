"""A set of 64-bit hashes as two flat arrays: millions of entries in tens of megabytes, looked up inside kernels.

Hashes are kept in ascending order; `starts` says where those with the same leading bits begin, so that a look-up
touches one or two places of memory. Two different entries share a hash about once in 10^12 look-ups in a list of
millions.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel

Hashes = npt.NDArray[np.uint64]
Starts = npt.NDArray[np.uint32]


@dataclass(frozen=True, eq=False)
class HashSet:
    """`hashes` ascending and distinct; those with leading bits b lie in `starts[b]:starts[b + 1]`."""

    hashes: Hashes
    starts: Starts

    @classmethod
    def of(cls, hashes: Hashes) -> "HashSet":
        """A set of these hashes; 0 stands for nothing and is left out."""
        # Not np.unique, which takes ten times as long for millions.
        ascending = np.sort(hashes)
        distinct = ascending[np.diff(ascending, prepend=np.uint64(0)) != 0]
        bits = max(4, len(distinct).bit_length())
        firsts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
        starts = np.append(np.searchsorted(distinct, firsts), len(distinct))
        return cls(distinct, starts.astype(np.uint32))

    def holds(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of the hashes are in the set."""
        found: npt.NDArray[np.bool_] = _held(hashes, self.hashes, self.starts)
        return found

    def __len__(self) -> int:
        """Number of entries."""
        return len(self.hashes)


@kernel
def place_of(value: np.uint64, hashes: Hashes, starts: Starts) -> int:
    """Where a hash stands in a set; -1 if it does not."""
    bits = 0
    while (1 << bits) < len(starts) - 1:
        bits += 1
    bucket = np.int64(value >> np.uint64(64 - bits))
    for i in range(np.int64(starts[bucket]), np.int64(starts[bucket + 1])):
        if hashes[i] == value:
            return i
    return -1


@kernel
def _held(values: Hashes, hashes: Hashes, starts: Starts) -> npt.NDArray[np.bool_]:
    result = np.zeros(len(values), dtype=np.bool_)
    for row in range(len(values)):
        result[row] = place_of(values[row], hashes, starts) >= 0
    return result


@kernel
def mixed(value: np.uint64) -> np.uint64:
    """The last step of every hash: spreads it over all bits; never 0."""
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    value = (value ^ (value >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value if value != np.uint64(0) else np.uint64(1)
