"""Extraction: what a page costs is counted first, main text comes out, and everything else has a reason."""

import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.text.block_columns import RUNS
from spark_jobs.text.block_kernel import segment
from spark_jobs.text.markup import Extraction, PayloadBatch, measure_markup
from spark_jobs.text.media_type import kind_of

PAGE = """<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
<nav><ul><li><a href=/>Home</a></li><li><a href=/b>News</a></li></ul></nav>
<main><h1>Tides</h1><p>The sea rises &amp; falls twice a day.</p><template><p>never shown</p></template>
<script>var a = "<p>code</p>";</script><p>The moon pulls at it.</p></main><footer>All rights reserved</footer></body>"""


EXTRACTORS = tuple(registry.find("extractors"))


def extract(
    *pages: bytes | str | None, kind: str | None = "text/html", by: str = "resiliparse_text", **params: object
) -> Extraction:
    payloads = [page.encode() if isinstance(page, str) else page for page in pages]
    extractor = registry.build("extractors", by, params)
    return extractor.extract(PayloadBatch(payloads, [kind] * len(pages), [None] * len(pages)))


def reason(
    page: bytes | str | None, kind: str | None = "text/html", by: str = "resiliparse_text", **params: object
) -> str | None:
    found = extract(page, kind=kind, by=by, **params)
    assert (found.texts[0] is None) == (found.reasons[0] is not None)
    return found.reasons[0][0] if found.reasons[0] else None


def test_main_text_without_navigation_templates_and_scripts() -> None:
    found = extract(PAGE)
    assert found.texts == ["Tides\n\nThe sea rises & falls twice a day.\n\nThe moon pulls at it."]
    assert found.extractors == ["resiliparse_text"]
    assert found.encodings == ["utf-8"]
    whole = extract(PAGE, main_content=False).texts[0]
    assert whole is not None
    assert "Home" in whole
    assert "never shown" not in whole


def test_plain_text_passes_through_with_one_kind_of_line_end() -> None:
    found = extract("a <b>\r\nc\rd", kind="text/plain; charset=utf-8")
    assert found.texts == ["a <b>\nc\nd"]
    assert found.extractors == ["plain_text"]


@pytest.mark.parametrize(
    ("data", "content_type", "kind"),
    [
        (b"<!DOCTYPE html><p>x", None, "html"),
        (b"\xef\xbb\xbf  <!-- c --><html lang=en>", "application/octet-stream", "html"),
        ("<html><p>x".encode("utf-16"), None, "html"),
        ("<html><p>x".encode("utf-16-le"), "", "html"),
        (b"just words", None, "plain"),
        (b"%PDF-1.7 ...", "text/html", "other"),
        (b"\x89PNG\r\n", "text/plain", "other"),
        (b"\x1f\x8b\x08\x00", None, "other"),
        (b"<!doctype html><title>404", "image/png", "html"),
        (b"{}", "application/json", "other"),
        (b"body { }", "text/css", "other"),
        (b'<?xml version="1.0"?><rss version="2.0">', "text/html", "other"),
        (b'<?xml version="1.0"?><feed>', "text/xml", "other"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "a"><html>', "application/xml", "html"),
        (b"<p>words", "application/xhtml+xml; charset=utf-8", "html"),
        (b"<p>words", "text/plain", "plain"),
        (b"a\x00b\x01c\x02\x03\x04\x05", "text/html", "other"),
    ],
)
def test_the_kind_of_a_payload(data: bytes, content_type: str | None, kind: str) -> None:
    assert kind_of(data, content_type) == kind


@pytest.mark.parametrize("by", EXTRACTORS)
def test_what_is_no_page_has_a_reason(by: str) -> None:
    assert reason(b"\x89PNG\r\n", "image/png", by=by) == "not_text"
    assert reason(None, by=by) == reason(b"", by=by) == "no_text"
    assert reason("<html><body><img src=a></body></html>", by=by) == "no_text"
    assert reason(" \n ", "text/plain", by=by) == "no_text"


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("<div>" * 100_000 + "x", "too_deep"),
        ("<b><div></b>" * 100_000, "too_deep"),
        ("".join(f"<p><font size={i}>x</p>" for i in range(20_000)), "too_deep"),
        ("<p>" * 600_000, "too_many_tags"),
        ("<p " + " ".join(f"a{i}=1" for i in range(20_000)) + ">x", "too_many_attributes"),
        ("<select>" + "<option>x" * 50_000, "too_many_options"),
        (b"<p>" + b"word " * 40_000_000, "too_many_bytes"),
    ],
    ids=["nested", "misnested", "reopened", "tags", "attributes", "options", "200 MB"],
)
@pytest.mark.parametrize("by", EXTRACTORS)
def test_a_monstrous_page_has_a_reason_in_seconds(page: bytes | str, name: str, by: str) -> None:
    extract("<p>the kernel is compiled now", by=by)
    begin = time.monotonic()
    found = extract(page, by=by).reasons[0]
    assert time.monotonic() - begin < 30, "a page that costs minutes stops a job"
    assert found is not None
    assert found[0] == name
    assert found[1] is not None
    assert found[2] is not None
    assert found[1] > found[2]


