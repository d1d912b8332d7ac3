"""Which change of a recipe stands behind a verdict, from two records: the bound, the filter, or what came before."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.diff import split_release
from spark_jobs.analysis.blame import CODE, FILTER, MODEL, TEXT, Blame
from spark_jobs.analysis.recipe_diff import by_name, of_facts, of_operators, of_parameters, told

VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1, -7, "", "x", "NFC"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PARAMS = st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES, max_size=3)


def rule(reason: str, signal: str, minimum: Any = None, maximum: Any = None, **more: Any) -> dict[str, Any]:
    return {"reason": reason, "signal": signal, "minimum": minimum, "maximum": maximum, "exclusive": False, **more}


def one(name: str, kind: str = "filters", version: int = 1, rules: Any = (), **params: Any) -> dict[str, Any]:
    fingerprint = f"{name} {version} {sorted(params.items())}"
    return {"name": name, "kind": kind, "version": version, "params": params, "rules": rules,
            "fingerprint": fingerprint}  # fmt: skip


def words(minimum: Any, maximum: Any = None, **more: Any) -> dict[str, Any]:
    rules = [rule("too_short", "words", minimum), rule("too_long", "words", None, maximum)]
    return one("words", rules=rules, min_words=minimum, max_words=maximum, **more)


def released(*operators: dict[str, Any], packages: Any = None, language: Any = None, commit: str = "c") -> Any:
    records = {
        "cleaned": {
            "operators": operators, "facts": {"language": language} if language else {},
            "provenance": {"packages": packages or {"numpy": "2"}, "code": {"commit": commit}},
        }
    }  # fmt: skip
    return SimpleNamespace(record=lambda table: records.get(table, {}))


def blamed(before: Any, after: Any, reason: str) -> tuple[int, str, str]:
    near, cause = Blame(before, after).reasons(after)[reason]
    return near // 1000, cause.cause, cause.detail


def test_a_bound_that_moved_is_named_and_no_other_parameter() -> None:
    found = blamed(released(words(50, 900)), released(words(80, 800)), "words.too_short")
    assert found == (0, FILTER, "words.min_words 50 -> 80")
    assert (
        blamed(released(words(50, 900)), released(words(80, 800)), "words.too_long")[2] == "words.max_words 900 -> 800"
    )


def test_a_filter_that_was_added_or_measures_otherwise_is_named() -> None:
    assert blamed(released(), released(words(50)), "words.too_short") == (0, FILTER, "words added")
    after = released(words(50, by="icu"))
    assert blamed(released(words(50, by="space")), after, "words.too_short") == (1, FILTER, "words.by space -> icu")
    later = released(one("words", version=2, rules=words(50)["rules"], min_words=50, max_words=None))
    assert blamed(released(words(50)), later, "words.too_short") == (1, FILTER, "words.version 1 -> 2")


def test_where_another_bound_of_the_filter_moved_the_text_is_to_blame() -> None:
    before = released(one("repair", "editors", form="NFC"), words(50, 900))
    after = released(one("repair", "editors", form="NFKC"), words(50, 800))
    assert blamed(before, after, "words.too_short") == (3, TEXT, "repair.form NFC -> NFKC")


def test_an_editor_that_comes_later_is_not_to_blame() -> None:
    before = released(words(50), one("mask", "editors", with_=1))
    after = released(words(50), one("mask", "editors", with_=2), packages={"numpy": "3"})
    assert blamed(before, after, "words.too_short") == (3, CODE, "packages.numpy 2 -> 3")


def test_limits_by_language_are_bounds_too() -> None:
    def limited(low: int) -> dict[str, Any]:
        limits = {"by": ["language"], "bounds": {"de": [low, None]}}
        return one("words", rules=[rule("too_short", "words", 50, limits=limits)], min_words=50, table=f"t{low}")

    assert blamed(released(limited(1)), released(limited(2)), "words.too_short") == (0, FILTER, "words.table t1 -> t2")


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (released(language={"model": "a", "digest": "1"}), released(language={"model": "a", "digest": "2"}), MODEL),
        (released(commit="a"), released(commit="b"), CODE),
        (released(), released(), CODE),
        (released(one("main", "extractors")), released(one("main", "extractors", version=2)), TEXT),
    ],
)
def test_what_else_determines_a_text(before: Any, after: Any, cause: str) -> None:
    assert Blame(before, after).of_text().cause == cause


@given(PARAMS, PARAMS)
def test_parameters_are_different_where_they_are(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = of_parameters("x", before, after)
    back = of_parameters("x", after, before)
    assert {(d.parameter, repr(d.before), repr(d.after)) for d in found} == {
        (d.parameter, repr(d.after), repr(d.before)) for d in back
    }
    assert not of_parameters("x", before, before)
    assert len({d.parameter for d in found}) == len(found)
    assert isinstance(told(found), str)


def test_two_operators_of_one_name_are_kept_apart() -> None:
    record = {"operators": [one("top", "selectors", fraction=0.9), one("top", "selectors", fraction=0.1)]}
    changed = {"operators": [one("top", "selectors", fraction=0.9), one("top", "selectors", fraction=0.2)]}
    assert list(by_name(record, "selectors")) == ["top", "top 2"]
    assert [str(d) for d in of_operators(by_name(record), by_name(changed))] == ["top 2.fraction 0.1 -> 0.2"]


def test_a_fact_that_only_one_record_says_is_no_difference() -> None:
    assert of_facts("model", None, "m") == []
    assert [str(d) for d in of_facts("model", "m", "n")] == ["model.is m -> n"]


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("latest", (None, "latest")),
        ("other:latest", ("other", "latest")),
        ("s3://bucket/home:r-1", ("s3://bucket/home", "r-1")),
        ("s3://bucket/home", (None, "s3://bucket/home")),
        ("/a lake/home:r", ("/a lake/home", "r")),
        (":r", (None, ":r")),
    ],
)
def test_a_release_of_another_lake_is_told_by_its_home(text: str, split: tuple[str | None, str]) -> None:
    assert split_release(text) == split
