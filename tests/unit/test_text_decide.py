"""Rules to reasons: which rows break which rule, with value and bound."""

import math

import numpy as np
import pyarrow as pa

from spark_jobs.text.decide import DROP_REASON, EDIT, Bounds, broken, entries_of, list_column

VALUES = np.array([1.0, 2.0, 3.0, math.nan, math.inf, -0.0])


def rows(*, minimum: float | None = None, maximum: float | None = None, exclusive: bool = False) -> list[int]:
    bounds = Bounds(minimum=minimum, maximum=maximum, exclusive=exclusive)
    return broken("filter", 1, "reason", VALUES, bounds).rows.tolist()  # type: ignore[no-any-return]


def test_bounds_are_inclusive_unless_they_are_exclusive_and_nan_breaks_nothing() -> None:
    assert rows(minimum=2.0) == [0, 5]
    assert rows(maximum=2.0) == [2, 4]
    assert rows(minimum=2.0, exclusive=True) == [0, 1, 5]
    assert rows(minimum=2.0, maximum=2.0) == [0, 2, 4, 5]
    assert rows(maximum=0.0, exclusive=True) == [0, 1, 2, 4, 5]
    assert rows() == []


def test_all_broken_rules_of_a_row_are_listed_in_order_with_the_bound_that_broke() -> None:
    short = Bounds(minimum=2.0, maximum=2.5, exclusive=False)
    entries = [
        broken("first", 1, "outside", VALUES, short),
        broken("second", 3, "large", VALUES, Bounds(minimum=None, maximum=2.0, exclusive=False)),
    ]
    column = list_column(DROP_REASON, len(VALUES), entries)
    outside = {"annotator": "first", "version": 1, "reason": "outside"}
    large = {"annotator": "second", "version": 3, "reason": "large", "bound": 2.0}
    assert column.to_pylist() == [
        [outside | {"value": 1.0, "bound": 2.0}],
        [],
        [outside | {"value": 3.0, "bound": 2.5}, large | {"value": 3.0}],
        [],
        [outside | {"value": math.inf, "bound": 2.5}, large | {"value": math.inf}],
        [outside | {"value": -0.0, "bound": 2.0}],
    ]


def test_a_list_without_entries_is_empty_not_null() -> None:
    column = list_column(EDIT, 2, [])
    assert column.to_pylist() == [[], []]
    assert column.type == pa.list_(EDIT)


def test_missing_numbers_are_null_and_counts_keep_their_type() -> None:
    reasons = entries_of(
        np.array([1]), {"annotator": "extract", "version": 1, "reason": ["not_text"], "value": [None], "bound": [None]}
    )
    assert list_column(DROP_REASON, 2, [reasons]).to_pylist()[1][0]["value"] is None
    columns = {
        "editor": "e",
        "version": 1,
        "count": np.array([2], dtype=np.int32),
        "chars_removed": np.array([-5], dtype=np.int64),
    }
    assert list_column(EDIT, 1, [entries_of(np.array([0]), columns)]).to_pylist() == [
        [{"editor": "e", "version": 1, "count": 2, "chars_removed": -5}]
    ]
