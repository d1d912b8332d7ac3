"""The filters for any corpus against plain-Python references, at their limits, and with parameters that cannot be."""

import hashlib
import html
import math
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import broken
from spark_jobs.text.phrases import Phrases, find

COMMON = (
    "a ab The the don't don’t use cookies COOKIES Ünï 日本 ภาษา ไทย 한국 ... ( ) [3] { } < > & &amp; &nbsp; &#65; "
    "&#x41; &bogus; <p> </p> <br/> <a-b> <List> <!--x--> 7 3.14 ² . ! ? # 😀 👍🏽 \ufffd \ue000 \x00 \u0301 "
    "http://a.b/c, www.x.yz) HTTPS://É ftp://q W h"
)
PIECES = st.sampled_from(COMMON.split(" "))
GAPS = st.sampled_from([" ", " ", "  ", "\n", "\n\n", "\r\n", "\t", "\u2028", "\u00a0", ""])
TEXTS = st.lists(st.tuples(PIECES, GAPS), max_size=40).map(lambda parts: "".join(a + b for a, b in parts))


def measured(name: str, text: str, **params: Any) -> dict[str, float]:
    signals = registry.build("filters", name, params).annotate(TextBatch.from_texts(["before the a", text, "after"]))
    return {key: float(values[1]) for key, values in signals.items()}


def reasons(name: str, text: str, **params: Any) -> set[str]:
    operator = registry.build("filters", name, params)
    batch = TextBatch.from_texts([text])
    signals = operator.annotate(batch)
    return {
        rule.reason
        for rule in operator.rules()
        if len(broken("f", 1, rule.reason, signals[rule.signal], rule.bounds(batch)).rows)
    }


def tokens(text: str) -> list[str]:
    batch = TextBatch.from_texts([text])
    spans = zip(batch.words.starts, batch.words.lengths, strict=True)
    return [text[start : start + length] for start, length in spans]


def lexical(text: str) -> list[str]:
    return [token for token in tokens(text) if any(unicodedata.category(c)[0] in "LNM" for c in token)]


def share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def lengths(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if line.strip()]
    words = lexical(text)
    return {
        "chars": len(text),
        "bytes": len(text.encode()),
        "words": len(words),
        "lines": len(lines),
        "mean_line_chars": share(sum(map(len, lines)), len(lines)),
        "max_line_chars": max(map(len, lines), default=0),
        "mean_word_chars": share(sum(map(len, words)), len(words)),
        "max_word_chars": max(map(len, text.split()), default=0),
    }


def symbols(text: str) -> dict[str, float]:
    kinds = Counter(unicodedata.category(c)[0] for c in text)
    alphanumeric = kinds["L"] + kinds["N"] + kinds["M"]
    spaces = sum(c.isspace() for c in text)
    letters = sum(c.isalpha() for c in text)
    return {
        "non_alphanumeric_ratio": share(len(text) - alphanumeric - sum(c in "?!,.\n" for c in text), len(text)),
        "special_ratio": share(len(text) - alphanumeric - spaces, len(text)),
        "digit_ratio": share(sum(c.isdecimal() for c in text), len(text)),
        "punctuation_ratio": share(kinds["P"], len(text)),
        "bracket_ratio": share(sum(c in "()[]{}" for c in text), len(text)),
        "white_space_ratio": share(spaces, len(text)),
        "emoji_ratio": share(sum(c in "😀👍🏽" for c in text), len(text)),
        "upper_case_ratio": share(sum(unicodedata.category(c) in ("Lu", "Lt") for c in text), letters),
    }


def urls(text: str) -> dict[str, float]:
    found = re.findall(
        r"(?<![^\W_])(?:https?://|ftp://|www\.)[^\s\x00-\x20\"<>`{}|\\^\u3000-\u303f\uff00-\uffef\u3400-\u9fff]+", text,
        re.IGNORECASE,
    )  # fmt: skip
    prefix = re.compile(r"https?://|ftp://|www\.", re.IGNORECASE)
    trimmed = [url.rstrip(".,;:!?'()[]*") for url in found]
    kept = [url for url in trimmed if not prefix.fullmatch(url) and prefix.match(url)]
    return {
        "urls": len(kept),
        "url_char_ratio": share(sum(map(len, kept)), len(text)),
        "urls_per_100_words": share(100 * len(kept), len(lexical(text))),
    }


