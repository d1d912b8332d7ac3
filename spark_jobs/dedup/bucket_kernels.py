"""The native kernels of buckets and components: pairs of a sorted bucket, stars of a graph.

They work on numbers only: documents are numbered in the order of election, so smaller is better, and published
documents are negative. A kernel takes nothing from other modules but its arguments.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@kernel
def _leads(size: Any, fresh: Any, full_pairs: Any, leaders: Any, most: Any) -> Any:
    """How many members of a bucket the others are compared with; more where few new documents meet many clusters."""
    if size <= full_pairs:
        return size
    return min(size, max(leaders, min(size * leaders // fresh, most)))


@kernel
def _bucket(keys: U64, numbers: I64, first: int) -> Any:
    """The end of the bucket that begins at `first`, and how many of its members are new (published: negative)."""
    end = first
    fresh = 0
    while end < len(keys) and keys[end] == keys[first]:
        fresh += numbers[end] >= 0
        end += 1
    return end, fresh


@kernel
def bucket_pairs(
    keys: U64, numbers: I64, full_pairs: int, leaders: int, most: int
) -> tuple[Flags, U64, I64, I64, I64, Flags]:
    """Pairs (number, other) of every bucket of arrays sorted by key; `numbers` is sorted in each bucket, in place.

    Returns: whether the row goes on to the next round (a member of a large bucket that does not lead), its key, the
    member, whom it is compared with, the best member of the bucket, and whether there is such a pair (a published
    member only waits for a new one).
    """
    count = 0
    waits = np.empty(0, dtype=np.bool_)
    key_of = np.empty(0, dtype=np.uint64)
    member = np.empty(0, dtype=np.int64)
    other = np.empty(0, dtype=np.int64)
    best = np.empty(0, dtype=np.int64)
    paired = np.empty(0, dtype=np.bool_)
    for fill in (False, True):
        if fill:
            waits = np.empty(count, dtype=np.bool_)
            key_of = np.empty(count, dtype=np.uint64)
            member = np.empty(count, dtype=np.int64)
            other = np.empty(count, dtype=np.int64)
            best = np.empty(count, dtype=np.int64)
            paired = np.empty(count, dtype=np.bool_)
        at = 0
        first = 0
        while first < len(keys):
            end, fresh = _bucket(keys, numbers, first)
            if end - first > 1 and fresh > 0:
                numbers[first:end].sort()
                lead = _leads(end - first, fresh, full_pairs, leaders, most)
                for i in range(first + 1, end):
                    follows = i >= first + lead
                    partners = min(i, first + lead) - first
                    if numbers[i] < 0:
                        partners = 1 if follows else 0
                    for j in range(first, first + partners):
                        if fill:
                            waits[at] = follows
                            key_of[at] = keys[i]
                            member[at] = numbers[i]
                            other[at] = numbers[j]
                            best[at] = numbers[first]
                            paired[at] = numbers[i] >= 0
                        at += 1
            first = end
        count = at
    return waits, key_of, member, other, best, paired


@kernel
def still_waiting(keys: I64, numbers: I64, similar: Flags) -> Flags:
    """Which rows, sorted by key and number, stand for a member that no leader confirmed: the first row of each."""
    stays = np.zeros(len(keys), dtype=np.bool_)
    first = 0
    while first < len(keys):
        end = first
        confirmed = False
        while end < len(keys) and keys[end] == keys[first] and numbers[end] == numbers[first]:
            confirmed = confirmed or similar[end]
            end += 1
        stays[first] = not confirmed
        first = end
    return stays


@kernel
def meeting_places(keys: U64, numbers: I64) -> int:
    """Members of buckets, sorted by key, in which a new document meets another."""
    places = 0
    first = 0
    while first < len(keys):
        end, fresh = _bucket(keys, numbers, first)
        if end - first > 1 and fresh > 0:
            places += end - first
        first = end
    return places


@kernel
def star_roots(left: I64, right: I64, nodes: int) -> I64:
    """The smallest node of the component of every node below `nodes`; edges are `left[i] - right[i]`."""
    parent = np.arange(nodes)
    for edge in range(len(left)):
        x, y = left[edge], right[edge]
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        while parent[y] != y:
            parent[y] = parent[parent[y]]
            y = parent[y]
        if x < y:
            parent[y] = x
        else:
            parent[x] = y
    for node in range(nodes):
        # Parents are smaller than their children, so theirs are final by now.
        parent[node] = parent[parent[node]]
    return parent
