"""Rules to reasons: which rows break which rule, with value and bound."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.lake.explain import _applied
from spark_jobs.operators.base import MOST_RECORDED_LIMITS, Rule
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import DROP_REASON, EDIT, Bounds, Limits, broken, entries_of, list_column

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


NAMES = st.sampled_from(["sr", "fr", "sr_Latn", "srp_Latn", "", None])
BOUND = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 2.0])


@given(
    table=st.dictionaries(st.sampled_from(["sr", "fr", "sr_Latn", "srp_Latn", "_", "sr_"]), st.tuples(BOUND, BOUND)),
    own=st.tuples(BOUND, BOUND),
    rows=st.lists(st.tuples(NAMES, NAMES, st.sampled_from([-2.0, 0.0, 0.5, 3.0, math.nan]))),
    exclusive=st.booleans(),
)
@settings(deadline=None)  # the first call loads Arrow's functions
def test_limits_are_looked_up_from_all_columns_to_the_first_and_else_the_rule_holds(
    *,
    table: dict[str, tuple[float | None, float | None]],
    own: tuple[float | None, float | None],
    rows: list[tuple[str | None, str | None, float]],
    exclusive: bool,
) -> None:
    limits = Limits(by=("language", "script"), bounds=table)
    rule = Rule(reason="r", signal="x", minimum=own[0], maximum=own[1], exclusive=exclusive, limits=limits)
    languages, scripts = (pa.array([row[k] for row in rows], pa.string()) for k in (0, 1))
    batch = TextBatch.of(pa.array([""] * len(rows), pa.large_string()), language=languages, script=scripts)
    values = np.array([row[2] for row in rows])
    found = list_column(DROP_REASON, len(rows), [broken("f", 1, "r", values, rule.bounds(batch))]).to_pylist()
    for (language, script, value), reasons in zip(rows, found, strict=True):
        keys = [] if language is None else [language] if script is None else [f"{language}_{script}", language]
        low, high = next((table[key] for key in keys if key in table), own)
        below = low is not None and (value <= low if exclusive else value < low)
        above = high is not None and (value >= high if exclusive else value > high)
        assert [reason["bound"] for reason in reasons] == ([low] if below else [high] if above else [])


def test_rules_with_limits_in_one_batch_do_not_share_bounds() -> None:
    batch = TextBatch.from_texts(["", ""], language=["fr", "de"])
    first = Rule(reason="a", signal="x", maximum=1.0, limits=Limits(by=("language",), bounds={"fr": (None, 5.0)}))
    second = Rule(reason="b", signal="x", maximum=2.0, limits=Limits(by=("language",), bounds={"fr": (None, None)}))
    third = Rule(reason="c", signal="x", maximum=3.0, limits=Limits(by=("language",), bounds={"de": (7.0, None)}))
    values = np.array([6.0, 6.0])
    found = [broken("f", 1, rule.reason, values, rule.bounds(batch)) for rule in (first, second, third)]
    assert [(entry.rows.tolist(), entry.columns["bound"].tolist()) for entry in found] == [
        ([0, 1], [5.0, 1.0]),
        ([1], [2.0]),
        ([0, 1], [3.0, 7.0]),
    ]


def test_a_recorded_rule_is_explained_by_the_bounds_that_applied() -> None:
    limits = Limits(by=("language", "script"), bounds={"sr": (1.0, None), "sr_Latn": (None, 2.0)})
    record = Rule(reason="a", signal="x", minimum=0.5, limits=limits).record()
    for language, script, bounds in (
        ("sr", "Latn", (None, 2.0)),
        ("sr", "Cyrl", (1.0, None)),
        ("sr", None, (1.0, None)),
        ("fr", "Latn", (0.5, None)),
        (None, "Latn", (0.5, None)),
    ):
        shown = _applied(record, {"language": language, "script": script})
        assert (shown["minimum"], shown["maximum"]) == bounds
        assert "limits" not in shown
    long = {"by": ["language"], "values": 999, "sha256": "ab"}
    shown = _applied({**record, "limits": long}, {"language": "sr"})
    assert (shown["minimum"], shown["limits_sha256"]) == (None, "ab"), "no bound is better than a wrong one"
    plain = Rule(reason="a", signal="x", maximum=1.0).record()
    assert _applied(plain, {}) == plain


def test_a_missing_column_of_limits_is_named() -> None:
    rule = Rule(reason="a", signal="x", limits=Limits(by=("language",), bounds={"fr": (1.0, None)}))
    with pytest.raises(KeyError, match="no column language in the batch; it has url"):
        rule.bounds(TextBatch.from_texts(["a"], url=["u"]))


def test_a_rule_survives_its_record_unless_its_table_is_too_long_for_one() -> None:
    plain = Rule(reason="a", signal="x", maximum=1.0)
    assert plain.record() == {"reason": "a", "signal": "x", "minimum": None, "maximum": 1.0, "exclusive": False}
    listed = Rule(reason="a", signal="x", limits=Limits(by=("language", "script"), bounds={"fr": (1.0, None)}))
    assert [Rule.of_record(rule.record()) for rule in (plain, listed)] == [plain, listed]
    long = {f"l{i}": (float(i), None) for i in range(MOST_RECORDED_LIMITS + 1)}
    records = [
        Rule(reason="a", signal="x", limits=Limits(by=("language",), bounds=bounds)).record()
        for bounds in (long, dict(reversed(long.items())), long | {"l0": (0.5, None)})
    ]
    assert records[0] == records[1] != records[2]
    assert records[0]["limits"]["values"] == MOST_RECORDED_LIMITS + 1
    with pytest.raises(ValueError, match="recorded by their digest only"):
        Rule.of_record(records[0])