def variety(text: str) -> dict[str, float]:
    def entropy(counts: Counter[str]) -> float:
        total = sum(counts.values())
        return -sum(n / total * math.log(n / total) for n in counts.values()) if total else math.nan

    words, chars = Counter(lexical(text)), Counter(text)
    return {
        "unique_word_ratio": share(len(words), sum(words.values())),
        "word_entropy": entropy(words),
        "unique_char_ratio": share(len(chars), len(text)),
        "char_entropy": entropy(chars),
    }


ELEMENT = r"</?(?:p|br|a)(?:[\s/][^<>]*)?>|<!--[^>]*>"
REFERENCE = r"&(?:[A-Za-z][A-Za-z0-9]*|#[0-9]+|#[xX][0-9a-fA-F]+);"


def markup(text: str) -> dict[str, float]:
    tags = re.findall(ELEMENT, text)
    known = [m for m in re.findall(REFERENCE, text) if m[1] == "#" or m[1:] in html.entities.html5]
    return {
        "tags": len(tags),
        "references": len(known),
        "markup_char_ratio": share(sum(map(len, [*tags, *known])), len(text)),
    }


def damaged(character: str) -> bool:
    # Planes 2 and 3 fill up with ideographs from version to version of Unicode.
    ideograph = 0x20000 <= ord(character) < 0x323B0
    return character == "\ufffd" or (unicodedata.category(character) in ("Co", "Cn", "Cs") and not ideograph)


def infimm(text: str) -> dict[str, float]:
    ascii_punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    return {
        "punctuation_ratio": share(sum(c in ascii_punctuation for c in text), len(text)),
        "unicode_errors": sum(map(damaged, text)),
    }


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("length_filter", lengths),
        ("symbol_ratio", symbols),
        ("url_density", urls),
        ("unique_words", variety),
        ("html_leftovers", markup),
        ("infimm_rules", infimm),
    ],
)
@given(text=TEXTS)
@example(text="")
@settings(max_examples=100, deadline=None)
def test_signals_equal_the_reference(name: str, reference: Callable[[str], dict[str, float]], text: str) -> None:
    found = measured(name, text)
    for signal, value in reference(text).items():
        if signal.endswith("entropy"):
            assert found[signal] == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), signal
        else:
            assert np.array_equal(found[signal], value, equal_nan=True), (signal, found[signal], value)