@pytest.mark.parametrize(("by", "outcome"), [("resiliparse_text", "too_many_bytes"), ("main_text", None)])
def test_indentation_makes_no_huge_text(by: str, outcome: str | None) -> None:
    # Resiliparse indents as deep as lists are nested; the other one stops at eight levels.
    assert reason("<ol><li>" * 250 + "<li>x</li>" * 50_000, by=by, fallback=None) == outcome


@pytest.mark.parametrize("by", EXTRACTORS)
def test_a_page_just_within_the_limits_takes_seconds(by: str) -> None:
    extract("<p>the kernel is compiled now", by=by)
    for page in ("<div>" * 500 + "<p>words " * 20_000, "<template>" * 500 + "x", "<a href=x>" * 20_000, "&#" * 500_000):
        begin = time.monotonic()
        extract(page, by=by)
        assert time.monotonic() - begin < 30


def test_limits_are_inclusive() -> None:
    assert reason("<p>" + "<i>" * 9 + "x", max_depth=10) is None
    assert reason("<p>" + "<i>" * 10 + "x", max_depth=10) == "too_deep"
    assert reason("<p>x</p>", max_tags=2) is None
    assert reason("<p>x</p><p>", max_tags=2) == "too_many_tags"


@pytest.mark.parametrize(
    ("html", "depth"),
    [
        ("<p>a" * 50, 1),
        ("<ul>" + "<li>a" * 50, 2),
        ("<dl>" + "<dt>a<dd>b" * 50, 2),
        ("<br>a<img src=x>" * 50, 0),
        ("<table>" + "<tr><td>a" * 50, 4),
        ("<table>" + "<tbody><tr><th>a<td>b" * 50, 4),
        ("<!-- <div> -->" * 50, 0),
        ("<script>'<div><div>'</script><title><div></title>" * 50, 0),
        ("<a name=x>a" * 50, 1),
        ("<select>" + "<option>a" * 50, 2),
        ("<svg>" + "<path d=''/>" * 50 + "</svg>", 1),
        ("<svg>" + "<title>a</title><a>b</a>" * 50 + "</svg>", 2),
        ("<p title='<div>' alt=\"a > b\">" * 50, 1),
        ("<h2>a</h3>" * 50, 1),
        ("<div>a</span></div>" * 50, 1),
        ("<td>a" * 50, 0),
        ("<html><body>" * 50, 0),
        ("<div/>" * 5, 5),
        ("<p><b>a</p>" * 50, 5),
        ("<div>" + "<table><td></div>" * 10, 41),
    ],
)
def test_depth_is_what_the_parser_would_have_open(html: str, depth: int) -> None:
    assert measure_markup(html).depth == depth


def tree_depth(html: str) -> int:
    """Depth of resiliparse's own tree, html and body left out."""
    from resiliparse.parse.html import HTMLTree

    node = HTMLTree.parse(html).body
    depth = deepest = 0
    while node is not None:
        child = node.first_child
        if child is not None:
            node, depth = child, depth + 1
        else:
            while node is not None and depth > 0 and node.next is None:
                node, depth = node.parent, depth - 1
            if node is None or depth <= 0:
                return deepest
            node = node.next
        deepest = max(deepest, depth)
    return deepest


