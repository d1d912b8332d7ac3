"""Words of scripts without spaces."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import icu4py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spark_jobs.operators import registry
from spark_jobs.recipe.load import load_recipe
from spark_jobs.stages.clean import Clean, plan_of
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.words import ALPHABETIC, LEXICAL, Words, hash_of, split_words

# Letters, marks, digits and signs of scripts with and without spaces, and what stands between words unseen.
ALPHABET = "aé1.-' \n\u0301\u00ad\u200b\u200d\x00日本語人は、。カーｶﾞ々ไทยภาษา๑ລາວខ្មែរမြန်မာབོད་།𠀀𠀁😀한국"
TEXTS = st.lists(st.text(st.sampled_from(ALPHABET) | st.characters(exclude_categories=["Cs"]), max_size=40), max_size=4)


def tokens(batch: TextBatch, row: int) -> list[str]:
    words, codes = batch.words, batch.characters.codes
    span = range(words.offsets[row], words.offsets[row + 1])
    return ["".join(map(chr, codes[words.starts[i] : words.starts[i] + words.lengths[i]])) for i in span]


def words_of(text: str, by: str = "icu") -> list[str]:
    return tokens(replace(TextBatch.from_texts(["ก่อน 先", text]), words_by=by), 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("这是一个中文句子。它没有空格", ["这", "是", "一个", "中文", "句子", "。", "它", "没有", "空格"]),
        ("日本語のテキスト", ["日本語", "の", "テキスト"]),
        ("สวัสดีชาวโลก", ["สวัสดี", "ชาว", "โลก"]),
        ("ខ្មែរ\u200bភាសា", ["ខ្មែរ", "ភាសា"]),
        ("བོད་སྐད་ཡིག།", ["བོད", "སྐད", "ཡིག", "།"]),
        ("2024年12月", ["2024", "年", "12", "月"]),
        ("𠀀中国𠀁人", ["𠀀", "中国", "𠀁", "人"]),
        ("mail-ไทย.com x's 3.14", ["mail", "-", "ไทย", ".", "com", "x's", "3.14"]),
        ("ไทย\u00ad \u0301中", ["ไทย", "\u0301", "中"]),
        ("한국어 日本", ["한국어", "日本"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_the_other_policy_cuts_signs_and_spaces_only() -> None:
    assert words_of("日本語 ไทยภาษา", "characters") == ["日", "本", "語", "ไทยภาษา"]


def test_an_edit_keeps_the_policy() -> None:
    batch = replace(TextBatch.from_texts(["x"]), words_by="characters")
    assert tokens(batch.with_texts(TextBatch.from_texts(["中国"]).texts), 0) == ["中", "国"]


@settings(deadline=None)  # the first call compiles
@given(TEXTS)
@example(["中\u0301国", "", "\u0e31ไ", "a\u200dไ\u200d", "་", "ｶﾞ"])
def test_a_text_has_the_same_words_alone_and_among_others(texts: list[str]) -> None:
    batch = TextBatch.from_texts(["这是中文", *texts, "ภาษาไทย"])
    for row, text in enumerate(texts, start=1):
        assert tokens(batch, row) == tokens(TextBatch.from_texts([text]), 0)


@settings(deadline=None)
@given(TEXTS)
def test_words_lie_in_order_and_say_what_they_hold(texts: list[str]) -> None:
    batch = TextBatch.from_texts(texts)
    words, offsets = batch.words, batch.characters.offsets
    for row, text in enumerate(texts):
        span = slice(words.offsets[row], words.offsets[row + 1])
        starts, ends = words.starts[span] - offsets[row], words.starts[span] + words.lengths[span] - offsets[row]
        assert (starts[1:] >= ends[:-1]).all()
        assert (starts >= 0).all()
        assert (ends <= len(text)).all()
        for token, number in zip(tokens(batch, row), range(span.start, span.stop), strict=True):
            assert int(words.hashes[number]) == hash_of(token)
            assert bool(words.traits[number] & ALPHABETIC) == any(c.isalpha() for c in token)
            assert token
            assert not token.isspace()
        kept = "".join(text[a:b] for a, b in zip(starts, ends, strict=True))
        assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(max_codepoint=0xDFF), max_size=40), max_size=3))
def test_scripts_with_spaces_are_left_alone(texts: list[str]) -> None:
    batch = TextBatch.from_texts(texts)
    plain: Words = split_words(batch.characters)
    for name in ("starts", "lengths", "hashes", "traits", "offsets"):
        assert np.array_equal(getattr(batch.words, name), getattr(plain, name))


@pytest.mark.parametrize("code", ["cmn", "jpn", "tha", "lao", "khm", "mya"])
def test_real_texts_get_words_of_a_plausible_length(shared_data: Path, code: str) -> None:
    with gzip.open(shared_data / "lid" / "udhr.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    texts = ["\n".join(row["paragraphs"]) for row in rows if row["iso639_3"] == code]
    words = TextBatch.from_texts(texts).words
    lexical = (words.traits & LEXICAL) != 0
    assert 1.2 < words.lengths[lexical].mean() < 6
    # One sign a word, or one word a run, would break Gopher's rule on the length of words.
    measured = registry.build("filters", "gopher_quality").annotate(TextBatch.from_texts(texts))
    assert (measured["words"] > 500).all()


def test_the_policy_is_in_the_fingerprint_with_the_version_of_icu() -> None:
    recipe = load_recipe(Path(__file__).parents[2] / "recipes" / "default.yaml")
    parts = Clean().fingerprint_parts(recipe)
    assert parts["words"] == {"by": "icu", "icu": icu4py.icu_version}
    section = recipe.cleaned.model_copy(update={"words": "characters"})
    other = Clean().fingerprint_parts(recipe.model_copy(update={"cleaned": section}))
    assert other["words"] == {"by": "characters"}
    assert plan_of(section).words == "characters"