@given(text=st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_kinds_of_any_character_are_those_of_its_category(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    found, wanted = measured("symbol_ratio", text), symbols(text)
    # Emoji and angle brackets of other blocks are not in this reference.
    for signal in wanted.keys() - {"emoji_ratio", "bracket_ratio"}:
        assert np.array_equal(found[signal], wanted[signal], equal_nan=True), signal
    assert measured("infimm_rules", text)["unicode_errors"] == infimm(text)["unicode_errors"]


WORDS = ("use cookies", "the", "don't", "cookies", "日本", "ไทย", "ünï")
JOINED = r"[^\W_\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff]|\u0301"


def phrases(text: str) -> list[str]:
    """The longest listed phrase at each place, from the left; words have borders, but in scripts without spaces."""
    folded = text.replace("’", "'")
    found, at = [], 0
    gap = r"[^\S\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+"
    longest_first = sorted(WORDS, key=len, reverse=True)
    patterns = [(word, re.compile(gap.join(map(re.escape, word.split())), re.IGNORECASE)) for word in longest_first]

    def joins(i: int) -> bool:
        return 0 < i < len(folded) and bool(re.match(JOINED, folded[i - 1])) and bool(re.match(JOINED, folded[i]))

    while at < len(folded):
        hit = next(
            ((word, m) for word, p in patterns if (m := p.match(folded, at)) and not joins(at) and not joins(m.end())),
            None,
        )
        if hit:
            found.append(hit[0])
            at = hit[1].end()
        else:
            at += 1
    return found


@given(text=TEXTS)
@example(text="ไทยไทย ภาษาไทย")
@example(text="THE theme; the_the use\u00a0Cookies, use\ncookies don’t 日本日本語")
@settings(max_examples=200, deadline=None)
def test_keywords_equal_the_reference(text: str) -> None:
    found, wanted = measured("keyword_filter", text, words=WORDS), phrases(text)
    assert found["total"] == len(wanted)
    assert found["distinct"] == len(set(wanted))
    assert np.array_equal(found["ratio"], share(len(wanted), len(tokens(text))), equal_nan=True)


def test_matches_lie_where_the_text_has_them_however_many_there_are() -> None:
    text = "b " + "a bc " * 300
    batch = TextBatch.from_texts(["bc", text])
    matches = find(batch, Phrases.of(["bc", "a  bc", "b", " "], ignore_case=False))
    assert matches.counts.tolist() == [1, 301]
    codes = batch.characters.codes
    spans = zip(matches.starts, matches.ends, strict=True)
    assert Counter("".join(map(chr, codes[a:b])) for a, b in spans) == {"bc": 1, "b": 1, "a bc": 300}


def test_letter_case_of_keywords_is_told_apart_where_asked() -> None:
    assert measured("keyword_filter", "AIDS aids", words=["AIDS"], ignore_case=False)["total"] == 1
    assert measured("keyword_filter", "AIDS aids İK", words=["aids", "iK"])["total"] == 3


def test_a_word_list_is_a_file_known_by_its_digest(tmp_path: Path) -> None:
    content = "\ufeff# a list\nfoo bar\n\n  Baz  \n".encode()
    (tmp_path / "list.txt").write_bytes(content)
    operator = registry.build(
        "filters", "keyword_filter", {"words": {"path": str(tmp_path / "list.txt"), "entries": ["qux"]}}
    )
    assert operator.params.words.files[0].sha256 == hashlib.sha256(content).hexdigest()
    signals = operator.annotate(TextBatch.from_texts(["Foo bar, baz and QUX; list"]))
    assert signals["distinct"][0] == 3
    for params, message in (
        ({"path": str(tmp_path / "none.txt")}, r"cannot read the list .*none.txt \(FileNotFoundError\)"),
        ({"path": str(tmp_path / "list.txt"), "sha256": "0" * 64}, "the recipe pins 0000"),
    ):
        for name, key in (("keyword_filter", "words"), ("boilerplate", "phrases"), ("infimm_rules", "nsfw_words")):
            with pytest.raises(RecipeError, match=message):
                registry.build("filters", name, {key: params})


@pytest.mark.parametrize(
    ("text", "line_ratio", "char_ratio", "at_edge"),
    [
        ("Home\nRead More", 0.5, 9 / 13, 1.0),
        ("A story.\n \nIt goes on. Privacy policy.\nThe end.", 1 / 3, 27 / 43, 0.0),
        ("read\nmore", 0.0, 0.0, 0.0),
        ("\n \n", math.nan, math.nan, 0.0),
        ("Sign in\r\nSign in", 1.0, 1.0, 1.0),
    ],
)
def test_boilerplate_lines(text: str, line_ratio: float, char_ratio: float, at_edge: float) -> None:
    found = measured("boilerplate", text)
    wanted = {"line_ratio": line_ratio, "char_ratio": char_ratio, "at_edge": at_edge}
    assert {key: found[key] for key in wanted} == pytest.approx(wanted, nan_ok=True)


CODE = (
    "x = foo(bar);", "    return x", "\tif (a) {", "}", "});", "foo->bar = 1;", "#include <stdio.h>;", "int main() {",
    "self.value_of = other.call()", "let camelCase = 3", "SELECT * FROM user_name;", "    'key_one': value_two,",
    "for x in range(10):", "std::vector<int> v = make_one();", "assertEquals(a_b, cD);",
)  # fmt: skip
PROSE = (
    "An ordinary sentence; it has no code.", "See https://example.org/a_b for more.", "It costs 5 (five) euro:",
    "The word(s) of the iPhone and YouTube.", 'He said: "a = b", and left.', "- A list item (short),",
    "1. First, we met.", "from Paris with love", "    An indented line of a poem,", "He's 5'10\" & she's 6'.",
    "Table[3] holds it.", "日本語の文。",
)  # fmt: skip


@pytest.mark.parametrize("line", CODE)
def test_lines_that_look_like_code(line: str) -> None:
    assert measured("code_share", f"A plain line.\n{line}")["line_ratio"] == 0.5


@pytest.mark.parametrize("line", PROSE)
def test_lines_that_do_not(line: str) -> None:
    assert measured("code_share", f"x = foo(bar);\n{line}")["line_ratio"] == 0.5


def test_shares_of_code_are_of_lines_and_of_characters() -> None:
    found = measured("code_share", "  x = f(y);\n\nprose here")
    assert found == {"line_ratio": 0.5, "char_ratio": 9 / 19}
    assert all(math.isnan(value) for value in measured("code_share", " \n").values())


@pytest.mark.parametrize(
    ("text", "styles", "scripts"),
    [
        ("a { color: red }", 1, 0),
        ("@media print {.a{margin:0;padding:0}}", 2, 0),
        ("width: 1px !important;", 1, 0),
        ('{"color": "red", "a": 1}', 0, 0),
        ("Note {see: below} and mail me@media.org", 1, 0),
        ("\n@import url(x.css);", 1, 0),
        ("The sets {x : x > 0} and {set : set < 3}.", 0, 0),
        ("function f(a, b) { return a }", 0, 1),
        ("const x = 1; el.addEventListener('load', () => {})", 0, 3),
        ("$(document).ready(jQuery.noop)", 0, 2),
        ("Let us document. Windows are open. I paid $(5).", 0, 0),
        ("if var is equal = to it", 0, 0),
    ],
)
def test_styles_and_scripts(text: str, styles: int, scripts: int) -> None:
    found = measured("html_leftovers", text)
    assert round(found["style_fragments"] * len(text) / 1000) == styles
    assert round(found["script_fragments"] * len(text) / 1000) == scripts


@pytest.mark.parametrize(
    "text",
    ["a<b", "<", "</", "<p", "<p <p", "< p>", "<pp>", "<!>", "<!-", "&;", "&#;", "&#x;", "&#12", "&#1a;", "&amp",
     "&Amp;", "&", "<!doctyp", "<p " + "x" * 3000 + ">"],
)  # fmt: skip
def test_what_only_begins_like_markup_is_none(text: str) -> None:
    found = measured("html_leftovers", text)
    assert (found["tags"], found["references"]) == (0, 0)


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE html>", "<!-- a -->", "<IMG src='a>", "</div >", '<a href="x">', "<h1>", "<br />"]
)
def test_tags_of_all_shapes(text: str) -> None:
    assert measured("html_leftovers", text)["markup_char_ratio"] == 1.0


@given(
    st.lists(st.text("ab \n日é", max_size=40), max_size=20).map(lambda parts: "".join(parts) * 20), st.integers(1, 9)
)
@settings(max_examples=50, deadline=None)
def test_zlib_ratios_are_those_of_zlib(text: str, level: int) -> None:
    found = measured("compression_ratio", text, codec="zlib", level=level, min_bytes=1)["ratio"]
    raw = text.encode()
    assert np.array_equal(found, share(len(zlib.compress(raw, level)), len(raw)), equal_nan=True)


def test_compression_reads_a_slice_at_its_own_place_and_leaves_short_texts_out() -> None:
    texts = ["x" * 2000, "short", "".join(f"{i:03}" for i in range(500)), ""]
    operator = registry.build("filters", "compression_ratio")
    batch = TextBatch.from_texts(texts)
    whole = operator.annotate(batch)["ratio"]
    assert np.isnan(whole[[1, 3]]).all()
    assert whole[0] < 0.05 < whole[2]
    sliced = operator.annotate(TextBatch.of(batch.texts.slice(2)))["ratio"]
    assert sliced[0] == whole[2]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"codec": "zlib", "level": 12}, "zlib has no level 12"),
        ({"codec": "lz4"}, "compression_ratio.codec"),
        ({"level": 0}, "compression_ratio.level"),
    ],
)
def test_a_compressor_that_is_not_there_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        registry.build("filters", "compression_ratio", params)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ({"regex": "("}, r"regex_filter.patterns.x.regex: .*not a regular expression of RE2: missing \)"),
        ({"regex": "(?=a)"}, "not a regular expression of RE2: invalid perl operator"),
        ({"regex": "a*"}, "it matches an empty text"),
        ({"regex": ""}, "regex_filter.patterns.x.regex"),
        ({"regex": "a", "max": 1}, "regex_filter.patterns.x.max"),
    ],
)
def test_a_bad_expression_is_a_recipe_error_of_one_line(pattern: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        registry.build("filters", "regex_filter", {"patterns": {"x": pattern}})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"patterns": {"a": "a"}, "max_matches": {"b": 1}}, "no expression is named b; there are a"),
        (
            {"patterns": {"a": "a"}, "min_matches": {"a": 2}, "max_matches": {"a": 1}},
            "min_matches of a is above its max_",
        ),
        ({"max_matches": {"base64": -1}}, r"regex_filter\.max_matches\.base64"),
        ({"max_matches": {"base65": 1}}, "no expression is named base65"),
    ],
)
def test_bounds_that_fit_no_expression_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        registry.build("filters", "regex_filter", params)


