"""Extraction: what a page costs is counted first, main text comes out, and everything else has a reason."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.operators.extractors.resiliparse_text import ResiliparseText, ResiliparseTextParams
from spark_jobs.text.markup import Extraction, PayloadBatch, measure_markup
from spark_jobs.text.media_type import kind_of

PAGE = """<!doctype html><html><head><title>T</title><style>p{}</style></head><body>
<nav><ul><li><a href=/>Home</a></li><li><a href=/b>News</a></li></ul></nav>
<main><h1>Tides</h1><p>The sea rises &amp; falls twice a day.</p><template><p>never shown</p></template>
<script>var a = "<p>code</p>";</script><p>The moon pulls at it.</p></main><footer>All rights reserved</footer></body>"""


def extract(*pages: bytes | str | None, kind: str | None = "text/html", **params: object) -> Extraction:
    payloads = [page.encode() if isinstance(page, str) else page for page in pages]
    extractor = ResiliparseText(ResiliparseTextParams.model_validate(params))
    return extractor.extract(PayloadBatch(payloads, [kind] * len(pages), [None] * len(pages)))


def reason(page: bytes | str | None, kind: str | None = "text/html", **params: object) -> str | None:
    found = extract(page, kind=kind, **params)
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


def test_what_is_no_page_has_a_reason() -> None:
    assert reason(b"\x89PNG\r\n", "image/png") == "not_text"
    assert reason(None) == reason(b"") == "no_text"
    assert reason("<html><body><img src=a></body></html>") == "no_text"
    assert reason(" \n ", "text/plain") == "no_text"


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
        ("<ol><li>" * 250 + "<li>x</li>" * 50_000, "too_many_bytes"),
    ],
    ids=["nested", "misnested", "reopened", "tags", "attributes", "options", "200 MB", "indentation"],
)
def test_a_monstrous_page_has_a_reason_in_seconds(page: bytes | str, name: str) -> None:
    extract("<p>the kernel is compiled now")
    begin = time.monotonic()
    found = extract(page).reasons[0]
    assert time.monotonic() - begin < 30, "a page that costs minutes stops a job"
    assert found is not None
    assert found[0] == name
    assert found[1] is not None
    assert found[2] is not None
    assert found[1] > found[2]


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


@settings(deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.none(), st.just(PAGE.encode())), max_size=4))
def test_rows_do_not_depend_on_their_batch(pages: list[bytes | None]) -> None:
    together = extract(*pages)
    for row, page in enumerate(pages):
        alone = extract(page)
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
