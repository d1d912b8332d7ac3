"""Sketches: what they keep of a signature, and how seldom they pass over a pair that is similar."""

from math import comb

import numpy as np
import pytest

from spark_jobs.dedup.sketches import BITS, MISSES, most_differences, sketched, width


def differing(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Lanes in which sketches differ, bit by bit."""
    lanes = [((row.view(np.uint64)[:, None] >> np.arange(0, 64, BITS, dtype=np.uint64)) & 3) for row in (left, right)]
    return np.asarray((lanes[0] != lanes[1]).sum())


@pytest.mark.parametrize("permutations", [1, 31, 32, 33, 108, 112])
def test_a_sketch_has_the_low_bits_of_every_minimum(permutations: int) -> None:
    state = np.random.RandomState(permutations)
    signatures = state.randint(0, 1 << 61, (20, permutations), dtype=np.uint64)
    found = sketched(signatures)
    assert found.shape == (20, width(permutations))
    for row in range(1, 20):
        expected = ((signatures[0] ^ signatures[row]) & np.uint64(3) != 0).sum()
        assert differing(found[:1].T.reshape(-1), found[row : row + 1].T.reshape(-1)) == expected


@pytest.mark.parametrize(("permutations", "similarity"), [(108, 0.8), (112, 0.8), (117, 0.7), (64, 0.9), (8, 0.5)])
def test_a_pair_at_the_threshold_is_passed_over_once_in_a_million(permutations: int, similarity: float) -> None:
    most = most_differences(permutations, similarity)
    differs = (1 - similarity) * 0.75

    def beyond(count: int) -> float:
        chances = (
            comb(permutations, k) * differs**k * (1 - differs) ** (permutations - k)
            for k in range(count + 1, permutations + 1)
        )
        return sum(chances)

    assert beyond(most) <= MISSES
    assert most == 0 or beyond(most - 1) > MISSES


def test_what_must_be_equal_may_not_differ() -> None:
    assert most_differences(108, 1.0) == 0
    assert most_differences(16, 0.0) == 16
