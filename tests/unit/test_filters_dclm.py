"""DCLM's filters and line edits against slow plain-Python references, at their limits, and in the pass."""

import json
import re
import unicodedata
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spark_jobs.operators import registry
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.stages.clean import plan_of
from spark_jobs.stages.clean_pass import INPUT, clean_rows
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Bounds, broken

COUNTED = "likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers"
COMMON = (
    "the Of AND that a ab cd ABC 7 3.14 don't é É 日本 ในวัน ر # ... … . • ● * - 3 1,200 4K 2m likes Comments views » …"
    " Sign-in sign-in sign-ins Read more... read more… items in cart Items In Cart! \u0301 \x00 😀"
)
PHRASES = (
    "items in cart",
    "Read more...",
    "Sign-in now",
    "3 likes",
    "12K followers",
    ". . .",
    ". . . . . .",
    "5k downloads »",
)
PIECES = st.sampled_from([*COMMON.split(), *PHRASES])
GAPS = st.sampled_from([" ", " ", " ", "  ", "\n", "\n", "\n\n", "\n\n\n", "\r\n", "\t", "\u2028", ""])
TEXTS = st.lists(st.tuples(PIECES, GAPS), max_size=60).map(lambda parts: "".join(a + b for a, b in parts))


def tokens(text: str) -> list[str]:
    """Words without punctuation tokens."""
    batch = TextBatch.from_texts([text])
    spans = zip(batch.words.starts, batch.words.lengths, batch.words.traits, strict=True)
    codes = batch.characters.codes
    return ["".join(map(chr, codes[start : start + length])) for start, length, traits in spans if traits]


def measured(name: str, text: str, **params: object) -> dict[str, float]:
    signals = registry.build("filters", name, params).annotate(TextBatch.from_texts(["before", text, "after"]))
    return {key: float(values[1]) for key, values in signals.items()}


def share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def segments(text: str, end: str) -> list[str]:
    return [piece.strip() for piece in text.split(end) if piece.strip()]


def copied(pieces: list[str]) -> tuple[float, float]:
    counts = Counter(pieces)
    again = [piece for piece in pieces if counts[piece] > 1]
    return share(len(again), len(pieces)), share(sum(map(len, again)), sum(map(len, pieces)))


def repetition(text: str) -> dict[str, float]:
    words = tokens(text)
    chars = sum(map(len, words))
    lines, line_chars = copied(segments(text, "\n"))
    # Three newlines are one end of a paragraph and a newline that stripping takes.
    paragraphs, paragraph_chars = copied(segments(re.sub(r"\n{2,}", "\n\n", text.strip()), "\n\n"))
    result = {
        "duplicate_line_ratio": lines,
        "duplicate_paragraph_ratio": paragraphs,
        "duplicate_line_char_ratio": line_chars,
        "duplicate_paragraph_char_ratio": paragraph_chars,
    }
    for n in range(2, 11):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = Counter(grams)
        if n < 5:
            most = max(counts.values(), default=0)
            longest = max((len("".join(gram)) for gram, count in counts.items() if count == most), default=0)
            result[f"top_{n}_gram_char_ratio"] = share(longest * most if most > 1 else 0, chars)
        else:
            covered = {k for i, gram in enumerate(grams) if counts[gram] > 1 for k in range(i, i + n)}
            result[f"duplicate_{n}_gram_char_ratio"] = share(sum(len(words[k]) for k in covered), chars)
    return result


def quality(text: str) -> dict[str, float]:
    words, lines = text.split(), segments(text, "\n")
    stops = {"the", "be", "to", "of", "and", "that", "have", "with"}
    symbols = sum(text.count(symbol) for symbol in ("#", "...", ". . .", "…"))
    return {
        "words": sum(word[0].isalnum() for word in words),
        "mean_word_length_chars": share(sum(map(len, words)), len(words)),
        "symbol_ratio": share(symbols, len(words)),
        "bullet_line_ratio": share(sum(line.startswith(("●", "•", "*", "-")) for line in lines), len(lines)),
        "ellipsis_line_ratio": share(sum(line.endswith(("...", ". . .", "…")) for line in lines), len(lines)),
        "letterless_word_ratio": share(sum(not any(c.isalpha() for c in word) for word in words), len(words)),
        "stop_words": sum(word.lower() in stops for word in words),
    }


