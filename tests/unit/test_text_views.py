"""The shared views of a batch: characters, words, lines, paragraphs."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LINE_END, SENTENCE_END, SPACE, decode, encode, flag_table
from spark_jobs.text.spans import Spans
from spark_jobs.text.words import ALPHABETIC, LEXICAL, hash_of

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=5)


def words_of(text: str) -> list[str]:
    batch = TextBatch.from_texts(["other text", text])
    words = batch.words
    span = range(words.offsets[1], words.offsets[2])
    codes = batch.characters.codes
    return ["".join(map(chr, codes[words.starts[i] : words.starts[i] + words.lengths[i]])) for i in span]


def pieces(text: str, spans: Spans) -> list[str]:
    """The spans of the only text of a batch."""
    return [text[start:end] for start, end in zip(spans.starts, spans.ends, strict=True)]


@settings(deadline=None)  # the first call compiles
@given(TEXTS)
@example(["", "\x00", "é\u0301", "😀", "\U0010ffff", "ab"])
def test_texts_survive_decoding_and_encoding(texts: list[str]) -> None:
    characters = decode(TextBatch.from_texts(texts).texts)
    assert encode(characters.codes, characters.offsets).to_pylist() == texts
    assert np.diff(characters.offsets).tolist() == [len(text) for text in texts]


def test_a_slice_of_an_array_is_read_from_its_own_start() -> None:
    array = pa.array(["first", "second", None, "fourth"], pa.large_string())
    batch = TextBatch.of(array.slice(1))
    assert batch.lengths.tolist() == [6, 0, 6]
    assert chr(batch.characters.codes[0]) == "s"
    assert TextBatch.of(array.slice(4)).lengths.tolist() == []


def test_bytes_that_are_no_utf_8_become_replacement_characters() -> None:
    data = b"a\xff\xc3" + b"\xed\xa0\x80" + "é".encode()
    offsets = pa.py_buffer(np.array([0, 3, len(data)], dtype=np.int64))
    broken = pa.Array.from_buffers(pa.large_string(), 2, [None, offsets, pa.py_buffer(data)])
    characters = decode(broken)
    assert "".join(map(chr, characters.codes)) == "a\ufffd\ufffd" + "\ufffd" * 3 + "é"
    assert characters.offsets.tolist() == [0, 3, 7]


def test_flags_say_what_python_says() -> None:
    table = flag_table()
    sample = [*range(0x3100), *range(0xFE00, 0x10400)]
    assert all(bool(table[code] & SPACE) == chr(code).isspace() for code in sample)
    assert all(bool(table[code] & LINE_END) == (len(f"a{chr(code)}b".splitlines()) == 2) for code in sample)
    enders = {code for code in sample if table[code] & SENTENCE_END}
    assert {ord(c) for c in ".!?。؟।"} <= enders
    assert not {ord(c) for c in "\"'…,;:)"} & enders


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello", ",", "world", "!"]),
        ("don't well-known os.path 3.14 1,000", ["don't", "well-known", "os.path", "3.14", "1,000"]),
        ("a,b end. 'quoted' -5", ["a", ",", "b", "end", ".", "'", "quoted", "'", "-", "5"]),
        ("wait... --- !!!", ["wait", "...", "---", "!", "!", "!"]),
        ("日本語カー。", ["日本語", "カー", "。"]),
        ("word日x", ["word", "日", "x"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("\u0646\u0645\u06cc\u200c\u062e\u0648", ["\u0646\u0645\u06cc\u200c\u062e\u0648"]),
        ("a\u00a0b\u2003c\x00d \x00 \ufeff", ["a", "b", "c\x00d"]),
        ("😀👍 ©", ["😀", "👍", "©"]),
        ("ไทย ລາວ", ["ไทย", "ລາວ"]),
        ("\u0301", ["\u0301"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_traits_and_hashes_of_words() -> None:
    words = TextBatch.from_texts(["The 3 the — The"]).words
    assert words.traits.tolist() == [ALPHABETIC | LEXICAL, LEXICAL, ALPHABETIC | LEXICAL, 0, ALPHABETIC | LEXICAL]
    assert words.hashes.tolist() == [hash_of(word) for word in ("The", "3", "the", "—", "The")]
    assert words.hashes[0] != words.hashes[2]


@settings(deadline=None)  # the first call compiles
@given(st.text())
def test_words_hold_every_character_that_shows(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    shown = [c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf")]
    inside = [c for word in words_of(text) for c in word if unicodedata.category(c) not in ("Cc", "Cf")]
    assert inside == shown


@settings(deadline=None)  # the first call compiles
@given(st.text(st.sampled_from("ab \n\r\x0b\x85\u2028")))
def test_lines_are_those_of_splitlines(text: str) -> None:
    assert pieces(text, TextBatch.from_texts([text]).lines) == text.splitlines()


@pytest.mark.parametrize(
    ("text", "newline_pieces", "paragraphs"),
    [
        ("", [""], [""]),
        ("a\nb\n\nc", ["a", "b", "c"], ["a\nb", "c"]),
        ("\n a\n\n\nb \n", ["", " a", "b ", ""], ["a", "b"]),
        ("a\n \nb", ["a", " ", "b"], ["a\n \nb"]),
    ],
)
def test_newline_pieces_and_paragraphs(text: str, newline_pieces: list[str], paragraphs: list[str]) -> None:
    batch = TextBatch.from_texts([text])
    assert pieces(text, batch.newline_pieces) == newline_pieces
    assert pieces(text, batch.paragraphs) == paragraphs


def test_views_are_computed_once_and_not_carried_over_an_edit() -> None:
    batch = TextBatch.from_texts(["a b"], url=["u"])
    calls: list[int] = []
    assert [batch.shared("k", lambda: calls.append(1) or "v") for _ in range(2)] == ["v", "v"]  # type: ignore[func-returns-value]
    assert len(calls) == 1
    edited = batch.with_texts(pa.array(["c"]))
    assert edited.word_counts.tolist() == [1]
    assert batch.word_counts.tolist() == [2]
    assert edited.column("url").to_pylist() == ["u"]


def test_a_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(KeyError, match="it has url"):
        TextBatch.from_texts(["a"], url=["u"]).column("host")
    with pytest.raises(ValueError, match="url has 2 rows for 1 texts"):
        TextBatch.from_texts(["a"], url=["u", "v"])
