"""Many strings looked for at once (Aho and Corasick, 1975), as flat tables that kernels walk one symbol at a time.

Symbols are numbered from 1 in the order of their codes; 0 is every code that no pattern holds. `moves[state, symbol]`
is the next state, failures included, so a text is read once, with one look-up a symbol.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spark_jobs.text.letter_case import lower_table, lowered
from spark_jobs.text.native import kernel

Symbols = npt.NDArray[np.uint16]
States = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Automaton:
    """`patterns` ascending and distinct; the tables are for `symbol_of` and the loop that its docstring shows.

    `pattern[state]` is the pattern that ends there or -1, `shorter[state]` the next state at which a shorter pattern
    ends at the same place, or -1; `lengths` are the patterns', in symbols.
    """

    patterns: tuple[str, ...]
    symbols: Symbols
    moves: States
    pattern: States
    shorter: States
    lengths: States

    @classmethod
    def of(cls, patterns: Iterable[str], *, any_case: bool) -> "Automaton":
        """The automaton of these patterns without the empty one; with `any_case` upper and lower case are the same."""
        known = sorted({lowered(pattern) if any_case else pattern for pattern in patterns} - {""})
        codes = [np.array([ord(character) for character in pattern], dtype=np.uint32) for pattern in known]
        lengths = np.array([len(pattern) for pattern in known], dtype=np.int32)
        flat = np.concatenate([np.zeros(0, np.uint32), *codes])
        alphabet, places = np.unique(flat, return_inverse=True)
        if len(alphabet) >= np.iinfo(np.uint16).max:
            raise ValueError(f"{len(alphabet)} different characters in the patterns; an automaton takes 65534")
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        tables = _build((places + 1).astype(np.uint16), offsets, len(alphabet) + 1)
        return cls(tuple(known), _numbered(alphabet, any_case=any_case), *tables, lengths)

    def __len__(self) -> int:
        """Number of patterns."""
        return len(self.patterns)


def _numbered(alphabet: npt.NDArray[np.uint32], *, any_case: bool) -> Symbols:
    """Symbol of each code up to the highest that has one."""
    lower = lower_table()
    codes = np.flatnonzero(np.isin(lower, alphabet)) if any_case else alphabet
    table = np.zeros(int(codes.max(initial=0)) + 1, dtype=np.uint16)
    table[codes] = np.searchsorted(alphabet, lower[codes] if any_case else codes) + 1
    return table


@kernel
def symbol_of(code: int, symbols: Symbols) -> int:
    """Symbol of a code. `state = moves[state, symbol]`, then follow `shorter` from `state` while `pattern` is there."""
    return symbols[code] if code < len(symbols) else 0


@kernel
def first_end(state: int, pattern: States, shorter: States) -> int:
    """The state, or the next along its failures, at which a pattern ends; -1 if none does."""
    return state if pattern[state] >= 0 else shorter[state]


@kernel
def _build(symbols: Symbols, offsets: Offsets, alphabet: int) -> tuple[States, States, States]:
    moves = np.full((len(symbols) + 1, alphabet), -1, dtype=np.int32)
    pattern = np.full(len(symbols) + 1, -1, dtype=np.int32)
    states = 1
    for row in range(len(offsets) - 1):
        state = 0
        for i in range(offsets[row], offsets[row + 1]):
            if moves[state, symbols[i]] < 0:
                moves[state, symbols[i]] = states
                states += 1
            state = moves[state, symbols[i]]
        pattern[state] = row
    # Breadth first: the failure of a state is shorter than the state, so its moves are complete already.
    failure = np.zeros(states, dtype=np.int32)
    shorter = np.full(states, -1, dtype=np.int32)
    queue = np.zeros(states, dtype=np.int32)
    filled = 1
    for k in range(states):
        state = queue[k]
        fail = failure[state]
        if state > 0:
            shorter[state] = fail if pattern[fail] >= 0 else shorter[fail]
        for symbol in range(alphabet):
            after = moves[state, symbol]
            over = moves[fail, symbol] if state > 0 else 0
            if after < 0:
                moves[state, symbol] = over
            else:
                failure[after] = over
                queue[filled] = after
                filled += 1
    return moves[:states].copy(), pattern[:states].copy(), shorter
