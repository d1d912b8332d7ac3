"""Benchmark items in documents: what is found, what is not, and that words, not hashes, decide."""

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.recipe.sections.mixed import Benchmark
from spark_jobs.stages.decontaminate import read_benchmark
from spark_jobs.text.contamination import BenchmarkIndex, Rule, common_subsequence, items_of, normalise

QUESTION = (
    "A baker on the northern coast sells forty loaves of rye bread each morning and gives away three more to the "
    "gulls. If every loaf costs two coins and flour for ten loaves costs seven coins, how many coins remain after a "
    "week of six working days, provided that no loaf is left over and that the gulls never pay for anything at all?"
)
FILLER = "The harbour was quiet that evening and lanterns moved slowly along the pier while somebody counted ropes. "


def index(text: str = QUESTION, rule: Rule | None = None) -> BenchmarkIndex:
    return BenchmarkIndex.build(items_of("bakers", ["one"], [text]), rule or Rule())


def found(text: str, rule: Rule | None = None) -> list[str]:
    return [m.item for m in index(rule=rule).matches(pa.array([text]))[0]]


def changed_every(words: list[str], step: int) -> str:
    return " ".join("otherwise" if i % step == step - 1 else word for i, word in enumerate(words))


def test_a_verbatim_copy_is_found_inside_a_document() -> None:
    assert found(FILLER * 20 + QUESTION + FILLER * 20) == ["one"]


def test_case_and_punctuation_do_not_hide_a_copy() -> None:
    disguised = QUESTION.upper().replace(".", " !!").replace(",", ";\n\n- ").replace(" ", "  ")
    assert found(FILLER + disguised) == ["one"]


def test_one_word_changed_every_twelve_does_not_hide_a_copy() -> None:
    disguised = changed_every(QUESTION.split(), 12)
    assert found(FILLER * 5 + disguised) == ["one"]
    # It leaves no 13-gram, which is why the proposing n-gram is shorter than the usual one.
    assert found(FILLER * 5 + disguised, Rule(ngram=13)) == []


def test_an_item_split_over_two_long_documents_is_in_neither() -> None:
    words = QUESTION.split()
    half = len(words) // 2
    assert found(FILLER * 20 + " ".join(words[:half])) == []
    assert found(" ".join(words[half:]) + " " + FILLER * 20) == []


