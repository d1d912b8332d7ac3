"""Token counts: equal to the tokenizer's own, safe on hostile texts, and pinned by digest."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators.filters.token_count import TokenCount, TokenCountParams
from spark_jobs.text import bpe, tokens
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.tokens import DEFAULT_TOKENIZER, bounded, count_tokens, tokenizer_digest, tokenizer_file

TEXTS = [
    "", " ", "Hello world", "line\n\n  next\tline \r\n", "1984 + 2 = 1986", "naïve Straße ﬁ", "日本語のテキスト",
    "שלום עולם", "👩‍👩‍👧‍👦 family", "<s>[INST] not special </s>", "def f(x):\n    return x ** 2  # square\n", "a\x00b",
]  # fmt: skip


@pytest.fixture(scope="module")
def tekkenizer() -> Any:
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    return Tekkenizer.from_file(str(tokenizer_file(DEFAULT_TOKENIZER)))


def test_counts_are_those_of_the_library_that_ships_the_file(tekkenizer: Any) -> None:
    expected = [len(tekkenizer.encode(text, bos=False, eos=False)) for text in TEXTS]
    assert count_tokens(pa.array(TEXTS), DEFAULT_TOKENIZER).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_a_count_does_not_depend_on_the_batch(texts: list[str]) -> None:
    together = count_tokens(pa.array(texts, pa.string()), DEFAULT_TOKENIZER).tolist()
    alone = [int(count_tokens(pa.array([text]), DEFAULT_TOKENIZER)[0]) for text in texts]
    assert together == alone


def test_a_null_has_no_tokens_and_chunks_are_joined() -> None:
    chunked = pa.chunked_array([pa.array(["Hello world", None]), pa.array(["Hello"])])
    assert count_tokens(chunked, DEFAULT_TOKENIZER).tolist() == [2, 0, 1]


@pytest.mark.parametrize("text", [" " * 1_000_000, "\n" * 1_000_000, "x" * 1_000_000, "日" * 300_000])
def test_a_long_run_of_one_kind_is_counted(text: str) -> None:
    # Uncut, a million blanks overflow the stack of the tokenizer's regular expression and kill the worker.
    assert count_tokens(pa.array([text]), DEFAULT_TOKENIZER)[0] > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", " ", "\n", "é"]), st.integers(1, 25)), max_size=12))
def test_pieces_join_to_the_text_and_have_no_long_run(runs: list[tuple[str, int]]) -> None:
    text = "".join(character * length for character, length in runs)
    before = tokens.MAX_RUN_CHARS
    tokens.MAX_RUN_CHARS = 8
    try:
        pieces = list(bounded(text))
    finally:
        tokens.MAX_RUN_CHARS = before
    assert "".join(pieces) == text
    assert all(len(word) <= 8 for piece in pieces for word in piece.split())
    assert all(len(blank) <= 8 for piece in pieces for blank in _blanks(piece))


def _blanks(piece: str) -> list[str]:
    return "".join(" " if c.isspace() else "x" for c in piece).replace("x", "|").split("|")


def test_ordinary_text_comes_whole() -> None:
    text = "word " * 10_000
    assert list(bounded(text)) == [text]


@pytest.mark.parametrize("name", ["tekken_240912", "no/such/tokenizer.json", "llama"])
def test_an_unknown_tokenizer_names_those_there_are(name: str) -> None:
    with pytest.raises(RecipeError, match=DEFAULT_TOKENIZER):
        count_tokens(pa.array(["x"]), name)


def test_a_tokenizer_json_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(RecipeError, match="needs the package tokenizers"):
        count_tokens(pa.array(["x"]), str(path))


def test_the_digest_is_that_of_the_file() -> None:
    data = tokenizer_file(DEFAULT_TOKENIZER).read_bytes()
    assert tokenizer_digest(DEFAULT_TOKENIZER) == hashlib.sha256(data).hexdigest()


def test_the_operator_pins_its_tokenizer() -> None:
    params = TokenCountParams.model_validate({})
    assert params.digest == tokenizer_digest(DEFAULT_TOKENIZER)
    with pytest.raises(ValueError, match="it is another file"):
        TokenCountParams.model_validate({"digest": "0" * 64})


def test_the_operator_measures_tokens_and_characters() -> None:
    found = TokenCount(TokenCountParams.model_validate({})).annotate(TextBatch.from_texts(["Hello world", "", "日本"]))
    assert found["tokens"].tolist()[:2] == [2.0, 0.0]
    assert found["characters"].tolist() == [11.0, 0.0, 2.0]


def test_bounds_are_rules_only_where_a_recipe_sets_them() -> None:
    assert TokenCount(TokenCountParams.model_validate({})).rules() == ()
    rules = TokenCount(TokenCountParams.model_validate({"min_tokens": 3, "max_tokens": 9})).rules()
    assert [(r.reason, r.minimum, r.maximum) for r in rules] == [
        ("too_few_tokens", 3, None), ("too_many_tokens", None, 9),
    ]  # fmt: skip


@cache
def library() -> Any:
    """Tiktoken itself on the same file."""
    import base64
    import json

    import tiktoken

    data = json.loads(tokenizer_file(DEFAULT_TOKENIZER).read_text(encoding="utf-8"))
    config = data["config"]
    assert config["pattern"] == bpe.TEKKEN_PATTERN, "the native counter does not know this file's pattern"
    size = config["default_vocab_size"] - config["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in data["vocab"][:size]}
    return tiktoken.Encoding("t", pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})


def library_counts(texts: list[str]) -> list[int]:
    """Counts by tiktoken itself, text by text."""
    return [len(library().encode_ordinary(text)) for text in texts]


PIECES = st.sampled_from(
    [*"aAbBéÉß日本語ーʰǅ7٣²_-/#.'’ \t\n\r\u3000\x1c\x85\u200d\u0301\u0903😀{}", "the", " of", "\r\n", "  "]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.one_of(PIECES, st.characters(exclude_categories=["Cs"])), max_size=40).map("".join))
def test_native_counts_are_those_of_the_library(text: str) -> None:
    counted = bpe.count_pieces(TextBatch.from_texts([text]).characters, tokens.vocabulary(DEFAULT_TOKENIZER))
    assert counted[0] in (bpe.UNSURE, *library_counts([text]))


def test_every_character_is_cut_as_the_library_cuts_it() -> None:
    codes = [
        code for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x20000, 3)) if chr(code).isprintable()
    ]
    texts = [f"a{chr(c)}A {chr(c)}b 1{chr(c)}{chr(c)}\n{chr(c)}" for c in codes]
    counted = bpe.count_pieces(TextBatch.from_texts(texts).characters, tokens.vocabulary(DEFAULT_TOKENIZER))
    wrong = [
        hex(c)
        for c, ours, theirs in zip(codes, counted, library_counts(texts), strict=True)
        if ours not in (-1, theirs)
    ]
    assert not wrong
    assert (counted == bpe.UNSURE).mean() < 0.01


@pytest.mark.parametrize("text", ["x" * 65, "x" * 64, "\U000e0fff a", "日" * 80, "é" * 128])
def test_what_the_native_counter_leaves_is_counted_by_the_library(text: str) -> None:
    assert count_tokens(pa.array([text]), DEFAULT_TOKENIZER).tolist() == library_counts([text])
