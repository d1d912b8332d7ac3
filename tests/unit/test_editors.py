"""Editors of characters, lines and marks: what changes, what stays, and that a second run changes nothing."""

import re
import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spark_jobs.operators import registry
from spark_jobs.operators.editors.citation_marks import CitationMarksParams
from spark_jobs.operators.editors.pipe_lines import PipeLinesParams
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.splice import Cuts, splice
from spark_jobs.text.utf8 import bytes_of, code_at, search

FORMS = ("NFC", "NFKC", "NFD", "NFKD")
# What normal forms are about: bases, marks of several classes, composites, singletons, jamo, widths, Indic vowels.
MARKED = (
    "aeoA\u00e9\u1ea5\u0301\u0302\u0323\u0327\u0345\u0344\u212b\u2126\u0958"
    "\u1100\u1161\u11a8\uac00\uac01\ufb01\uff21²\u09c7\u09be\u0f73"
)
SETTINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("unicode_form", {"form": form}) for form in FORMS),
    ("pipe_lines", {}),
    ("pipe_lines", {"symbols": "|¦"}),
    ("citation_marks", {}),
    ("citation_marks", {"numbers": False, "phrases": ("[sic]",)}),
    ("fullwidth_forms", {"alphanumeric": True}),
    ("whitespace", {"max_blanks": 1, "plain_spaces": True, "drop_invisible": True, "max_newlines": 1}),
    ("whitespace", {"plain_spaces": True}),
)
PIECES = (
    *MARKED,
    *"|¦[]19 \t\n\r\u00a0\u2028\u3000\u200b\u00ad\ufeff，。“",
    "[edit]",
    "[sic]",
    "٣",
    "中",
    "😀",
    "word",
)


def edit(name: str, *texts: str, **params: Any) -> tuple[list[str], list[int]]:
    edited = registry.build("editors", name, params).edit(TextBatch.from_texts(texts))
    return edited.texts.to_pylist(), edited.counts.tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=3))
def test_every_editor_counts_what_it_changes_and_has_nothing_left_to_do(texts: list[str]) -> None:
    for name, params in SETTINGS:
        once, counts = edit(name, *texts, **params)
        assert [count > 0 for count in counts] == [new != old for new, old in zip(once, texts, strict=True)], name
        assert edit(name, *once, **params) == (once, [0] * len(texts)), name
        assert [edit(name, text, **params)[0][0] for text in texts] == once, f"{name}: rows are independent"


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(MARKED), st.characters(exclude_categories=("Cs", "Cn"))), max_size=12).map(
        "".join
    ),
    st.sampled_from(FORMS),
)
def test_a_normal_form_is_that_of_the_standard_library(text: str, form: Any) -> None:
    assert edit("unicode_form", text, form=form)[0] == [unicodedata.normalize(form, text)]


@pytest.mark.parametrize("form", FORMS)
def test_every_character_alone_and_after_a_base_comes_into_form(form: Any) -> None:
    known = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn")]
    texts = known + ["a" + character for character in known if unicodedata.combining(character)]
    assert edit("unicode_form", *texts, form=form)[0] == [unicodedata.normalize(form, text) for text in texts]


def test_the_count_of_a_normal_form_is_of_characters_with_their_marks() -> None:
    assert edit("unicode_form", "e\u0301e\u0323\u0301 x \u212b", "plain é") == (["éẹ́ x Å", "plain é"], [3, 0])


@pytest.mark.parametrize(
    ("text", "edited", "count"),
    [
        ("a\n| |\n|\nb", "a\n\nb", 1),
        ("|\na\n |\u00a0|\r\n||\nb\n|", "\na\n\nb\n\n", 3),
        ("a\n|\n\n|\nb", "a\n\n\n\nb", 2),
        ("| a |\n|---|", "| a |\n|---|", 0),
        (" \n\t\n", " \n\t\n", 0),
    ],
)
def test_a_run_of_lines_of_bars_becomes_one_newline(text: str, edited: str, count: int) -> None:
    assert edit("pipe_lines", text) == ([edited], [count])


def test_symbols_of_lines_are_a_parameter() -> None:
    assert edit("pipe_lines", "a\n¦ |\nb", symbols="|¦")[0] == ["a\n\nb"]
    assert edit("pipe_lines", "a\n¦ |\nb")[1] == [0]
    with pytest.raises(ValidationError, match="pattern"):
        PipeLinesParams(symbols="| ")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(("[", "]", "[1]", "12", "edit", "[edit]", "[citation needed]", " ", "٣", "é")), max_size=12
    )
)
def test_marks_go_as_often_as_the_expression_of_c4_finds_one(pieces: list[str]) -> None:
    text, marks = "".join(pieces), 0
    wanted, found = re.subn(r"\[\d*\]|\[edit\]|\[citation needed\]", "", text)
    while found:
        marks += found
        wanted, found = re.subn(r"\[\d*\]|\[edit\]|\[citation needed\]", "", wanted)
    assert edit("citation_marks", text) == ([wanted], [marks])