@pytest.mark.parametrize(("name", "reference"), [("dclm_repetition", repetition), ("dclm_quality", quality)])
@given(text=TEXTS)
@settings(max_examples=200, deadline=None)
def test_signals_equal_the_reference(name: str, reference: Any, text: str) -> None:
    found, wanted = measured(name, text), reference(text)
    assert found.keys() == wanted.keys()
    for signal, value in wanted.items():
        assert np.array_equal(found[signal], value, equal_nan=True), (signal, found[signal], value)


def in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def whole(line: str, start: int, end: int) -> bool:
    before = start > 0 and in_word(line[start - 1]) and in_word(line[start])
    return not before and not (end < len(line) and in_word(line[end - 1]) and in_word(line[end]))


def counter(line: str) -> bool:
    while line and not in_word(line[0]):
        line = line[1:]
    while line and not in_word(line[-1]):
        line = line[:-1]
    return bool(re.fullmatch(rf"\d[\d.,]*[kmb]?\s*(?:{COUNTED})", line.lower()))


def cut_line(line: str) -> str:
    at = 0
    while at < len(line):
        end = at + len("items in cart")
        if line[at:end].lower() != "items in cart" or not whole(line, at, end):
            at += 1
            continue
        if at > 0 and line[at - 1].isspace():
            at -= 1
        elif line[end : end + 1].isspace():
            end += 1
        line = line[:at] + line[end:]
    for phrase in ("read more...", "read more…"):
        start = len(line.rstrip()) - len(phrase)
        if start >= 0 and line.rstrip().lower().endswith(phrase) and whole(line.rstrip(), start, len(line.rstrip())):
            line = line[: start - 1] if start and line[start - 1].isspace() else line[:start]
            break
    indent = len(line) - len(line.lstrip())
    end = indent + len("sign-in")
    if line.lstrip().lower().startswith("sign-in") and whole(line[indent:], 0, len("sign-in")):
        line = line[:indent] + line[end + line[end : end + 1].isspace() :]
    return line


def unspaced_sign(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("CJK UNIFIED", "THAI"))


def counted(text: str) -> list[str]:
    """Words that begin with a letter or number, and signs of scripts without spaces."""
    signs = [c for c in text if unspaced_sign(c) and not unicodedata.combining(c) and unicodedata.category(c)[0] != "M"]
    return signs + [word for word in text.split() if word[0].isalnum() and not unspaced_sign(word[0])]


def line_words(line: str) -> int:
    unspaced = any(map(unspaced_sign, line))
    return max(len(line.split()), len(counted(line)) if unspaced else 0)


def corrected(text: str) -> str:
    """The edits one after the other, as the recipe lists them."""
    lines = text.split("\n")
    lines = [x for x in lines if not x.strip() or sum(map(str.isupper, x.strip())) / len(x.strip()) <= 0.5]
    lines = [x for x in lines if not x.strip() or not x.strip().isdecimal()]
    lines = [x for x in lines if not counter(x)]
    lines = [x for x in lines if not x.strip() or line_words(x) >= 2]
    edited = [(x, cut_line(x) if x.strip() and line_words(x) <= 10 else x) for x in lines]
    return "\n".join(after for before, after in edited if after == before or after.strip())


@given(text=TEXTS)
@example("A\r\nb c\n\nitems in cart\nd e")
@example("Read items in cart more... \n  Sign-in Sign-in x")
@settings(max_examples=400, deadline=None)
def test_line_edits_equal_the_reference(text: str) -> None:
    edited = registry.build("editors", "dclm_lines").edit(TextBatch.from_texts(["before it", text, "after it"]))
    wanted = corrected(text)
    assert edited.texts.to_pylist() == ["before it", wanted, "after it"]
    assert (edited.counts[1] > 0) == (wanted != text)
    facts = {name: int(values[1]) for name, values in edited.facts.items()}
    assert facts["words"] == len(counted(text))
    assert facts["removed_words"] == len(counted(text)) - len(counted(wanted))
    assert 0 <= facts["removed_words"] <= facts["flagged_words"] <= facts["words"]
    if wanted == text:
        assert facts["flagged_words"] == 0


