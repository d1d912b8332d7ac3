"""Two bits of each minimum of a signature: enough to see that most candidate pairs cannot be similar.

Two sets of Jaccard similarity s agree in a minimum with probability s, and in two bits of it with s + (1 - s) / 4
(b-bit minwise hashing, arXiv 0910.3349). A pair that disagrees in more places than a pair at the threshold does once in
a million times is passed over: its shingle sets, a hundred times as large, are not sent anywhere.
"""

from functools import lru_cache
from math import comb

import numpy as np
import numpy.typing as npt
from pyspark.sql import Column
from pyspark.sql import functions as F

BITS = 2
MISSES = 1e-6  # of pairs at the threshold, how many are passed over
_LANES = 64 // BITS
_LOW_BITS = 0x5555_5555_5555_5555  # the lower bit of each lane


def width(permutations: int) -> int:
    """64-bit integers of a sketch."""
    return -(-permutations // _LANES)


def sketched(signatures: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Signatures, shape (n, permutations), as sketches, shape (n, width)."""
    rows, permutations = signatures.shape
    lanes = np.zeros((rows, width(permutations) * _LANES), dtype=np.uint64)
    lanes[:, :permutations] = signatures & np.uint64((1 << BITS) - 1)
    places = np.arange(_LANES, dtype=np.uint64) * np.uint64(BITS)
    packed: npt.NDArray[np.uint64] = np.bitwise_or.reduce(lanes.reshape(rows, -1, _LANES) << places, axis=2)
    return packed.view(np.int64)


@lru_cache(maxsize=64)
def most_differences(permutations: int, min_similarity: float) -> int:
    """In how many of the minima a pair may differ before it is passed over.

    The smallest number that a pair at `min_similarity` exceeds with a probability of at most `MISSES`.
    """
    differs = (1 - min_similarity) * (1 - 2.0**-BITS)
    beyond = 0.0
    for count in range(permutations, 0, -1):
        beyond += comb(permutations, count) * differs**count * (1 - differs) ** (permutations - count)
        if beyond > MISSES:
            return count
    return 0


def differences(left: Column, right: Column, permutations: int) -> Column:
    """In how many minima two sketches differ; null where one is missing."""
    total = F.lit(0)
    for place in range(width(permutations)):
        changed = left[place].bitwiseXOR(right[place])
        either = changed.bitwiseOR(F.shiftrightunsigned(changed, 1)).bitwiseAND(F.lit(_LOW_BITS).cast("bigint"))
        total = total + F.bit_count(either)
    return total
