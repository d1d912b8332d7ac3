"""Columns of the arrays that a page is cut into (elements, runs of text, blocks) and of the running state."""

from typing import Final

MAX_OPEN: Final = 1024  # open elements; deeper ones are not told apart

# Columns of an element.
ELEMENT_COLUMNS: Final = 8
(PARENT, KIND, HINTS, LOOK, NAME, ITEMS, ORDINAL, LEVEL) = range(ELEMENT_COLUMNS)
# Columns of a run of text: first and end byte, block, and whether it is code.
RUN_COLUMNS: Final = 3
(START, END, VERBATIM) = range(RUN_COLUMNS)
# Columns of a block.
BLOCK_COLUMNS: Final = 18
(ELEMENT, RUN, RUNS, WEIGHT, LINKED, DIGITS, UPPER, COMMAS, ENDERS, CLOSED, WORDS, LINKS, BREAKS, BOLD, HASH) = range(
    15
)
(AFTER_BREAK, PRE_TEXT, LETTERS) = range(15, 18)
# Numbers of the running state.
(ELEMENTS, BLOCKS, N_RUNS, TOP, OPEN_LINKS, OPEN_PRE, OPEN_BOLD, FRESH, IN_WORD, PENDING_BREAKS) = range(10)
STATE: Final = 10