@given(texts=st.lists(TEXTS, max_size=5))
@settings(max_examples=50, deadline=None)
def test_facts_do_not_depend_on_the_batch(texts: list[str]) -> None:
    editor = registry.build("editors", "dclm_lines")
    together = editor.edit(TextBatch.from_texts(texts)).facts
    for row, text in enumerate(texts):
        alone = editor.edit(TextBatch.from_texts([text])).facts
        assert {name: values[row] for name, values in together.items()} == {n: v[0] for n, v in alone.items()}


@pytest.mark.parametrize(
    ("before", "after", "removed"),
    [
        ("ABCDE abcde", "ABCDE abcde", 0),
        ("ABCDEF abcd", "", 2),
        ("2024\nIn 2024 it was", "In 2024 it was", 1),
        ("١٢٣ ٤\nx y", "١٢٣ ٤\nx y", 0),
        ("3 likes", "", 2),
        ("* 1,204.5K Followers *", "", 2),
        ("3 likes it", "3 likes it", 0),
        ("three likes", "three likes", 0),
        ("12 bookmarks", "", 2),
        ("7b downloads", "", 2),
        ("Home\n\nAbout us", "\nAbout us", 1),
        ("we have 3 items in cart today", "we have 3 today", 3),
        ("ITEMS IN CART", "", 3),
        ("the items in carts", "the items in carts", 0),
        (" ".join("abcdefgh") + " items in cart", " ".join("abcdefgh") + " items in cart", 0),
        (" ".join("abcdefg") + " items in cart", "a b c d e f g", 3),
        ("The tale goes on. Read more...", "The tale goes on.", 2),
        ("The tale goes on. Read moreover", "The tale goes on. Read moreover", 0),
        ("Read more... of it", "Read more... of it", 0),
        ("Sign-in to go on", "to go on", 1),
        ("Sign-ins are up", "Sign-ins are up", 0),
        ("Please Sign-in", "Please Sign-in", 0),
        ("日本語の文章です\n日", "日本語の文章です", 1),
    ],
)
def test_one_line_for_each_rule(before: str, after: str, removed: int) -> None:
    edited = registry.build("editors", "dclm_lines").edit(TextBatch.from_texts([before]))
    assert edited.texts.to_pylist() == [after]
    assert edited.facts["removed_words"].tolist() == [removed]


def test_rules_of_lines_can_be_switched_off() -> None:
    off: dict[str, Any] = {"max_upper_case": None, "drop_digit_lines": False, "counted": [], "min_line_words": 0}
    off |= {"cut_anywhere": [], "cut_at_end": [], "cut_at_start": []}
    text = "ALL CAPITALS\n1234\n3 likes\nHome\nSign-in items in cart Read more..."
    edited = registry.build("editors", "dclm_lines", off).edit(TextBatch.from_texts([text]))
    assert edited.texts.to_pylist() == [text]
    assert edited.counts.tolist() == [0]
    more = registry.build("editors", "dclm_lines", {"counted": ["me gusta"], "cut_at_end": ["leer más"]})
    assert more.edit(TextBatch.from_texts(["3 Me Gusta\nLa casa es roja. Leer MÁS"])).texts.to_pylist() == [
        "La casa es roja."
    ]


def reasons(name: str, text: str, **params: object) -> set[str]:
    operator = registry.build("filters", name, params)
    signals = operator.annotate(TextBatch.from_texts([text]))
    bounds = [(r, Bounds(minimum=r.minimum, maximum=r.maximum, exclusive=r.exclusive)) for r in operator.rules()]
    return {r.reason for r, b in bounds if len(broken(name, 1, r.reason, signals[r.signal], b).rows)}


GOOD = [f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(200)]


def prose(words: int) -> str:
    """So many different words, two of them stop words."""
    return " ".join(["the", "with", *GOOD[: words - 2]])


