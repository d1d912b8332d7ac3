"""The integer arithmetic of a mix: quotas, copies and shares are never exceeded, whatever the numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.stages.mix_facts import selected_fractions
from spark_jobs.stages.mix_plan import allot, quotas, rewrite_budget

TOKENS = st.integers(0, 10**13)


@given(have=TOKENS, quota=TOKENS, cap=st.integers(1, 8))
def test_an_allotment_is_within_quota_and_cap(have: int, quota: int, cap: int) -> None:
    allotment = allot(have=have, quota=quota, cap=cap)
    assert 0 <= allotment.copies <= cap
    assert allotment.extra_tokens >= 0
    assert allotment.copies * have + allotment.extra_tokens <= max(quota, 0) or have == 0
    # Extra tokens go to some documents only: with them no document may pass the cap.
    assert allotment.extra_tokens == 0 or allotment.copies < cap


@given(have=st.integers(1, 10**9), quota=TOKENS, cap=st.integers(1, 8))
def test_an_allotment_leaves_nothing_on_the_table(have: int, quota: int, cap: int) -> None:
    allotment = allot(have=have, quota=quota, cap=cap)
    assert allotment.copies * have + allotment.extra_tokens == min(quota, cap * have)


@given(budget=TOKENS, parts=st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_quotas_never_add_up_to_more_than_the_budget(budget: int, parts: list[int]) -> None:
    shares = {str(i): part / sum(parts) for i, part in enumerate(parts)}
    # Shares are rounded to millionths, each up by at most half of one.
    assert sum(quotas(budget, shares).values()) <= budget + budget * len(parts) // 2_000_000 + 1


@given(original=TOKENS, share=st.floats(0, 0.999))
def test_rewrites_never_have_more_than_their_share(original: int, share: float) -> None:
    rewritten = rewrite_budget(original, share)
    assert rewritten >= 0
    assert rewritten <= (round(share * 1_000_000) / 1_000_000) * (original + rewritten) + 1


def test_half_is_one_to_one() -> None:
    assert rewrite_budget(1_000, 0.5) == 1_000
    assert rewrite_budget(600, 0.4) == 400
    assert rewrite_budget(1_000, 0.0) == 0


def test_fractions_are_of_what_the_selector_saw() -> None:
    rows = [
        {"reason": None, "documents": 1, "characters": 60, "tokens": 10},
        {"reason": "contaminated", "documents": 1, "characters": 20, "tokens": 10},
        {"reason": "not_selected", "documents": 2, "characters": 20, "tokens": 20},
        {"reason": "other_capture", "documents": 9, "characters": 900, "tokens": 900},
    ]
    assert selected_fractions(rows) == {"documents": 0.5, "characters": 0.8, "tokens": 0.5}


def test_an_empty_pool_has_no_fraction() -> None:
    assert selected_fractions([]) == pytest.approx({"documents": 0.0, "characters": 0.0, "tokens": 0.0})
