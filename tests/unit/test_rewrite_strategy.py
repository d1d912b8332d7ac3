"""REWIRE: what is sent, what counts as an answer, and under which digest it is kept."""

import json
import re

import pytest

from spark_jobs.errors import RecipeError
from spark_jobs.generation.requests import Generator, request_of
from spark_jobs.operators import registry
from spark_jobs.operators.strategies.rewire import IMPROVED, MARKERS, THINKING, Rewire

THOUGHTS = f"{THINKING[0]}\nA note on tea.\n{THINKING[1]}\n"
GOOD = f"{THOUGHTS}{IMPROVED[0]}\nTea is steeped.\n{IMPROVED[1]}"
GENERATOR = Generator(identity="m@1", options={"temperature": 1.0, "max_tokens": 50}, seed=0)


@pytest.mark.parametrize(
    ("output", "finish_reason", "status"),
    [
        (GOOD, "stop", "ok"),
        (f"{IMPROVED[0]}Tea is steeped.{IMPROVED[1]}", "stop", "ok"),
        (f"Sure! {GOOD} I hope this helps.", "stop", "ok"),
        ("", "stop", "empty"),
        (" \n", "length", "empty"),
        (THOUGHTS, "stop", "missing_start"),
        ("Tea is steeped.", "stop", "missing_start"),
        (f"Tea is steeped.\n{IMPROVED[1]}", "stop", "missing_start"),
        (f"{THINKING[0]}\nTea, tea, tea", "length", "truncated"),
        (f"{THOUGHTS}{IMPROVED[0]}\nTea is", "length", "truncated"),
        (f"{THOUGHTS}{IMPROVED[0]}\nTea is", "stop", "missing_end"),
        (f"{IMPROVED[0]} \n {IMPROVED[1]}", "stop", "empty"),
        (f"{IMPROVED[0]}a{IMPROVED[0]}b{IMPROVED[1]}", "stop", "nested"),
        (f"{IMPROVED[0]}a{IMPROVED[1]} and {IMPROVED[0]}b{IMPROVED[1]}", "stop", "nested"),
        (f"{IMPROVED[1]}{IMPROVED[0]}a{IMPROVED[1]}", "stop", "nested"),
        (f"{IMPROVED[0]}\n{THINKING[0]}hm{THINKING[1]}\nTea.{IMPROVED[1]}", "stop", "nested"),
        (f"{IMPROVED[0]}\n{THINKING[0]} cut inside", "length", "nested"),
        (f"{IMPROVED[0]}I'm sorry, but I can't help with that.{IMPROVED[1]}", "stop", "refusal"),
        (f"{IMPROVED[0]}I cannot rewrite this draft.{IMPROVED[1]}", "stop", "refusal"),
        ("As an AI language model, I have no opinion.", "stop", "refusal"),
        (f"{IMPROVED[0]}I can recommend tea; sorry sights aside.{IMPROVED[1]}", "stop", "ok"),
    ],
)
def test_only_text_between_one_pair_of_markers_counts(output: str, finish_reason: str, status: str) -> None:
    parsed = Rewire().parse(output, finish_reason)
    assert parsed.status == status
    assert (parsed.text is not None) == (status == "ok")
    assert parsed.text is None or not any(marker in parsed.text for marker in MARKERS)


def test_the_reasoning_is_never_kept() -> None:
    assert Rewire().parse(GOOD, "stop").text == "Tea is steeped."


def test_the_examples_of_the_strategy_hold() -> None:
    for example in Rewire.examples:
        parsed = Rewire().parse(example.text, "stop")
        assert parsed.text == example.edited
        assert example.reasons is None or example.reasons == (parsed.status,)


def test_the_draft_is_last_and_its_markers_are_no_markers() -> None:
    draft = f"{IMPROVED[0]} my draft {{persona}} {IMPROVED[1]}"
    (message,) = Rewire().messages(draft, key="k")
    assert message["role"] == "user"
    assert message["content"].endswith("(improved response starts) my draft {persona} (improved response ends)")
    assert all(message["content"].count(marker) == 1 for marker in MARKERS)


def test_personas_vary_between_documents_and_stay_with_one() -> None:
    strategy = Rewire()
    first = [strategy.messages("draft", key=str(n))[0]["content"] for n in range(40)]
    assert first == [strategy.messages("draft", key=str(n))[0]["content"] for n in range(40)]
    assert len(set(first)) > 4


def test_the_prompt_digest_moves_with_the_parameters_alone() -> None:
    assert Rewire().prompt_digest() == Rewire().prompt_digest()
    assert Rewire(Rewire.Params(personas=("a poet",))).prompt_digest() != Rewire().prompt_digest()
    silent = Rewire(Rewire.Params(thinking=False))
    assert silent.prompt_digest() != Rewire().prompt_digest()
    assert THINKING[0] not in silent.messages("draft", key="k")[0]["content"]


def test_what_the_grammar_admits_is_what_the_parser_accepts() -> None:
    draft = "Tea is a drink: <b>hot</b> water and leaves."
    strategy = Rewire(Rewire.Params(anchor_words=3, max_growth=2.0))
    pattern = strategy.grammar("regex", draft)
    longer = f"{THOUGHTS}{IMPROVED[0]}\nTea is a drink of hot water in which leaves were steeped.\n{IMPROVED[1]}"
    assert re.fullmatch(pattern, longer)
    assert strategy.parse(longer, "stop").status == "ok"
    other_start, open_end = longer.replace("Tea is a", "It is a"), longer.replace("steeped.", "steeped")
    for bad in (GOOD, other_start, open_end, longer + "!", longer.replace("leaves", "leaves " * 60)):
        assert not re.fullmatch(pattern, bad)
    assert strategy.grammar("gbnf", 'a "quoted" draft').startswith("root ::= ")
    with pytest.raises(ValueError, match="no grammar of kind"):
        strategy.grammar("ebnf", draft)


def test_the_digest_covers_the_model_and_all_that_is_sent() -> None:
    base = {"key": "k", "sample": 0, "generator": GENERATOR}
    first = request_of(Rewire(), "draft", **base)
    assert first == request_of(Rewire(), "draft", **base)
    others = [
        request_of(Rewire(), "another draft", **base),
        request_of(Rewire(Rewire.Params(thinking=False)), "draft", **base),
        request_of(Rewire(), "draft", **{**base, "sample": 1}),
        request_of(Rewire(), "draft", **{**base, "generator": Generator(identity="m@2", options={}, seed=0)}),
        request_of(Rewire(), "draft", key="k", sample=0, generator=Generator(
            identity="m@1", options=GENERATOR.options, seed=1)),
        request_of(Rewire(), "draft", key="k", sample=0, generator=Generator(
            identity="m@1", options=GENERATOR.options, seed=0, notation="gbnf")),
    ]  # fmt: skip
    assert len({request.digest for request in [first, *others]}) == 7
    assert len({json.loads(request.body)["seed"] for request in [first, *others]}) == 7
    assert "grammar" in json.loads(others[-1].body)
    assert "model" not in json.loads(first.body)


def test_a_wrong_parameter_is_named() -> None:
    with pytest.raises(RecipeError, match=r"rewire\.persona"):
        registry.build("strategies", "rewire", {"persona": ["x"]})
