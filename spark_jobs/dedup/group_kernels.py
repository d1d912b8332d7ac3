"""The native kernels of groups: distinct pairs, leaders in groups, and the similarity of members with leaders."""

from typing import Any

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@kernel
def distinct_pairs(number: I64, other: I64, hint: I64, known: int) -> tuple[I64, I64, I64]:
    """Pairs once each, without those of which a row has the hint `known`; with the least hint of all of their leader.

    The arrays are sorted by `other`, then `number`.
    """
    member = np.empty(len(number), dtype=np.int64)
    leader = np.empty(len(number), dtype=np.int64)
    name = np.empty(len(number), dtype=np.int64)
    count = 0
    at = 0
    while at < len(number):
        first = count
        least = known
        end = at
        while end < len(number) and other[end] == other[at]:
            one = end
            compared = False
            lowest = known
            while one < len(number) and other[one] == other[at] and number[one] == number[end]:
                compared = compared or hint[one] == known
                lowest = min(lowest, hint[one])
                one += 1
            if not compared:
                member[count] = number[end]
                leader[count] = other[at]
                least = min(least, lowest)
                count += 1
            end = one
        name[first:count] = least
        at = end
    return member[:count], leader[:count], name[:count]


@kernel
def leaders_of(name: I64, other: I64, most: int) -> tuple[I64, I64, I64]:
    """Groups of at most `most` leaders of one name; the arrays are sorted by `name`, then `other`.

    Returns the group of every pair, and of every group its leaders: their numbers and groups, in order.
    """
    group = np.empty(len(name), dtype=np.int64)
    leader = np.empty(len(name), dtype=np.int64)
    group_of = np.empty(len(name), dtype=np.int64)
    leaders = 0
    here = 0
    last = -1
    for at in range(len(name)):
        same = at > 0 and name[at] == name[at - 1]
        if not same or other[at] != other[at - 1]:
            here += 1
            if not same or here > most:
                last += 1
                here = 1
            leader[leaders] = other[at]
            group_of[leaders] = last
            leaders += 1
        group[at] = last
    return group, leader[:leaders], group_of[:leaders]


@kernel
def gathered(group: I64, number: I64, lead_group: I64, leader: I64) -> tuple[I64, I64, Flags, I64]:
    """The documents of every group: group, number, whether it leads, and offsets of its pairs.

    Pairs are sorted by group and number, leaders too; a leader that follows no other has no pairs.
    """
    most = len(group) + len(leader)
    row_group = np.empty(most, dtype=np.int64)
    row_number = np.empty(most, dtype=np.int64)
    leads = np.empty(most, dtype=np.bool_)
    offsets = np.zeros(most + 1, dtype=np.int64)
    rows = 0
    at = 0
    lead = 0
    while at < len(group) or lead < len(leader):
        before = at == len(group) or (
            lead < len(leader)
            and (lead_group[lead] < group[at] or (lead_group[lead] == group[at] and leader[lead] < number[at]))
        )
        here, one = (lead_group[lead], leader[lead]) if before else (group[at], number[at])
        row_group[rows] = here
        row_number[rows] = one
        leads[rows] = lead < len(leader) and lead_group[lead] == here and leader[lead] == one
        lead += leads[rows]
        while at < len(group) and group[at] == here and number[at] == one:
            at += 1
        rows += 1
        offsets[rows] = at
    return row_group[:rows], row_number[:rows], leads[:rows], offsets[: rows + 1]


@kernel
def common(left: U64, i: int, i_end: int, right: U64, j: int, j_end: int) -> int:  # noqa: PLR0917 - two parts
    """How many values two sorted sets share, each a part of an array; arrays that change in a loop cost a lock."""
    found = 0
    while i < i_end and j < j_end:
        x, y = left[i], right[j]
        found += x == y
        i += x <= y
        j += y <= x
    return found


@kernel
def jaccard_counts(left: U64, left_offsets: I64, right: U64, right_offsets: I64) -> tuple[I64, I64]:
    """Per pair of sorted distinct sets: the sizes of their intersection and union."""
    pairs = len(left_offsets) - 1
    shared = np.zeros(pairs, dtype=np.int64)
    union = np.zeros(pairs, dtype=np.int64)
    for pair in range(pairs):
        i, i_end = left_offsets[pair], left_offsets[pair + 1]
        j, j_end = right_offsets[pair], right_offsets[pair + 1]
        shared[pair] = common(left, i, i_end, right, j, j_end)
        union[pair] = i_end - i + j_end - j - shared[pair]
    return shared, union


@kernel
def _place(numbers: I64, first: int, end: int, wanted: int) -> Any:
    """Where `wanted` lies in a sorted part of `numbers`, -1 if it does not."""
    stop = end
    while first < end:
        middle = (first + end) // 2
        if numbers[middle] < wanted:
            first = middle + 1
        else:
            end = middle
    return first if first < stop and numbers[first] == wanted else -1


@kernel
def shared_with_leaders(  # noqa: PLR0917 - the columns of a batch, and of what is held
    group: I64, number: I64, leads: Flags, others: I64, other_offsets: I64, values: U64, offsets: I64,
    carried_group: int, carried: I64, carried_values: U64, carried_offsets: I64,
) -> tuple[I64, I64]:  # fmt: skip
    """Sizes of intersection and union of each row's set with those of `others`; -1 where a leader is missing.

    Rows are sorted by group, in it leaders first, by number. `carried` are leaders of `carried_group` from before the
    first row. Sets are sorted and distinct: set `i` of `values` lies between its offsets.
    """
    shared = np.full(len(others), -1, dtype=np.int64)
    union = np.ones(len(others), dtype=np.int64)
    first = 0
    lead_end = 0
    for row in range(len(group)):
        if row == 0 or group[row] != group[row - 1]:
            first = row
            lead_end = row
        own_end = offsets[row + 1]
        for pair in range(other_offsets[row], other_offsets[row + 1]):
            at = _place(number, first, lead_end, others[pair])
            if at >= 0:
                shared[pair] = common(values, offsets[row], own_end, values, offsets[at], offsets[at + 1])
                union[pair] = own_end - offsets[row] + offsets[at + 1] - offsets[at] - shared[pair]
            elif group[row] == carried_group:
                at = _place(carried, 0, len(carried), others[pair])
                if at >= 0:
                    there, there_end = carried_offsets[at], carried_offsets[at + 1]
                    shared[pair] = common(values, offsets[row], own_end, carried_values, there, there_end)
                    union[pair] = own_end - offsets[row] + there_end - there - shared[pair]
        if leads[row]:
            lead_end = row + 1
    return shared, union