def test_half_an_item_alone_is_found_as_the_shorter_side() -> None:
    words = QUESTION.split()
    assert found(" ".join(words[: len(words) // 2])) == ["one"]


def test_one_shared_phrase_is_not_enough_unless_the_rule_says_so() -> None:
    phrase = FILLER * 10 + " ".join(QUESTION.split()[3:13]) + " " + FILLER * 10
    assert found(phrase) == []
    assert found(phrase, Rule(kind="ngram", ngram=8)) == ["one"]


def test_a_long_document_of_common_words_is_clean() -> None:
    words = sorted(QUESTION.split())
    assert found(" ".join(words) * 200) == []


def test_the_match_says_how_long_and_how_much() -> None:
    (match,) = index().matches(pa.array([FILLER + QUESTION]))[0]
    assert (match.benchmark, match.item, match.share) == ("bakers", "one", 1.0)
    assert match.length == len(QUESTION.split())


def test_a_hash_hit_alone_drops_nothing() -> None:
    honest = index()
    liar = index("a text about something else altogether with more than thirteen words in it, none of them shared here")
    # The other item under the keys of this one, as if all hashes collided.
    starts = np.arange(len(honest.keys) + 1, dtype=np.int64)
    owners = np.stack([np.zeros(len(honest.keys), np.int32), np.zeros(len(honest.keys), np.int32)], axis=1)
    collided = BenchmarkIndex(Rule(kind="ngram"), liar.items, honest.keys, starts, owners)
    assert collided.matches(pa.array([QUESTION])) == [()]


def test_short_items_are_listed_as_not_checkable() -> None:
    items = items_of("b", ["short", "long"], ["What is two plus two?", QUESTION])
    built = BenchmarkIndex.build(items, Rule())
    assert [item.item for item in built.not_checkable] == ["short"]
    assert built.matches(pa.array(["What is two plus two? What is two plus two?"])) == [()]


def test_nothing_to_look_for_and_nothing_to_look_in() -> None:
    empty = BenchmarkIndex.build(items_of("b", ["short"], ["too short"]), Rule())
    assert empty.matches(pa.array([QUESTION, "", None], pa.string())) == [(), (), ()]
    assert index().matches(pa.array(["", None, "x"], pa.string())) == [(), (), ()]
    assert index().matches(pa.array([], pa.string())) == []


def test_a_slice_of_a_batch_gives_what_its_rows_give() -> None:
    texts = pa.array([FILLER, QUESTION, FILLER + QUESTION, "x"])
    whole = index().matches(texts)
    assert [bool(m) for m in whole] == [False, True, True, False]
    assert index().matches(texts.slice(1, 2)) == whole[1:3]


def test_unspaced_scripts_are_words_of_one_sign() -> None:
    text = "面包师每天早上卖四十个面包然后把三个送给海鸥请问一周之后还剩下多少钱"
    assert [m.item for m in index(text).matches(pa.array(["前言。" + text + "。后记"]))[0]] == ["one"]


def test_an_index_travels_to_a_worker() -> None:
    travelled = pickle.loads(pickle.dumps(index()))
    assert travelled.matches(pa.array([QUESTION])) == index().matches(pa.array([QUESTION]))


def test_one_normal_form() -> None:
    assert normalise(pa.array(["  \uff21\u2013B_c,\tnaïve 3.14\n"])).to_pylist() == ["a b c naïve 3 14"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=40), st.lists(st.sampled_from("abcde"), max_size=40))
def test_the_common_subsequence_is_the_textbook_one(left: list[str], right: list[str]) -> None:
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    assert common_subsequence(left, right) == table[-1][-1]


# benchmark files


LINES = "".join(json.dumps({"id": f"q{i}", "q": QUESTION, "a": str(i)}) + "\n" for i in range(3))


@pytest.mark.parametrize(
    ("name", "pack"),
    [("b.jsonl", bytes), ("b.jsonl.gz", gzip.compress), ("b.jsonl.zst", zstandard.ZstdCompressor().compress)],
)
def test_a_benchmark_is_read_plain_and_compressed(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / name).write_bytes(pack(LINES.encode()))
    benchmark = Benchmark.model_validate(
        {"name": "b", "path": name, "fields": ["q", "a"], "id_field": "id"}, context={"folder": tmp_path}
    )
    file = read_benchmark(benchmark)
    assert [item.item for item in file.items] == ["q0", "q1", "q2"]
    assert file.items[2].words[-1] == "2"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"", "holds no items"),
        (b"{}\nnot json\n", "has no field q"),
        (b'{"q": "x"}\nnot json\n', "line 2"),
        (b"\x1f\x8bnot really gzip", "is not UTF-8 JSON lines"),
        (b"\xff\xfe{}", "is not UTF-8 JSON lines"),
        (b"[1, 2]\n", "has no field q"),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_one_clear_error(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "b.jsonl").write_bytes(content)
    benchmark = Benchmark.model_validate(
        {"name": "mine", "path": "b.jsonl", "fields": ["q"]}, context={"folder": tmp_path}
    )
    with pytest.raises(RecipeError, match=says) as raised:
        read_benchmark(benchmark)
    assert "mine" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_real_benchmarks_are_found_and_ordinary_text_is_not(shared_data: Path) -> None:
    folder = shared_data / "benchmarks"
    gsm8k = read_benchmark(
        Benchmark(name="gsm8k", path=str(folder / "gsm8k-test.jsonl.gz"), fields=("question", "answer"))
    )
    built = BenchmarkIndex.build(gsm8k.items, Rule())
    planted = " ".join(gsm8k.items[100].words)
    clean, dirty = built.matches(pa.array([FILLER * 50, FILLER + planted]))
    assert clean == ()
    assert [m.item for m in dirty] == [gsm8k.items[100].item]
