"""Edit some texts of a batch in Python and leave the others where they are: for editors whose work is rare."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Edit = Callable[[str], tuple[str, int]]


def edit_rows(texts: pa.Array, suspects: pa.Array, edit: Edit) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """Texts with `edit` applied where the boolean array `suspects` is true, and its count per row (0 elsewhere)."""
    counts = np.zeros(len(texts), np.int32)
    rows = np.flatnonzero(suspects.to_numpy(zero_copy_only=False))
    changed: list[str] = []
    places = np.zeros(len(texts), bool)
    for row, text in zip(rows, texts.take(pa.array(rows)).to_pylist(), strict=True):
        edited, count = edit(text)
        if count:
            counts[row], places[row] = count, True
            changed.append(edited)
    if not changed:
        return texts, counts
    return pc.replace_with_mask(texts, pa.array(places), pa.array(changed, pa.large_string())), counts