TAGS = ("div", "p", "span", "b", "font", "ul", "li", "section", "table", "tr", "td", "a", "h2", "dl", "dt", "x-y", "i")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TAGS), st.booleans(), st.sampled_from(["", "x"])), max_size=120))
def test_no_soup_of_tags_is_much_deeper_than_measured(soup: list[tuple[str, bool, str]]) -> None:
    html = "".join(f"<{'/' if end else ''}{name}>{text}" for name, end, text in soup)
    # A text counts as a node of the tree; formatting is moved about when it is closed out of order.
    assert tree_depth(html) - 1 <= 2 * measure_markup(html).depth + 4


@pytest.mark.parametrize(
    "cut", ["<", "</", "<!", "<!-", "<!--", "<!-->", "<p a", "<p a=", "<p a='", "<script>", "</p", "<?", "<!-- --!"]
)
def test_a_page_that_ends_anywhere_is_measured(cut: str) -> None:
    assert measure_markup("<div>" + cut).depth >= 1
    assert measure_markup(b"").tags == 0


@pytest.mark.parametrize("by", EXTRACTORS)
@settings(deadline=None, max_examples=40)
@given(pages=st.lists(st.one_of(st.binary(max_size=60), st.none(), st.just(PAGE.encode())), max_size=4))
def test_rows_do_not_depend_on_their_batch(by: str, pages: list[bytes | None]) -> None:
    together = extract(*pages, by=by)
    for row, page in enumerate(pages):
        alone = extract(page, by=by)
        assert (alone.texts[0], alone.reasons[0]) == (together.texts[row], together.reasons[row])


def test_a_child_that_hangs_is_killed() -> None:
    program = """
import time
from spark_jobs.text.hang_guard import ended_after
with ended_after(30): pass
with ended_after(0.2): time.sleep(20)
print("went on")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 1
    assert "went on" not in done.stdout
    assert "Timeout" in done.stderr


SENTENCE = "The sea rises twice a day, and it falls as often, because the moon pulls at the water of the earth. "
ARTICLE = f"""<!doctype html><html><head><title>Tides</title></head><body class="page"><nav class="menu"><ul>
<li><a href=/>Home</a></li><li><a href=/b>News</a></li></ul></nav><article><h1>Tides</h1>
<p>{SENTENCE * 3}</p><p>{SENTENCE * 2}</p><pre class="code">for tide in sea:
    rise(tide)</pre><p>{SENTENCE * 3}</p></article>
