"""What a person may ask: changes are parsed, checked against what is stored, and refused in one line with a remedy."""

from typing import Any

import pytest

from spark_jobs.analysis.changes import Change, apply
from spark_jobs.analysis.curve import governed
from spark_jobs.analysis.overlap import Tally, by_filter, by_reason, kept, matrix, reason_order, total
from spark_jobs.analysis.stored import StoredFilter
from spark_jobs.errors import UsageError
from spark_jobs.operators import registry


def stored(name: str, version: int | None = None, **params: Any) -> StoredFilter:
    operator = registry.build("filters", name, params)
    return StoredFilter(name, version or operator.version, operator.params.model_dump(mode="json"), operator.rules())


FILTERS = (stored("language_filter", languages=["en"]), stored("gopher_quality"), stored("fineweb_quality"),
           stored("token_count"))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("gopher_quality.min_words=80", ("gopher_quality", "min_words", 80)),
        (" gopher_quality.max_hash_ratio = 0.5", ("gopher_quality", "max_hash_ratio", 0.5)),
        ("a.b=null", ("a", "b", None)),
        ("a.b.c=true", ("a", "b.c", True)),
    ],
)
def test_a_change_is_read_as_a_recipe_is(text: str, change: tuple[str, str, Any]) -> None:
    assert Change.parse(text) == Change(*change)


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b=", "=3", ".b=3", "a.=3", "a.b=[1", "a.b={"])
def test_what_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(UsageError) as told:
        Change.parse(text)
    assert "\n" not in str(told.value)


def test_moved_bounds_move_their_rules_and_nothing_else() -> None:
    moved = apply(FILTERS, [Change("gopher_quality", "min_words", 80), Change("token_count", "min_tokens", 9)])
    assert [f.name for f in moved] == [f.name for f in FILTERS]
    assert [(f == g) for f, g in zip(moved, FILTERS, strict=True)] == [True, False, True, False]
    assert moved[1].rules()[0].minimum == 80
    assert moved[1].rules()[1:] == FILTERS[1].rules()[1:]
    assert [rule.reason for rule in moved[3].rules()] == ["too_few_tokens"]


def test_a_filter_is_taken_out() -> None:
    assert [f.name for f in apply(FILTERS, [], ["gopher_quality"])] == [
        "language_filter", "fineweb_quality", "token_count",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "without", "told"),
    [
        ([Change("gopher_qualty", "min_words", 3)], [], "did you mean gopher_quality?"),
        ([Change("c4_quality", "min_sentences", 3)], [], "was not run by the published recipe"),
        ([], ["mask_pii"], "is no filter"),
        ([Change("gopher_quality", "min_wrods", 3)], [], "min_words"),
        ([Change("gopher_quality", "min_words", "many")], [], "gopher_quality.min_words"),
        ([Change("gopher_quality", "stop_words", ["the"])], [], "it changes what is measured"),
        ([Change("fineweb_quality", "short_line_chars", 3)], [], "it changes what is measured"),
        ([Change("gopher_quality", "min_words", 3)], ["gopher_quality"], "choose one"),
    ],
)
def test_what_stored_signals_cannot_answer_is_refused(changes: list[Change], without: list[str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        apply(FILTERS, changes, without)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_signals_of_another_version_are_not_reinterpreted() -> None:
    old = (stored("gopher_quality", version=99),)
    assert apply(old, []) == old
    with pytest.raises(UsageError, match="version 99"):
        apply(old, [Change("gopher_quality", "min_words", 3)])


@pytest.mark.parametrize(
    ("name", "parameter", "reason", "lower", "whole", "bound"),
    [
        ("gopher_quality", "min_words", "too_short", True, True, 50.0),
        ("gopher_quality", "max_bullet_lines", "bullet_lines", False, False, 0.9),
        ("language_filter", "min_score", "low_language_score", True, False, 0.65),
        ("token_count", "max_tokens", "too_many_tokens", False, True, None),
    ],
)
def test_the_rule_behind_a_parameter(
    name: str, parameter: str, reason: str, *, lower: bool, whole: bool, bound: float | None
) -> None:
    found = governed(FILTERS, name, parameter)
    assert (found.rule.reason, found.lower, found.whole, found.bound) == (reason, lower, whole, bound)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("gopher_quality", "stop_words"), ("language_filter", "exclusive"), ("fineweb_quality", "short_line_chars"),
     ("gopher_quality", "min_wrods"), ("nothing", "min_words")],
)  # fmt: skip
def test_what_is_no_bound_of_one_rule_has_no_curve(name: str, parameter: str) -> None:
    with pytest.raises(UsageError):
        governed(FILTERS, name, parameter)


def test_reasons_lie_over_each_other() -> None:
    counted = [
        ((), Tally(5, 50)),
        (("a.x",), Tally(3, 30)),
        (("a.x", "b.y"), Tally(2, 20)),
        (("b.y", "b.z"), Tally(1, 1)),
    ]
    assert kept(counted) == Tally(5, 50)
    assert total(counted) == Tally(11, 101)
    assert reason_order(counted, ()) == ("a.x", "b.y", "b.z")
    tallies = {
        t.reason: (t.all.documents, t.first.documents, t.alone.documents)
        for t in by_reason(counted, ("a.x", "b.y", "b.z"))
    }
    assert tallies == {"a.x": (5, 5, 3), "b.y": (3, 1, 0), "b.z": (1, 0, 0)}
    assert sum(first for _, first, _ in tallies.values()) == total(counted).documents - kept(counted).documents
    assert {name: t.documents for name, t in by_filter(counted, ("a", "b")).items()} == {"a": 3, "b": 1}
    assert matrix(counted, ("a", "b")) == {("a", "a"): 5, ("a", "b"): 2, ("b", "a"): 2, ("b", "b"): 3}
