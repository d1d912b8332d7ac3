"""The `rewritten` section: budgets, and errors that name the key."""

import pytest
from pydantic import ValidationError

from spark_jobs.recipe.sections.rewritten import Gates, RewrittenSection, Sampling


def test_the_default_costs_nothing() -> None:
    assert RewrittenSection().most_documents == 0


@pytest.mark.parametrize(("tokens", "documents"), [(None, 50), (0, 0), (199, 0), (200, 1), (10**9, 50)])
def test_both_bounds_of_the_budget_hold(tokens: int | None, documents: int) -> None:
    section = RewrittenSection.model_validate(
        {"budget": {"documents": 50, "tokens_out": tokens}, "samples": 2, "sampling": {"max_tokens": 100}}
    )
    assert section.most_documents == documents


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"strategy": "rewrie"}, "did you mean rewire"),
        ({"strategy": {"rewire": {"persona": []}}}, "rewire.persona"),
        ({"select": {"choose": "low"}}, "needs `score`"),
        ({"select": {"min_words": 9, "max_words": 8}}, "max_words 8 is less than min_words 9"),
        ({"passage": {"min_words": 9, "max_words": 8}}, "max_words 8 is less than min_words 9"),
        ({"sampling": {"extra": {"seed": 1}}}, "seed cannot be given here"),
        ({"gates": {"min_similarity": 1.5}}, "less than or equal to 1"),
        ({"budgte": {}}, "Extra inputs"),
    ],
)
def test_mistakes_are_named(section: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RewrittenSection.model_validate(section)


def test_the_defaults_are_those_of_rewire() -> None:
    assert Sampling().options == {"temperature": 1.0, "top_p": 0.9, "max_tokens": 8192}
    bounds = {rule.reason: (rule.minimum, rule.maximum) for rule in Gates().rules()}
    assert bounds["too_short"] == (1.0, None)
    assert bounds["unlike_the_draft"] == (0.4, None)
    assert "too_long" not in bounds


def test_further_keys_reach_the_request() -> None:
    assert Sampling(extra={"top_k": 20}, frequency_penalty=0.5).options["top_k"] == 20