<div class="related"><h3>Read next</h3><ul><li><a href=/1>Moon</a></li><li><a href=/2>Sun</a></li></ul></div>
<template><p>{SENTENCE}never shown</p></template><script type="text/template"><p>{SENTENCE}not text</p></script>
<script type="application/json">{{"a": "{SENTENCE}island"}}</script>
<footer><p>All rights reserved</p></footer></body></html>"""


@pytest.mark.parametrize("by", EXTRACTORS)
def test_an_article_without_what_stands_around_it(by: str) -> None:
    found = extract(ARTICLE, by=by)
    text = found.texts[0]
    assert text is not None
    assert found.extractors == [by]
    assert text.count("The sea rises") == 8
    assert "rise(tide)" in text
    for other in ("Home", "never shown", "not text", "island", "All rights reserved"):
        assert other not in text


@pytest.mark.parametrize("by", EXTRACTORS)
def test_a_page_gives_the_same_text_again_whatever_came_before(by: str) -> None:
    first = extract(ARTICLE, by=by).texts[0]
    pages = [ARTICLE.replace("News", f"News {i}") for i in range(8)]
    # A memory of earlier pages would drop their common paragraphs here.
    assert extract(*pages, by=by).texts == [first] * 8


def test_code_keeps_its_lines_and_lists_their_marks() -> None:
    text = extract(ARTICLE, by="main_text").texts[0]
    assert text is not None
    assert "for tide in sea:\n    rise(tide)" in text
    items = "".join(f"<li>{SENTENCE * 2}</li>" for _ in range(3))
    listed = extract(f"<article><h1>Tides</h1><p>{SENTENCE * 4}</p><ol>{items}</ol></article>", by="main_text").texts[0]
    assert listed is not None
    assert f"\n1. {SENTENCE}" in listed
    assert f"\n3. {SENTENCE}" in listed


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<br><br>two", "one\n\ntwo"),
        ("<p>one<br>two", "one\ntwo"),
        ("<table><tr><td>one<td>two<tr><td>three</table>", "one\ttwo\nthree"),
        ("<ul><li>one<ul><li>two</ul><li>three</ul>", "• one\n  • two\n• three"),
        ("<ol><li>one<li>two</ol>", "1. one\n2. two"),
        ("<a href=x>one<a href=y>two", "onetwo"),
        ("</p>one<b>two", "onetwo"),
        ("<p>one <i> two</i>", "one two"),
        ("<template>one<p>two", "one\n\ntwo"),
        ("<template>one</template><p>two", "two"),
        ("<p><svg><text>one</text></svg>two", "two"),
        ("<p title='<b>'>one &amp; two &lt;", "one & two <"),
        ("one &nbsp; two\u00a0three", "one   two three"),
        ("<pre>one\n  two</pre>", "one\n  two"),
        ("<dl><dt>one<dd>two</dl>", "one\ntwo"),
        ("<select><option>one</select><button>two</button>three", "three"),
        ("one < two <3", "one < two <3"),
        ("<!-- one --><!doctype html><?php one ?>two", "two"),
        ("<script>one</script><style>one</style>two", "two"),
        ("<p>one<div>two</div>three</p>", "one\n\ntwo\n\nthree"),
    ],
)
def test_how_blocks_are_cut_and_written(html: str, text: str) -> None:
    # With a score that every block has, all text is kept.
    assert extract(html, by="main_text", min_score=1e-9, fallback=None).texts == [text]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((*TAGS, "br", "ul", "pre", "main")), st.booleans()), max_size=80))
def test_no_soup_of_tags_loses_a_word(soup: list[tuple[str, bool]]) -> None:
    html = (
        "".join(f" word{i} <{'/' if end else ''}{name} class='nav x'>" for i, (name, end) in enumerate(soup)) + "last"
    )
    text = extract(html, by="main_text", min_score=1e-9, fallback=None, list_bullets=False).texts[0]
    assert (text or "").split() == [f"word{i}" for i in range(len(soup))] + ["last"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_borne(data: bytes) -> None:
    found = extract(b"<p>" + data, by="main_text", fallback=None)
    assert (found.texts[0] is None) == (found.reasons[0] is not None)


def test_a_fallback_takes_over_and_is_recorded() -> None:
    menu = (
        "<html><body><ul>" + "".join(f"<li><a href=/{i}>Item {i}</a></li>" for i in range(30)) + "</ul></body></html>"
    )
    empty = extract(menu, by="main_text", fallback=None)
    filled = extract(menu, by="main_text", fallback={"name": "resiliparse_text", "params": {"main_content": False}})
    assert "Item 29" in (filled.texts[0] or "")
    assert filled.extractors == ["resiliparse_text"]
    assert empty.extractors == ["main_text"]
    nothing = extract("<img src=a>", by="trafilatura_text", fallback="main_text")
    assert nothing.reasons == [("no_text", None, None)]


def test_a_fallback_that_is_not_there_is_refused_in_one_line() -> None:
    with pytest.raises(RecipeError, match="did you mean main_text"):
        extract("x", by="trafilatura_text", fallback="main_txt")
    with pytest.raises(RecipeError, match="pinned is 99"):
        extract("x", by="trafilatura_text", fallback={"name": "main_text", "version": 99})


def test_a_fallback_counts_in_the_fingerprint_with_its_version() -> None:
    plain = registry.build("extractors", "trafilatura_text")
    other = registry.build("extractors", "trafilatura_text", {"fallback": "main_text"})
    assert registry.fingerprint(plain) != registry.fingerprint(other)
    assert other.params.fallback.version == registry.find("extractors")["main_text"].version
    # It travels to a worker as its parameters and is built there again.
    again = registry.build("extractors", "trafilatura_text", other.params.model_dump(mode="json"))
    assert registry.fingerprint(again) == registry.fingerprint(other)


def test_a_sign_that_begins_no_tag_is_text_and_room_is_made_for_it() -> None:
    page = b"<p>1 < 2 < 3 << 4 < 5 <\x00 6 < 7</p>"
    _, runs, blocks, _, _ = segment(np.frombuffer(page, np.uint8))
    assert b"".join(page[start:end] for start, end, _ in runs) == page[3:-4]
    assert blocks[:, RUNS].sum() == len(runs)