def test_marks_are_those_that_the_line_rules_of_c4_delete() -> None:
    line = "One fact [1] and two [23], a third [citation needed] and [edit] a [٣] fourth []."
    off = {"min_words_per_line": 0, "drop_javascript": False, "drop_policy": False}
    assert edit("citation_marks", line)[0] == edit("c4_lines", line, **off)[0]


@pytest.mark.parametrize("phrase", ["edit", "[a", "[a]b]", "[[a]]", ""])
def test_a_mark_without_brackets_is_refused(phrase: str) -> None:
    with pytest.raises(ValidationError, match="no mark in brackets"):
        CitationMarksParams(phrases=(phrase,))


def test_a_long_row_of_brackets_costs_linear_time() -> None:
    text = "[" * 300_000 + "1" * 300_000 + "]" * 300_000
    assert edit("citation_marks", text)[0] == [""]


def test_widths_are_folded_by_kind() -> None:
    text = "ＡＢ１２　（好），。“x”‘y’～"
    assert edit("fullwidth_forms", text) == (["ＡＢ１２　(好),.\"x\"'y'~"], [9])
    assert edit("fullwidth_forms", text, quotes=False, full_stop=False)[0] == ["ＡＢ１２　(好),。“x”‘y’~"]
    assert edit("fullwidth_forms", text, punctuation=False, quotes=False, full_stop=False, alphanumeric=True)[0] == [
        "AB12 （好），。“x”‘y’～"
    ]
    assert edit("fullwidth_forms", "ﾊﾝｶｸ 가 ￥")[1] == [0]


@pytest.mark.parametrize(
    ("text", "params", "edited"),
    [
        ("a  \r\n \r\n\r\n\tb \u2028c\n", {}, "a\n\n\tb\nc"),
        ("\u00a0\n\n a", {}, "a"),
        ("a\u00a0\u3000b", {}, "a\u00a0\u3000b"),
        ("a\u00a0\u3000b\n\u00a0c", {"plain_spaces": True}, "a  b\n c"),
        ("a   b\t\tc\n    d", {"max_blanks": 1}, "a b\tc\n    d"),
        ("so\u00adft ze\u200bro\ufeff \u200b\nx", {"drop_invisible": True}, "soft zero\nx"),
        ("می\u200cخواهم 👩\u200d👧", {"drop_invisible": True}, "می\u200cخواهم 👩\u200d👧"),
        ("a\n\n\n\nb", {"max_newlines": 1}, "a\nb"),
        (" \n\t ", {}, ""),
    ],
)
def test_white_space_comes_into_one_form(text: str, params: dict[str, Any], edited: str) -> None:
    assert edit("whitespace", text, **params)[0] == [edited]


def test_a_search_that_finds_more_than_it_has_room_for_runs_again() -> None:
    text = "a  \n" * 20_000 + "b"
    assert edit("whitespace", text, "c \nd") == (["a\n" * 20_000 + "b", "c\nd"], [20_000, 1])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=5), st.data())
def test_splicing_is_replacing_slices(texts: list[str], data: st.DataObject) -> None:
    array = pa.array(["before", *texts], pa.large_string()).slice(1)
    _, starts = bytes_of(array)
    found, wanted, replacements = [], [], []
    for row, text in enumerate(texts):
        ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
        new, at = "", 0
        for begin, end in zip(ends[::2], ends[1::2], strict=False):
            replacement = data.draw(st.text(max_size=3))
            first = int(starts[row]) + len(text[:begin].encode())
            found.append((row, first, first + len(text[begin:end].encode())))
            replacements.append(replacement)
            new += text[at:begin] + replacement
            at = end
        wanted.append(new + text[at:])
    cuts = Cuts(np.array(found, dtype=np.int64).reshape(-1, 3))
    assert splice(array, cuts, pa.array(replacements, pa.large_string())).to_pylist() == wanted
    assert cuts.per_row(len(texts)).sum() == len(found)


def test_bytes_that_are_no_utf8_are_one_replacement_character_each() -> None:
    # The last but one is NUL in three bytes, which no encoder writes.
    data = np.frombuffer(b"\xff\xe4\xb8\xad\xc3(\xed\xa0\x80\xf0\x9f\x98\x80\xe0\x80\x80\xe4", np.uint8)
    i, codes = 0, []
    while i < len(data):
        code, length = code_at(data, i, len(data))
        codes.append(int(code))
        i += length
    bad = 0xFFFD
    assert codes == [bad, ord("中"), bad, ord("("), bad, bad, bad, ord("😀"), bad, bad, bad, bad]


def test_a_search_without_hits_gives_an_empty_table() -> None:
    assert search(lambda _found: 0).shape == (0, 3)
