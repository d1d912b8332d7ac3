"""Pieces of texts and what texts repeat themselves: native kernels against the same rules in plain Python."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.dedup.levels import Overlap, Sentences, TextLevels, WithinDocument
from spark_jobs.dedup.pieces import pieces
from spark_jobs.dedup.settle import in_order
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.letter_case import lowered
from spark_jobs.text.sentences import sentences_of
from tests.unit.test_dedup_signatures import LETTERS, normal_words

TEXTS = st.lists(st.text(alphabet=LETTERS + "\n\n\n👍\u2028\r", max_size=60), max_size=6)
NGRAMS = TextLevels(levels=(Overlap(ngram=2),))


def found(texts: list[str], levels: TextLevels = NGRAMS) -> list[dict[str, Any]]:
    lines, own = pieces(pa.array(texts, pa.large_string()), levels)
    assert len(lines) == len(own) == len(texts)
    return [{"lines": a, "own": b} for a, b in zip(lines.to_pylist(), own.to_pylist(), strict=True)]


def sliced(text: str, span: dict[str, int]) -> str:
    """The characters of a span; its bytes must be the same."""
    characters = text[span["start"] : span["start"] + span["length"]]
    data = text.encode()[span["byte_start"] : span["byte_start"] + span["byte_length"]]
    assert data.decode() == characters
    return characters


def without(text: str, spans: list[dict[str, int]]) -> str:
    for span in sorted(spans, key=lambda s: -s["start"]):
        text = text[: span["start"]] + text[span["start"] + span["length"] :]
    return text


def plain_lines(text: str) -> list[tuple[int, str]]:
    """Lines that are not blank, with where they start."""
    at, listed = 0, []
    for line in text.split("\n"):
        if line.strip():
            listed.append((at, line))
        at += len(line) + 1
    return listed


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_lines_are_where_they_are_and_are_one_as_their_words_are(texts: list[str]) -> None:
    hashes: dict[int, tuple[str, ...]] = {}
    known: dict[tuple[str, ...], int] = {}
    for text, row in zip(texts, found(texts), strict=True):
        wanted = plain_lines(text)
        assert len(row["lines"]) == len(wanted)
        for piece, (start, line) in zip(row["lines"], wanted, strict=True):
            (span,) = piece["spans"]
            taken = sliced(text, span)
            assert span["start"] == start
            assert taken.startswith(line)
            # The line end, and blank lines after it if the line before is blank.
            assert not taken[len(line) :].strip()
            assert piece["chars"] == len(line.strip())
            words = tuple(normal_words(line, "diacritics"))
            assert len(piece["grams"]) == max(0, len(words) - 1)
            assert (piece["hash"] is None) == (not words)
            if words:
                assert hashes.setdefault(piece["hash"], words) == words
                assert known.setdefault(words, piece["hash"]) == piece["hash"]
        spans = [piece["spans"][0] for piece in row["lines"]]
        assert all(a["start"] + a["length"] <= b["start"] for a, b in pairwise(spans))


def test_a_cut_leaves_one_blank_line_between_its_neighbours() -> None:
    (row,) = found(["one\n\ntwo\n\n\nthree\nfour\n"])
    text = "one\n\ntwo\n\n\nthree\nfour\n"
    assert [sliced(text, piece["spans"][0]) for piece in row["lines"]] == ["one\n\n", "two\n\n\n", "three\n", "four\n"]
    assert [piece["paragraph"] for piece in row["lines"]] == [0, 1, 2, 2]


def test_tokens_of_dclm_count_case_and_punctuation() -> None:
    texts = ["a, b", "a b", "A, b"]
    normal = [row["lines"][0]["grams"] for row in found(texts)]
    words = [row["lines"][0]["grams"] for row in found(texts, TextLevels(levels=(Overlap(ngram=2, tokens="words"),)))]
    assert [len(grams) for grams in normal] == [1, 1, 1]
    assert normal[0] == normal[1] == normal[2]
    assert [len(grams) for grams in words] == [2, 1, 2]
    assert words[0] != words[2]


def test_ngrams_are_kept_in_number_and_differ_by_order() -> None:
    (row,) = found(["x x x x y x"])
    grams = row["lines"][0]["grams"]
    assert Counter(Counter(grams).values()) == Counter({3: 1, 1: 2})


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.integers(0, 6))
def test_how_a_batch_is_cut_changes_nothing(texts: list[str], at: int) -> None:
    levels = TextLevels(levels=(WithinDocument(sentences=Sentences()), Overlap(ngram=2)))
    assert found(texts, levels) == found(texts[:at], levels) + found(texts[at:], levels)


def test_bad_texts_are_pieces_too() -> None:
    broken = [b"ab \xff\xfe cd\nab \xff\xfe cd", b"\xed\xa0\x80 x\n", b"a\x00b", b"", b"\n\n\n", b"\xf0\x9f"]
    array = pa.Array.from_buffers(pa.large_string(), len(broken), pa.array(broken, pa.large_binary()).buffers())
    lines, own = pieces(array, TextLevels(levels=(WithinDocument(), Overlap())))
    assert [len(row) for row in lines.to_pylist()] == [1, 1, 1, 0, 0, 1]
    (cut,) = own.to_pylist()[0]
    assert (cut["start"], cut["length"], cut["byte_start"], cut["byte_length"]) == (9, 8, 9, 8)
    assert broken[0][9:] == b"ab \xff\xfe cd"


def test_one_huge_document() -> None:
    """A text of some megabytes in one line, and one of many lines that all repeat the first."""
    count = 400_000
    words = " ".join(f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x{chr(97 + n // 676 % 26)}" for n in range(count))
    repeated = "\n".join(["again and again", "once"] + ["Again and AGAIN "] * 50_000)
    one, many = found([words, repeated], TextLevels(levels=(WithinDocument(), Overlap())))
    assert len(one["lines"]) == 1
    assert len(one["lines"][0]["grams"]) == count - 12
    assert len(many["own"]) == 50_000
    assert without(repeated, many["own"]) == "again and again\nonce\n"


# What a document repeats itself.


def plain_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, before = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(before[j - 1] + (x != y), before[j] + 1, row[-1] + 1))
    return row[-1]


def alike(a: str, b: str, said: Sentences) -> bool:
    longer, shorter = max(len(a), len(b)), min(len(a), len(b))
    x, y = Counter(a), Counter(b)
    common = sum((x & y).values())
    if longer > said.max_chars or (longer - shorter) / longer >= said.max_length_gap:
        return False
    if common / sum((x | y).values()) < said.min_overlap:
        return False
    distance = plain_distance(a, b)
    return distance == 0 if shorter <= said.exact_chars else distance <= said.max_distance * longer


def plain_repeats(text: str, level: WithinDocument) -> str:
    """What is left, by the rule for lines and paragraphs in plain Python; without blank lines."""
    paragraphs: list[list[str]] = [[]]
    for line in text.split("\n"):
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    seen: set[str] = set()
    lines = []
    for paragraph in paragraphs:
        key = lowered("\n".join(paragraph).strip())
        if level.paragraphs and paragraph and key in seen:
            continue
        seen.add(key)
        lines += paragraph
    kept, seen = [], set()
    for line in lines:
        key = lowered(line.strip())
        if not (level.lines and key in seen):
            kept.append(line)
        seen.add(key)
    return "\n".join(kept)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["a", "A ", "b", "é b", " ", "", "", "👍 c"]), max_size=12), max_size=3),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_repeats_go_and_the_first_stays(drawn: list[list[str]], lines: bool, paragraphs: bool) -> None:  # noqa: FBT001
    level = WithinDocument(lines=lines, paragraphs=paragraphs)
    texts = ["\n".join(pieces_of) for pieces_of in drawn]
    for text, row in zip(texts, found(texts, TextLevels(levels=(level,))), strict=True):
        for cut in row["own"]:
            first = text[cut["linked_start"] :].lower()
            assert first.startswith(sliced(text, cut).strip().lower())
            assert cut["linked_start"] < cut["start"]
        left = without(text, row["own"])
        assert "\n".join(line for line in left.split("\n") if line.strip()) == plain_repeats(text, level)


SENTENCES = [
    "The committee met on Tuesday and agreed on nothing at all.", "Nothing at all was agreed on by the committee.",
    "The committee met on Monday and agreed on nothing at all.", "Read more.", "Read more!", "Read more.",
    "Yes, we can do this now.", "Yes, we can do that now.",
    "A committee met on Tuesday and it agreed on nothing at all.",
]  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(SENTENCES), st.sampled_from([" ", "\n", "  ", "\n\n"])), max_size=10),
    st.sampled_from([Sentences(), Sentences(max_sentences=3), Sentences(max_distance=0.3, exact_chars=4)]),
)
def test_the_later_of_two_similar_sentences_goes(drawn: list[tuple[str, str]], said: Sentences) -> None:
    text = "".join(sentence + space for sentence, space in drawn)
    level = WithinDocument(lines=False, paragraphs=False, sentences=said)
    (row,) = found([text], TextLevels(levels=(level,)))
    spans = sentences_of(TextBatch.from_texts([text]), said.max_sentences)
    listed = [text[a:b] for a, b in zip(spans.starts, spans.ends, strict=True)]
    kept: list[str] = []
    for sentence in listed:
        if not any(alike(early, sentence, said) for early in kept):
            kept.append(sentence)
    left = without(text, row["own"])
    again = sentences_of(TextBatch.from_texts([left]), 10_000)
    after = [left[a:b] for a, b in zip(again.starts, again.ends, strict=True)]
    rest = sentences_of(TextBatch.from_texts([text]), 10_000)
    beyond = [text[a:b] for a, b in zip(rest.starts, rest.ends, strict=True)][len(listed) :]
    assert after == kept + beyond
    for cut in row["own"]:
        assert 0 < cut["similarity"] <= 1
        assert sliced(text, cut)


@settings(max_examples=150, deadline=None)
@given(st.text("abcd", max_size=24), st.text("abcd", max_size=24))
def test_distances_are_those_of_the_whole_table(a: str, b: str) -> None:
    """A loose bound, so that every distance is told by whether the sentence goes."""
    said = Sentences(max_distance=0.5, exact_chars=0, min_overlap=0, max_length_gap=1)
    level = WithinDocument(lines=False, paragraphs=False, sentences=said)
    (row,) = found([f"{a}\n{b}"], TextLevels(levels=(level,)))
    if not a or not b:
        return
    distance, longer = plain_distance(a, b), max(len(a), len(b))
    near = distance <= 0.5 * longer and abs(len(a) - len(b)) < longer
    assert bool(row["own"]) == near
    if near:
        assert row["own"][0]["similarity"] == pytest.approx(1 - distance / longer)


def test_lines_that_lost_a_sentence_are_cut_in_pieces() -> None:
    text = "Good morning to all of you here. Something else.\nFirst. Good morning to all of you here. Last."
    level = WithinDocument(sentences=Sentences())
    (row,) = found([text], TextLevels(levels=(level,)))
    (cut,) = row["own"]
    assert sliced(text, cut) == "Good morning to all of you here. "
    assert [sliced(text, span) for span in row["lines"][1]["spans"]] == ["First. ", "Last."]
    assert row["lines"][1]["hash"] == found(["First. Last."])[0]["lines"][0]["hash"]


# Verdicts in order.


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=8), max_size=12), st.sampled_from([0.2, 0.5, 0.8]))
def test_the_sequence_is_the_rule(paragraphs: list[list[int]], threshold: float) -> None:
    stood: set[int] = set()
    wanted = []
    for at, grams in enumerate(paragraphs):
        if sum(gram in stood for gram in grams) / len(grams) > threshold:
            wanted.append(at)
        else:
            stood.update(grams)
    rows = [(at, gram, len(grams), 0) for at, grams in enumerate(paragraphs) for gram in grams]
    columns = np.array(sorted(rows, key=lambda row: row[1]), dtype=np.int64).reshape(-1, 4).T
    assert in_order(*map(np.ascontiguousarray, columns), threshold).tolist() == wanted


def test_the_key_of_stored_pieces_moves_with_all_that_decides_them() -> None:
    variants = [
        NGRAMS, TextLevels(levels=(Overlap(),)), TextLevels(levels=(Overlap(), WithinDocument())),
        TextLevels(levels=(Overlap(ngram=2),), marks="all"), TextLevels(levels=(Overlap(ngram=2),), min_chars_left=2),
        TextLevels(levels=(Overlap(ngram=2, shards=2),)), TextLevels(levels=(WithinDocument(sentences=Sentences()),)),
    ]  # fmt: skip
    assert len({variant.params_id for variant in variants}) == len(variants)