def test_an_expression_without_bounds_is_counted_only() -> None:
    operator = registry.build("filters", "regex_filter", {"patterns": {"a": "a"}})
    assert operator.rules() == ()
    assert measured("regex_filter", "banana", patterns={"a": "a"}) == {"a_matches": 3}


@pytest.mark.parametrize("patterns", [{}, {"Bad Name": {"regex": "a"}}, {"": {"regex": "a"}}])
def test_expressions_need_a_name_that_can_be_a_column(patterns: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"regex_filter\.patterns"):
        registry.build("filters", "regex_filter", {"patterns": patterns})


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_expressions_count_what_re_counts(text: str) -> None:
    patterns = {"word": {"regex": r"[a-z]+"}, "cased": {"regex": "the", "ignore_case": True}}
    found = measured("regex_filter", text, patterns=patterns)
    assert found == {"word_matches": len(re.findall("[a-z]+", text)), "cased_matches": text.lower().count("the")}


LIMITS = [
    ("infimm_rules", {}, "punctuation", "...abcdefg", "....abcdefg"),
    ("infimm_rules", {"min_lorem_ipsum_chars": 20}, "lorem_ipsum", "lorem ipsum and then", "Lorem Ipsum and the"),
    ("infimm_rules", {"max_unicode_errors": 1}, "unicode_errors", "a\ufffd", "a\ufffd\U000f0000"),
    ("infimm_rules", {"nsfw_words": ["rude", "bad"], "max_nsfw_words": 1}, "nsfw_words", "rude rude", "rude bad"),
    ("symbol_ratio", {}, "digits", "123" + "a" * 17, "123" + "a" * 16),
    ("symbol_ratio", {}, "brackets", "()" + "a" * 18, "()" + "a" * 17),
    ("symbol_ratio", {}, "white_space", "  aaaaaa", "  aaaaa"),
    ("symbol_ratio", {}, "symbols", "--aaaaaa", "--aaaaa"),
    ("url_density", {}, "url_chars", "www.a" + " b" * 10, "www.a" + " b" * 9),
    ("boilerplate", {}, "boilerplate_lines", "read more\nlog in\na\nb\nc", "read more\nlog in\na\nb"),
    ("code_share", {}, "code", "f(x);\n};\na\nb", "f(x) = y;\n};\na"),
    ("html_leftovers", {}, "markup", "<p>" + "a" * 57, "<p>" + "a" * 56),
    (
        "length_filter",
        {"min_mean_line_chars": 10},
        "short_lines",
        "a" * 10 + "\n\n" + "b" * 10,
        "a" * 10 + "\n\n" + "b" * 9,
    ),
    ("length_filter", {"max_chars": 3}, "many_chars", "日本語", "日本語。"),
    ("length_filter", {"max_bytes": 9}, "many_bytes", "日本語", "日本語a"),
    ("keyword_filter", {"words": ["a b"], "max_total": 1}, "keyword_matches", "a b, a", "a b, a b"),
    ("unique_words", {"min_char_entropy": math.log(2)}, "low_char_entropy", "ab", "aab"),
]