LIMITS = [
    ("dclm_quality", "too_short", prose(50), prose(49)),
    ("dclm_quality", "too_long", "a " * 100_000, "a " * 100_001),
    ("dclm_quality", "short_words", "the and " * 30, "the and " * 30 + "of"),
    ("dclm_quality", "long_words", "a" * 10, "a" * 10 + " " + "b" * 11),
    ("dclm_quality", "symbols", prose(90) + " #" * 10, prose(90) + " #" * 11),
    ("dclm_quality", "symbols", prose(96) + " . . . #" + "… …", prose(10) + " …x ..."),
    ("dclm_quality", "bullet_lines", "● a\n" * 9 + "b", "* a\n" * 10 + "b"),
    ("dclm_quality", "ellipsis_lines", "a. . .\n" * 3 + "b\n" * 7, "a. . .\n" * 4 + "b\n" * 7),
    ("dclm_quality", "letterless_words", prose(80) + " 7" * 20, prose(80) + " 7" * 21),
    ("dclm_quality", "few_stop_words", "THE dog the", "the dog of, the,"),
    ("dclm_repetition", "duplicate_lines", "a\na\na\nb\nc\nd\ne\nf\ng\nh", "a\na\na\na\nb\nc\nd\ne\nf\ng"),
    ("dclm_repetition", "duplicate_paragraphs", "a\n\n\na\n\nb\n\nc\n\nd\n\ne\n\nf", "a\n\na\n\na\n\nb"),
    ("dclm_repetition", "duplicate_line_chars", "a\na\n" + "b" * 8, "a\na\n" + "b" * 7),
    ("dclm_repetition", "top_2_gram", "a b a b " + "x" * 16, "a b a b " + "x" * 15),
    ("dclm_repetition", "duplicate_5_grams", "a b c d e a b c d e " + "x" * 57, "a b c d e a b c d e " + "x" * 56),
    ("mc4_paragraphs", "few_long_lines", ("a" * 200 + "\n") * 3, ("a" * 200 + "\n") * 2 + "a" * 199),
]


@pytest.mark.parametrize(("name", "reason", "inside", "outside"), LIMITS)
def test_a_rule_breaks_just_beyond_its_limit(name: str, reason: str, inside: str, outside: str) -> None:
    assert reason not in reasons(name, inside)
    assert reason in reasons(name, outside)


def test_the_first_copy_counts_where_the_other_implementation_leaves_it_out() -> None:
    text = "one line here\nanother line\n" * 2
    assert measured("dclm_repetition", text)["duplicate_line_ratio"] == 1.0
    assert measured("gopher_repetition", text)["duplicate_line_ratio"] == pytest.approx(0.4)


def cleaned(texts: list[str], *steps: Any) -> pa.RecordBatch:
    """What the pass of the clean stage makes of plain texts."""
    count = len(texts)
    columns = {name: [None] * count for name in INPUT} | {
        "doc_id": [str(row) for row in range(count)],
        "content_type": ["text/plain; charset=utf-8"] * count,
        "url": ["https://a.example/"] * count,
    }
    arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    arrays["payload"] = pa.array([text.encode() for text in texts], pa.binary())
    return clean_rows(pa.RecordBatch.from_pydict(arrays), plan_of(CleanedSection(steps=steps)))


def drops(batch: pa.RecordBatch) -> list[list[str]]:
    return [[reason["reason"] for reason in row] for row in batch["drop_reasons"].to_pylist()]


def test_exactly_five_per_cent_removed_stays() -> None:
    stays = "Home\n" + " ".join(GOOD[:19])
    goes = "Home\n" + " ".join(GOOD[:18])
    found = cleaned([stays, goes, " ".join(GOOD[:18])], "dclm_lines", "dclm_edit_ratio")
    assert drops(found) == [[], ["words_removed"], []]
    assert found["dclm_edit_ratio__removed_word_ratio"].to_pylist() == [0.05, 1 / 19, 0.0]
    assert found["text"].to_pylist() == [" ".join(GOOD[:19]), " ".join(GOOD[:18]), " ".join(GOOD[:18])]


def test_refinedweb_counts_all_words_of_a_touched_line() -> None:
    text = "Sign-in " + " ".join(GOOD[:4]) + "\n" + " ".join(GOOD[4:95])
    refinedweb = {"dclm_edit_ratio": {"max_removed_words": None, "max_flagged_words": 0.05}}
    assert drops(cleaned([text], "dclm_lines", "dclm_edit_ratio")) == [[]]
    found = cleaned([text], "dclm_lines", refinedweb)
    assert drops(found) == [["words_flagged"]]
    assert found["dclm_edit_ratio__flagged_word_ratio"].to_pylist() == [5 / 96]


