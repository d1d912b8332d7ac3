"""Sentences and their languages."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icu4py.breakers import SentenceBreaker

from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, NUMBER
from spark_jobs.text.sentence_languages import sentence_languages
from spark_jobs.text.sentences import count_sentences, sentences_of

ENGLISH = "All of the members have read the report and agree with it."
FRENCH = "Tous les membres ont lu le rapport et sont d'accord avec lui."


def sentences(text: str, most: int = 100) -> list[str]:
    spans = sentences_of(TextBatch.from_texts([text]), most)
    return [text[a:b] for a, b in zip(spans.starts, spans.ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One here. Two there! ... Three?", ["One here.", "Two there!", "... Three?"]),
        ("Mr. J. Smith paid 3.50 euros. e.g. this", ["Mr.", "J. Smith paid 3.50 euros. e.g. this"]),
        ("a line\n\n another \nlast.", ["a line", "another", "last."]),
        ("他说\uff1a“好。”我走了。你呢\uff1f", ["他说\uff1a“好。”", "我走了。", "你呢\uff1f"]),
        ("ကခ။ဂဃ။", ["ကခ။", "ဂဃ။"]),
        ("བོད།ཡིག།", ["བོད།", "ཡིག།"]),
        ("ภาษาไทย ไม่มี", ["ภาษาไทย ไม่มี"]),
        ("--- \n !!! \n", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_no_more_than_the_most_are_cut() -> None:
    assert sentences("A. B b. C c.\nD. E.", 2) == sentences("A. B b. C c.\nD. E.")[:2]
    assert sentences_of(TextBatch.from_texts(["Xy. " * 9, "y\n" * 9]), 4).counts.tolist() == [4, 4]


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=3))
def test_spans_and_counts_agree(texts: list[str]) -> None:
    batch = TextBatch.from_texts(texts)
    spans, lines = sentences_of(batch, 1000), batch.lines
    codes, flags = batch.characters.codes, batch.characters.flags
    counted = [count_sentences(codes, flags, a, b) for a, b in zip(lines.starts, lines.ends, strict=True)]
    assert len(spans.starts) == sum(counted)
    for start, end in zip(spans.starts, spans.ends, strict=True):
        assert (flags[start:end] & (LETTER | NUMBER)).any()
        assert chr(codes[start]).strip()
        assert chr(codes[end - 1]).strip()
    assert (spans.starts[1:] >= spans.ends[:-1]).all()


@pytest.mark.parametrize("code", ["cmn", "jpn", "tha", "khm", "mya", "eng", "rus"])
def test_icu_cuts_where_the_kernel_cuts(shared_data: Path, code: str) -> None:
    with gzip.open(shared_data / "lid" / "udhr.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    same = whole = 0
    for text in [p for row in rows if row["iso639_3"] == code for p in row["paragraphs"]]:
        mine = set(sentences(text))
        theirs = {text[a:b].strip() for a, b in SentenceBreaker(text, "en").segments()}
        theirs = {s for s in theirs if any(c.isalnum() for c in s)}
        same, whole = same + len(mine & theirs), whole + len(mine | theirs)
    assert same / whole > 0.95


def test_short_sentences_have_no_label() -> None:
    batch = TextBatch.from_texts([f"{ENGLISH} Oh. 12.\n{FRENCH}", "", "9"])
    found = sentence_languages(batch, None, most=10, min_letters=5)
    assert [found.languages[n] if n >= 0 else None for n in found.numbers] == ["en", None, None, "fr", None]
    assert [x.tolist() for x in found.agreement(["fr", "en", "und"])] == [[2, 0, 0], [1, 0, 0]]


def test_a_document_is_judged_by_its_own_label() -> None:
    filter_ = registry.build("filters", "sentence_language", {"min_letters": 3})
    text = f"{ENGLISH} {ENGLISH} {ENGLISH}\n{FRENCH} {FRENCH}"
    batch = TextBatch.from_texts([text] * 4 + [""], language=["en", "fr", "und", None, "en"])
    measured = filter_.annotate(batch)
    assert measured["agreement"][:2].tolist() == [0.6, 0.4]
    assert np.isnan(measured["agreement"][2:]).all()
    assert measured["sentences"].tolist() == [5, 5, 5, 5, 0]