@pytest.mark.parametrize(("name", "params", "reason", "inside", "outside"), LIMITS)
def test_a_rule_breaks_just_beyond_its_limit(
    name: str, params: dict[str, Any], reason: str, inside: str, outside: str
) -> None:
    assert reason not in reasons(name, inside, **params)
    assert reason in reasons(name, outside, **params)


@pytest.mark.parametrize(
    ("label", "text", "ratio"),
    [
        ("ru", "Привет", 1.0),
        ("rus_Cyrl", "Привет ab", 6 / 8),
        ("en", "Привет", 0.0),
        ("ja", "カタカナ と 漢字 and", 7 / 10),
        ("cmn_Hans", "汉字漢字", 1.0),
        ("zh", "汉字カナ", 0.5),
        ("kor_Hang", "한국 漢字", 1.0),
        ("sr", "добро jutro", 0.5),
        ("sr", "добро ju", 5 / 7),
        ("und", "text", math.nan),
        ("xyz_Zzzz", "text", math.nan),
        (None, "text", math.nan),
        ("en", "123 …", math.nan),
        ("ar", "مرحبا 123!", 1.0),
    ],
)
def test_script_of_the_label(label: str | None, text: str, ratio: float) -> None:
    operator = registry.build("filters", "script_consistency")
    signals = operator.annotate(TextBatch.from_texts(["x", text], language=["en", label]))
    assert np.array_equal(signals["script_ratio"][1], ratio, equal_nan=True)
    assert signals["script_ratio"][0] == 1.0
