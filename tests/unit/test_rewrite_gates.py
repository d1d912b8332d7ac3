"""The gates of rewrites: what each measure sees, and that each gate rejects what it is there for."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.operators.strategies.rewire import IMPROVED, Rewire
from spark_jobs.recipe.sections.rewritten import Gates
from spark_jobs.stages.rewrite_judge import Judge, rewrite_id
from spark_jobs.text import likeness
from spark_jobs.text.passages import passage
from spark_jobs.text.tokens import DEFAULT_TOKENIZER

DRAFT = (
    "The with statement wraps the execution of a block with methods that a context manager defines. It was added in "
    "version 2.5 and it lets common patterns of clean-up be reused. See https://docs.example.org/with for more."
)
BETTER = (
    "A with statement runs a block of code under the control of a context manager, whose methods are called when the "
    "block is entered and left. Since version 2.5, common patterns of clean-up can therefore be written once and be "
    "reused wherever they are needed. The page https://docs.example.org/with tells more about context managers."
)
OTHER = (
    "Bake the loaves for forty minutes until the crust is dark, and let them cool on a rack. Butter keeps for weeks in "
    "a cold larder, but cream must be used the same day, or it will turn; a pinch of salt delays that by some hours "
    "only, and sugar does not help at all, whatever old cookery books may claim about it."
)


def attempt(output: str | None = None, **changed: Any) -> dict[str, Any]:
    row = {
        "parent_snapshot": "s", "parent_id": "0" * 32, "strategy": "rewire", "model": "m@1", "sample": 0,
        "language": "en", "draft": DRAFT, "output": output, "finish_reason": "stop",
    }  # fmt: skip
    return {**row, **changed}


def judged(text: str, gates: Gates | None = None, **changed: Any) -> dict[str, Any]:
    judge = Judge(
        strategy="rewire", params=Rewire.Params().model_dump_json(), fingerprint="f",
        rules=(gates or Gates(max_length_ratio=2.5)).rules(), language_model=None, tokenizer=DEFAULT_TOKENIZER,
    )  # fmt: skip
    output = text if IMPROVED[0] in text else f"{IMPROVED[0]}\n{text}\n{IMPROVED[1]}"
    (row,) = judge.judged([attempt(output, **changed)])
    return row


def reasons(row: dict[str, Any]) -> list[str]:
    return [reason["reason"] for reason in row["drop_reasons"]]


def test_a_faithful_rewrite_is_accepted_with_its_figures() -> None:
    row = judged(BETTER)
    assert row["kept"]
    assert row["drop_reasons"] == []
    assert (row["text"], row["parse_status"], row["language"]) == (BETTER, "ok", "en")
    assert row["tokens"] > 40
    assert 1.0 < row["length_ratio"] < 2.0
    assert 0.4 < row["similarity"] < 1.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" ".join(BETTER.split()[:25]), "too_short"),
        (f"{BETTER} {OTHER}", "too_long"),
        (OTHER, "unlike_the_draft"),
        (f"{DRAFT} That is all.", "copied"),
        (f"{BETTER} {BETTER[:160]}", "repetitive"),
        (BETTER.replace("2.5", "3.12"), "invented_figures"),
        (BETTER.replace("docs.example.org/with", "elsewhere.example/x"), "invented_links"),
        (f"{BETTER} This improved version is clearer.", "speaks_of_the_prompt"),
        (f"{BETTER} Check your progress and settle on a plan.", "speaks_of_the_prompt"),
    ],
)
def test_each_gate_rejects_what_it_is_there_for_and_nothing_else_does(text: str, reason: str) -> None:
    row = judged(text)
    assert reasons(row) == [reason]
    assert not row["kept"]
    assert row["text"] == text, "a rejected text stays for inspection"
    (broken,) = row["drop_reasons"]
    assert broken["annotator"] == "faithfulness"
    assert not math.isnan(broken["value"])


def test_another_language_is_rejected() -> None:
    row = judged(BETTER, language="de")
    assert reasons(row) == ["other_language"]
    assert judged(BETTER, language=None)["kept"]


def test_a_gate_that_is_off_rejects_nothing() -> None:
    off = {name: None for name in Gates.model_fields if name != "same_language"}
    assert Gates(**off, same_language=False).rules() == ()
    assert judged(OTHER, Gates(**off, same_language=False))["kept"]


def test_all_broken_gates_are_recorded() -> None:
    assert reasons(judged("A pinch of salt in 1999.")) == ["too_short", "unlike_the_draft", "invented_figures"]


def test_an_answer_that_cannot_be_parsed_has_one_reason_and_no_text() -> None:
    row = judged(f"{IMPROVED[0]}\n{BETTER}", finish_reason="length")
    (broken,) = row["drop_reasons"]
    assert (broken["annotator"], broken["reason"], row["parse_status"]) == ("rewire", "truncated", "truncated")
    assert (row["text"], row["kept"], row["tokens"], row["language"]) == (None, False, None, None)


def test_an_attempt_without_an_answer_failed() -> None:
    judge = Judge(
        strategy="rewire", params="{}", fingerprint="f", rules=(), language_model=None, tokenizer=DEFAULT_TOKENIZER
    )
    (row,) = judge.judged([attempt(None, finish_reason=None)])
    assert (row["parse_status"], reasons(row), row["kept"]) == ("failed", ["failed"], False)


def test_a_rewrite_is_named_by_parent_strategy_model_and_sample() -> None:
    base = rewrite_id(attempt(), "f")
    assert len(base) == 32
    assert int(base, 16) >= 0
    others = {
        rewrite_id(attempt(parent_id="1" * 32), "f"), rewrite_id(attempt(parent_snapshot="t"), "f"),
        rewrite_id(attempt(model="m@2"), "f"), rewrite_id(attempt(sample=1), "f"), rewrite_id(attempt(), "g"),
    }  # fmt: skip
    assert len({base, *others}) == 6


def test_the_floor_of_similarity_lies_between_rewrites_and_unrelated_texts() -> None:
    assert likeness.similarity(OTHER, DRAFT) < 0.4 < likeness.similarity(BETTER, DRAFT)
    assert likeness.similarity(DRAFT, DRAFT) == pytest.approx(1.0)
    assert math.isnan(likeness.similarity("!?", DRAFT))


@given(st.text(), st.text())
def test_measures_are_symmetric_where_they_should_be_and_in_range(new: str, old: str) -> None:
    likely = likeness.similarity(new, old)
    assert math.isnan(likely) or 0 <= likely <= 1
    assert likely == likeness.similarity(old, new) or math.isnan(likely)
    assert 0 <= likeness.repeated_share(new) < 1
    for share in (likeness.copied_share, likeness.known_figures_share, likeness.known_links_share):
        assert math.isnan(share(new, old)) or 0 <= share(new, old) <= 1
        assert math.isnan(share(old, old)) or share(old, old) == 1


def test_numbers_of_list_items_are_not_figures() -> None:
    assert math.isnan(likeness.known_figures_share("1. Wash\n2. Peel\nStep 3: boil", "Wash, peel, boil."))
    assert likeness.known_figures_share("1. Boil 4 eggs for 10 minutes", "Boil 4 eggs.") == 0.5


def test_a_passage_is_prose_within_its_bounds() -> None:
    code = "x = {}\n" * 30
    text = f"Heading\n\n{code}\n\n{BETTER}\n\n{OTHER}"
    found = {passage(text, min_words=30, max_words=70, key=str(n)) for n in range(20)}
    assert found == {BETTER, OTHER}


@given(st.text(alphabet="ab. \n", max_size=400), st.integers(1, 20), st.integers(0, 30))
def test_a_passage_is_never_too_long_and_never_empty(text: str, least: int, more: int) -> None:
    found = passage(text, min_words=least, max_words=least + more, key="k")
    assert len(found.split()) <= least + more
    assert len(found.split()) >= min(least, len(text.split()))
    assert " ".join(found.split()) in " ".join(text.split())
