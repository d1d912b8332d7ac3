"""The native filters against slow plain-Python references, written from the descriptions in the papers and recipes.

The references take tokens from the same tokeniser (its rule is tested on its own); everything else is their own.
"""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import sentence_terminal_ranges
from spark_jobs.text.decide import Bounds, broken

TERMINALS = {chr(code) for first, last in sentence_terminal_ranges() for code in range(first, last + 1)}

# Few different pieces, so that lines, n-grams and symbols repeat.
COMMON = (
    "the of and that a ab cd abcd 7 3.14 don't é 日本 ر # ... … • - . ! ? “ { JavaScript [1] [edit] [] Mr. J. \ufffd 😀"
)
PHRASES = ("lorem ipsum", "use cookies", "use coo\u212aies", "privacy policy", "[citation needed]")
PIECES = st.sampled_from([*COMMON.split(), *PHRASES, "x" * 40, "x" * 1001, "\x00"])
GAPS = st.sampled_from([" ", " ", " ", "  ", "\n", "\n", "\n\n", "\n\n\n", "\r\n", "\t", "\u2028", "\x1c", ""])
TEXTS = st.lists(st.tuples(PIECES, GAPS), max_size=60).map(lambda parts: "".join(a + b for a, b in parts))


def tokens(text: str) -> list[str]:
    batch = TextBatch.from_texts([text])
    codes = batch.characters.codes
    spans = zip(batch.words.starts, batch.words.lengths, strict=True)
    return ["".join(map(chr, codes[start : start + length])) for start, length in spans]


def measured(name: str, text: str, **params: object) -> dict[str, float]:
    signals = registry.build("filters", name, params).annotate(TextBatch.from_texts(["before", text, "after"]))
    return {key: float(values[1]) for key, values in signals.items()}


def share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def copies(pieces: list[str]) -> tuple[int, int]:
    seen: set[str] = set()
    again = [piece for piece in pieces if piece in seen or seen.add(piece)]  # type: ignore[func-returns-value]
    return len(again), sum(map(len, again))


def repetition(text: str) -> dict[str, float]:
    words = tokens(text)
    lines, paragraphs = re.split(r"\n+", text), re.split(r"\n{2,}", text.strip())
    (line_count, line_chars), (paragraph_count, paragraph_chars) = copies(lines), copies(paragraphs)
    result = {
        "duplicate_line_ratio": share(line_count, len(lines)),
        "duplicate_paragraph_ratio": share(paragraph_count, len(paragraphs)),
        "duplicate_line_char_ratio": share(line_chars, len(text)),
        "duplicate_paragraph_char_ratio": share(paragraph_chars, len(text)),
    }
    for n in (2, 3, 4):
        grams = Counter(" ".join(words[i : i + n]) for i in range(len(words) - n + 1))
        most = max(grams.values(), default=0)
        first = next((gram for gram, count in grams.items() if count == most), "")
        result[f"top_{n}_gram_char_ratio"] = share(len(first) * most, len(text))
    for n in range(5, 11):
        seen, at, chars = set(), 0, 0
        while at + n <= len(words):
            gram = "".join(words[at : at + n])
            if gram in seen:
                chars += len(gram)
                at += n
            else:
                seen.add(gram)
                at += 1
        result[f"duplicate_{n}_gram_char_ratio"] = share(chars, len(text))
    return result


def quality(text: str) -> dict[str, float]:
    words, lines = tokens(text), text.splitlines()
    lexical = [word for word in words if any(re.match(r"\w", c) and c != "_" for c in word)]
    stops = {"the", "be", "to", "of", "and", "that", "have", "with"}
    return {
        "words": len(lexical),
        "mean_word_length_chars": share(sum(map(len, lexical)), len(lexical)),
        "hash_ratio": share(text.count("#"), len(words)),
        "ellipsis_ratio": share(text.count("...") + text.count("…"), len(words)),
        "bullet_line_ratio": share(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_line_ratio": share(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "alphabetic_word_ratio": share(sum(any(c.isalpha() for c in word) for word in words), len(words)),
        "stop_words": len(stops & set(words)),
    }


def fineweb(text: str) -> dict[str, float]:
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "lines": len(lines),
        "terminal_line_ratio": share(sum(line[-1] in TERMINALS for line in lines), len(lines)),
        "short_line_ratio": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "duplicate_char_ratio": share(copies(lines)[1], len(text.replace("\n", ""))),
        "newline_word_ratio": share(text.count("\n"), len(tokens(text))),
    }


POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