def test_facts_of_an_editor_outlive_later_edits_and_batches_in_which_it_edits_nothing() -> None:
    text = "Home\n" + " ".join(GOOD[:9])
    steps = ("dclm_lines", "whitespace", "ftfy_repair", "dclm_edit_ratio")
    assert cleaned([text + "  \n"], *steps)["dclm_edit_ratio__removed_word_ratio"].to_pylist() == [0.1]
    untouched = cleaned([" ".join(GOOD[:9]), ""], *steps)
    assert untouched["dclm_edit_ratio__removed_word_ratio"].to_pylist() == [0.0, None]


def test_further_columns_leave_the_views_of_a_batch_in_place() -> None:
    batch = TextBatch.from_texts(["a b"], host=["h"])
    words = batch.words
    more = batch.with_columns({"editor__fact": pa.array([1])})
    assert more.words is words
    assert more.column("host").to_pylist() == ["h"]
    assert more.column("editor__fact").to_pylist() == [1]
    assert "editor__fact" not in batch.columns
    with pytest.raises(ValueError, match="column short has 0 rows for 1 texts"):
        batch.with_columns({"short": pa.array([], pa.int64())})


@pytest.mark.parametrize("steps", [["dclm_edit_ratio"], ["dclm_edit_ratio", "dclm_lines"]])
def test_a_filter_that_judges_an_edit_must_come_after_it(steps: list[str]) -> None:
    with pytest.raises(ValidationError, match="dclm_edit_ratio judges what dclm_lines does; list dclm_lines before it"):
        CleanedSection(steps=steps)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a http://x.example/y?z=1&u=2#v b", "a b"),
        ("http://x.example b", "b"),
        ("HTTPS://X.EXAMPLE", ""),
        ("see https://x.example/a_(b) (or http://y.example/c).", "see (or)."),
        ("<https://x.example/>, then", "<>, then"),
        ("请看https://x.example/路径吧", "请看路径吧"),
        ("www.x.example; www2.y.example!", ";!"),
        ("awww.so www. cute wwww.x", "awww.so www. cute wwww.x"),
        ("jo@www.x.example stays", "jo@www.x.example stays"),
        ("http:// is a scheme, http://. too", "http:// is a scheme, http://. too"),
        ("line\nhttps://x.example\nline", "line\n\nline"),
        ("http://[2001:db8::1]/x y", "y"),
    ],
)
def test_urls_are_cut(before: str, after: str) -> None:
    edited = registry.build("editors", "dclm_urls").edit(TextBatch.from_texts(["", before]))
    assert edited.texts.to_pylist() == ["", after]
    assert (edited.counts[1] > 0) == (before != after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("at example.org and a.b.co.uk/x.", "at and."),
        ("Go to Example.ORG. Then (x.org/a) to y.org", "Go to. Then () to"),
        ("End.Of a sentence, e.g. this; v1.2.3", "End.Of a sentence, e.g. this; v1.2.3"),
        ("mail jo@example.org or jo.doe@example.org", "mail jo@example.org or jo.doe@example.org"),
        ("example.notatld example.orgs", "example.notatld example.orgs"),
    ],
)
def test_bare_names_are_cut_on_request(before: str, after: str) -> None:
    edited = registry.build("editors", "dclm_urls", {"bare_names": True}).edit(TextBatch.from_texts([before]))
    assert edited.texts.to_pylist() == [after]


def test_many_brackets_take_no_time() -> None:
    text = "http://a" + ")" * 200_000
    assert registry.build("editors", "dclm_urls").edit(TextBatch.from_texts([text])).texts.to_pylist() == [
        ")" * 200_000
    ]


def test_parameters_survive_the_way_to_a_worker() -> None:
    operator = registry.build("editors", "dclm_lines", {"counted": ["x"]})
    again = registry.build("editors", "dclm_lines", json.loads(json.dumps(operator.params.model_dump(mode="json"))))
    assert again.params == operator.params
