"""Splits a page into blocks of text with the elements around them, in one pass over its bytes and without a tree.

A block is what stands between two tags that begin a new line. Open elements are a stack with the end tags that HTML
implies for p, li, dt, dd, tr and td; an end tag closes its nearest partner within the table cell, or nothing. Scripts,
styles, templates, form controls and pictures hold no text.
"""

from typing import Any

import numpy as np

from spark_jobs.text import block_columns as k
from spark_jobs.text import block_names as names
from spark_jobs.text.block_counts import add_text, end_block
from spark_jobs.text.block_stack import close, imply, push
from spark_jobs.text.block_tags import CACHE, HAS_LINK, IS_HIDDEN, hash_name, read_attributes
from spark_jobs.text.markup_tokens import skip_markup, skip_raw
from spark_jobs.text.native import kernel


@kernel
def _skip_element(data: Any, i: int, name: int) -> Any:
    """End of the element whose start tag ends at `i`, its own kind nested in it counted; -1 if it never ends."""
    n = data.size
    depth = 1
    while i < n:
        if data[i] != 60:
            i += 1
            continue
        ends = i + 1 < n and data[i + 1] == 47
        j = i + 2 if ends else i + 1
        if j < n and 97 <= (data[j] | 32) <= 122:
            found, end = hash_name(data, j)
            if found == name:
                closed = False
                while end < n and data[end] != 62:
                    closed = data[end] == 47
                    end += 1
                if not closed:
                    depth += -1 if ends else 1
                if depth == 0:
                    return min(end + 1, n)
            i = end
        else:
            i = skip_markup(data, i) if ends or (j < n and data[j] in (33, 63)) else i + 1
    return -1


@kernel
def segment(data: Any) -> Any:  # noqa: C901, PLR0912, PLR0915 - one loop over tags, a branch for each sort
    """Elements, runs of text and blocks of a page (columns above), and the bytes of its title."""
    n = data.size
    most = 2
    for i in range(n):
        most += data[i] == 60
    elements = np.zeros((most, k.ELEMENT_COLUMNS), np.int64)
    # A `<` that begins no tag is text of its own: it and what follows are two runs.
    runs = np.zeros((2 * most, k.RUN_COLUMNS), np.int64)
    blocks = np.zeros((most, k.BLOCK_COLUMNS), np.int64)
    opened = np.zeros(k.MAX_OPEN, np.int64)
    cache = np.zeros((CACHE, 2), np.int64)
    state = np.zeros(k.STATE, np.int64)
    elements[0, k.KIND] = names.BODY
    elements[0, k.PARENT] = -1
    state[k.ELEMENTS] = state[k.TOP] = state[k.FRESH] = 1
    unclosed = np.zeros(8, np.int64)  # skipped elements that never end: looked for once
    n_unclosed = 0
    title_start = title_end = 0
    i = 0
    while i < n:
        if data[i] != 60:
            begin = i
            while i < n and data[i] != 60:
                i += 1
            add_text(data, begin, i, state, opened[state[k.TOP] - 1], blocks, runs)
            continue
        ends = i + 1 < n and data[i + 1] == 47
        j = i + 2 if ends else i + 1
        if j >= n or not (97 <= (data[j] | 32) <= 122):
            if ends or (j < n and data[j] in (33, 63)):
                i = skip_markup(data, i)
            else:
                add_text(data, i, i + 1, state, opened[state[k.TOP] - 1], blocks, runs)
                i += 1
            continue
        name, i = hash_name(data, j)
        slot = (name ^ (name >> 16)) & 0xFFFF
        known = names.ELEMENT_OF_SLOT[slot] != 0 and np.int64(names.ELEMENT_HASH[slot]) == name
        kind = np.int64(names.ELEMENT_OF_SLOT[slot]) - 1 if known else np.int64(names.INLINE)
        flags, hints, look, i, closed = read_attributes(data, i, cache)
        if ends:
            ended = kind < names.BR and kind != names.BODY and close(state, opened, elements, name, kind)
            if ended or kind == names.P:
                end_block(state)
            continue
        if kind == names.RAW:
            begin, i = i, skip_raw(data, i, name)
            if name == names.TITLE_HASH and title_end == 0:
                title_start, title_end = begin, i
            continue
        if kind == names.SKIP:
            if closed:
                continue
            tried = False
            for seen in range(n_unclosed):
                tried = tried or unclosed[seen] == name
            behind = -1 if tried else _skip_element(data, i, name)
            if behind >= 0:
                i = behind
            elif not tried and n_unclosed < unclosed.size:
                unclosed[n_unclosed] = name
                n_unclosed += 1
            continue
        if kind == names.BR:
            state[k.PENDING_BREAKS] += 1
            if state[k.PENDING_BREAKS] > 1 and not state[k.OPEN_PRE] and not state[k.FRESH]:
                end_block(state)
            continue
        if kind == names.HR:
            end_block(state)
            continue
        if kind in (names.VOID, names.BODY):
            if kind == names.BODY:
                elements[0, k.HINTS] |= hints & ~(np.int64(1) << names.HIDDEN)
            continue
        if kind >= names.BLOCK and kind != names.MATH:
            imply(state, opened, elements, kind)
            end_block(state)
        elif kind == names.LINK:
            imply(state, opened, elements, kind)
        if flags & IS_HIDDEN:
            hints |= np.int64(1) << names.HIDDEN
        if kind == names.MATH:
            kind = np.int64(names.INLINE)
        if state[k.ELEMENTS] < most:
            push(state, opened, elements, (kind, name, hints, look))
            if kind == names.LINK and flags & HAS_LINK:
                elements[state[k.ELEMENTS] - 1, k.ITEMS] = 1
                state[k.OPEN_LINKS] += 1
                if not state[k.FRESH]:
                    blocks[state[k.BLOCKS] - 1, k.LINKS] += 1
    return (
        elements[: state[k.ELEMENTS]],
        runs[: state[k.N_RUNS]],
        blocks[: state[k.BLOCKS]],
        title_start,
        title_end,
    )