def c4(text: str, *, terminal: bool = False) -> tuple[str | None, list[str]]:
    """What drops the document at once, and the lines kept until then."""
    kept = []
    for raw in text.splitlines():
        line = raw.strip()
        words = line.split()
        if any(len(word) > 1000 for word in words):
            continue
        line = re.sub(r"\[\d*\]|\[edit\]|\[citation needed\]", "", line)
        if terminal and (not line.endswith((".", "?", "!", '"', "'")) or line.endswith("...")):
            continue
        if len(words) < 3:
            continue
        if "lorem ipsum" in line.lower():
            return "lorem_ipsum", kept
        if "javascript" in line.lower():
            continue
        if "{" in line:
            return "curly_bracket", kept
        if any(policy in line.lower() for policy in POLICIES):
            continue
        kept.append(line)
    return None, kept


@pytest.mark.parametrize(
    ("name", "reference"),
    [("gopher_repetition", repetition), ("gopher_quality", quality), ("fineweb_quality", fineweb)],
)
@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_signals_equal_the_reference(name: str, reference: Callable[[str], dict[str, float]], text: str) -> None:
    found, wanted = measured(name, text), reference(text)
    assert found.keys() == wanted.keys()
    for signal, value in wanted.items():
        assert np.array_equal(found[signal], value, equal_nan=True), (signal, found[signal], value)


@given(text=TEXTS, terminal=st.booleans())
@settings(max_examples=200, deadline=None)
def test_c4_verdict_and_text_equal_the_reference(*, text: str, terminal: bool) -> None:
    params = {"require_terminal_punctuation": terminal}
    signals = measured("c4_quality", text, **params)
    cause, kept = c4(text, terminal=terminal)
    assert (cause is None) == (signals["lorem_ipsum_lines"] == 0 and signals["curly_lines"] == 0)
    if cause == "lorem_ipsum":
        assert signals["lorem_ipsum_lines"] > 0
    if cause == "curly_bracket":
        assert signals["curly_lines"] > 0
    if cause is None:
        edited = registry.build("editors", "c4_lines", params).edit(TextBatch.from_texts(["before", text]))
        assert edited.texts[1].as_py() == "\n".join(kept).strip()
        assert signals["sentences"] >= sum(any(c.isalpha() or c.isnumeric() for c in line) for line in kept)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One stands here. Two stands here! Three stands here?", 3),
        ("No end at all here", 1),
        ("Version 3.14 of pi is out. Good news.", 2),
        ('He said "we must go now." Then he left.', 2),
        ("J. Smith and K. Jones came in.", 1),
        ("Fruits, e.g. apples, are good.", 1),
        ("これは 文 です。次の 文 です。", 2),
        ("Wait... what is that?! Nothing.", 2),
        ("- - - - -", 0),
    ],
)
def test_sentences(text: str, sentences: int) -> None:
    assert measured("c4_quality", text)["sentences"] == sentences


def reasons(name: str, text: str, **params: object) -> set[str]:
    operator = registry.build("filters", name, params)
    signals = operator.annotate(TextBatch.from_texts([text]))
    found = set()
    for rule in operator.rules():
        bounds = Bounds(minimum=rule.minimum, maximum=rule.maximum, exclusive=rule.exclusive)
        if len(broken(name, 1, rule.reason, signals[rule.signal], bounds).rows):
            found.add(rule.reason)
    return found


GOOD = [f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(200)]


def prose(words: int) -> str:
    """So many different words, two of them stop words."""
    return " ".join(["the", "with", *GOOD[: words - 2]])


# Per rule: a text just inside the limit, and one just outside.
LIMITS = [
    ("gopher_quality", "too_short", prose(50), prose(49)),
    ("gopher_quality", "short_words", " ".join(["the", "and"] * 30), " ".join(["the", "and"] * 30 + ["of"])),
    ("gopher_quality", "long_words", " ".join(["x" * 10] * 60), " ".join(["x" * 10] * 59 + ["x" * 11])),
    ("gopher_quality", "hash_symbols", prose(90) + " #" * 10, prose(90) + " #" * 11),
    ("gopher_quality", "ellipses", prose(90) + " …" * 10, prose(90) + " …" * 11),
    ("gopher_quality", "bullet_lines", "- a\n" * 9 + "b", "- a\n" * 10 + "b"),
    ("gopher_quality", "ellipsis_lines", "a...\n" * 3 + "b\n" * 7, "a...\n" * 4 + "b\n" * 7),
    ("gopher_quality", "few_alphabetic_words", prose(80) + " 7" * 20, prose(80) + " 7" * 21),
    ("gopher_quality", "few_stop_words", "the dog of", "the dog the The"),
    ("gopher_repetition", "duplicate_lines", "a\na\na\na\nb\nc\nd\ne\nf\ng", "a\na\na\na\na\nb\nc\nd\ne\nf"),
    ("gopher_repetition", "duplicate_paragraphs", "a\n\na\n\na\n\na\n\nb\n\nc\n\nd\n\ne\n\nf\n\ng", "a\n\na\n\nb"),
    ("gopher_repetition", "duplicate_line_chars", "aa\naa\nbbbb", "aa\naa\nbbb"),
    ("gopher_repetition", "top_2_gram", "a b " + "x" * 11, "a b " + "x" * 10),
    ("fineweb_quality", "no_terminal_lines", "a.\n" * 3 + "b\n" * 22, "a.\n" * 2 + "b\n" * 15),
    ("fineweb_quality", "short_lines", "a\n" * 67 + ("b" * 31 + "\n") * 33, "a\n" * 68 + ("b" * 31 + "\n") * 32),
    ("fineweb_quality", "duplicate_chars", "a\na\n" + "b" * 98, "a\na\n" + "b" * 97),
    ("fineweb_quality", "list", "a\nb\nc\nd e f g h i j", "a\nb\nc\nd e f g h i"),
    ("c4_quality", "few_sentences", "One two three. " * 5, "One two three. " * 4),
    ("c4_quality", "curly_bracket", "two {words", "now three {words"),
    ("c4_quality", "curly_bracket", "javascript holds this {", "script holds this {"),
    ("c4_quality", "lorem_ipsum", "javascript lorem text ipsum", "here stands Lorem Ipsum text"),
    ("c4_quality", "lorem_ipsum", "Lorem ipsum", "Lorem ipsum dolor"),
    ("empty_text", "empty", "a", " \u200b\n"),
]


@pytest.mark.parametrize(("name", "reason", "inside", "outside"), LIMITS)
def test_a_rule_breaks_just_beyond_its_limit(name: str, reason: str, inside: str, outside: str) -> None:
    assert reason not in reasons(name, inside)
    assert reason in reasons(name, outside)


def test_a_curly_bracket_drops_before_a_policy_phrase_drops_the_line() -> None:
    assert "curly_bracket" in reasons("c4_quality", "we use cookies {")
    assert "curly_bracket" not in reasons("c4_quality", "we use cookies {", reject_curly=False)


def test_a_rule_that_is_off_gives_no_reason() -> None:
    text = "a\na\na"
    on = {"duplicate_lines", "duplicate_line_chars", "top_2_gram", "top_3_gram"}
    assert on <= reasons("gopher_repetition", text)
    off = {f"max_{reason}": None for reason in on}
    assert not on & reasons("gopher_repetition", text, **off)


@pytest.mark.parametrize(
    ("language", "score", "params", "wanted"),
    [
        ("en", 0.66, {"languages": ["en"]}, set()),
        ("en", 0.65, {"languages": ["en"]}, {"low_language_score"}),
        ("en", 0.65, {"languages": ["en"], "exclusive": False}, set()),
        ("de", 0.99, {"languages": ["en", "fr"]}, {"other_language"}),
        ("de", 0.5, {"languages": ["en"]}, {"other_language", "low_language_score"}),
        ("de", 0.1, {"min_score": None}, set()),
    ],
)
def test_languages(language: str, score: float, params: dict[str, object], wanted: set[str]) -> None:
    operator = registry.build("filters", "language_filter", params)
    signals = operator.annotate(TextBatch.from_texts(["x"], language=[language], language_score=[score]))
    found = {
        rule.reason
        for rule in operator.rules()
        if len(
            broken(
                "language_filter",
                1,
                rule.reason,
                signals[rule.signal],
                Bounds(minimum=rule.minimum, maximum=rule.maximum, exclusive=rule.exclusive),
            ).rows
        )
    }
    assert found == wanted


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("a \t\n\n\n\nb", "a\n\nb", 1),
        ("  a\n  indented  text\n", "a\n  indented  text", 2),
        ("a\r\nb\u2028c", "a\nb\nc", 2),
        ("a\n\nb", "a\n\nb", 0),
        (" \n ", "", 1),
    ],
)
def test_whitespace(before: str, after: str, count: int) -> None:
    editor = registry.build("editors", "whitespace")
    edited = editor.edit(TextBatch.from_texts([before]))
    assert edited.texts[0].as_py() == after
    assert edited.counts[0] == count
    again = editor.edit(TextBatch.from_texts([after]))
    assert again.texts[0].as_py() == after
    assert again.counts[0] == 0


# Quadratic in the length of a line, a pass over one of these would take hours.
LONG_LINES = ("." * 3_000_000, "a" + ".," * 1_500_000, "[" * 3_000_000, "k" * 3_000_000, "a" + " ." * 1_500_000)


@pytest.mark.parametrize(
    ("line", "sentences"),
    list(zip(LONG_LINES, (0, 0, 0, 0, 1), strict=True)),
    ids=["dots", "commas", "brackets", "ks", "stops"],
)
def test_c4_reads_a_long_line_of_few_signs_once(line: str, sentences: int) -> None:
    assert measured("c4_quality", line)["sentences"] == sentences
    edited = registry.build("editors", "c4_lines").edit(TextBatch.from_texts([line]))
    assert edited.texts[0].as_py() == (line if sentences else "")
