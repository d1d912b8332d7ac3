"""Filters that judge what a page says of itself: tags picked out of the page, headers, and what follows."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.markup import PayloadBatch
from spark_jobs.text.page_tags import attributes_of, tags_of

HEADERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


def tags(html: str) -> list[str]:
    return tags_of(np.frombuffer(html.encode("utf-8", "surrogatepass"), np.uint8))


def signals(name: str, html: str, headers: list[tuple[str, str]] | None = None, **params: object) -> dict[str, float]:
    rows = None if headers is None else [{"name": key, "value": value} for key, value in headers]
    batch = TextBatch.from_texts(["x"], page_tags=[tags(html)])
    batch = TextBatch.of(batch.texts, **batch.columns, http_headers=pa.array([rows], HEADERS))
    measured = registry.build("filters", name, params).annotate(batch)
    return {key: float(values[0]) for key, values in measured.items()}


def test_only_tags_that_speak_of_the_page_are_picked() -> None:
    html = """<!doctype html><head><TITLE>A &gt; B</TITLE><meta charset=utf-8><META NAME=Robots CONTENT="noai">
    <!-- <meta name=robots content=noindex> --><script>"<meta name=robots content=none>"</script>
    <link rel=stylesheet href=a.css><link rel=license href="https://creativecommons.org/licenses/by/4.0/">
    <script type="application/ld+json">{"license": "x"}</script><script type="application/ld+json">{"a": 1}</script>
    <style>a { content: '<meta name=robots content=none>' }</style></head><body><a href=/>Home</a>
    <a title="a > b" rel=license href=/l>L</a><textarea><meta name=robots content=none></textarea>"""
    assert tags(html) == [
        "<TITLE>A &gt; B",
        '<META NAME=Robots CONTENT="noai">',
        '<link rel=license href="https://creativecommons.org/licenses/by/4.0/">',
        '{"license": "x"}',
        '<a title="a > b" rel=license href=/l>',
    ]
    assert attributes_of("<Meta NAME=\"a\" content='b &amp; c' X=1 >") == (
        "meta",
        {"name": "a", "content": "b & c", "x": "1"},
    )


@settings(deadline=None)
@given(st.text(alphabet="<>/metalinksctpr=\"'! -x", max_size=80))
def test_no_page_breaks_the_picking(html: str) -> None:
    for tag in tags(html + "<meta name=robots content=none>"):
        attributes_of(tag)
    assert len(tags("<meta name=robots>" * 5000)) == 256
    assert tags("<meta name=robots content='" + "x" * 20_000 + "'>") == []


@pytest.mark.parametrize(
    ("html", "headers", "said"),
    [
        ('<meta name="robots" content="NOINDEX, nofollow">', [], {"noindex", "nofollow"}),
        ('<meta name="googlebot" content="none">', [], {"noindex", "nofollow"}),
        ('<meta name="otherbot" content="noindex">', [], set()),
        ('<meta name="robots" content="index,follow">', [], set()),
        ('<meta name="robots" content="noai, noimageai">', [], {"noai", "noimageai"}),
        ("", [("x-robots-tag", "noarchive")], {"noarchive"}),
        ("", [("X-Robots-Tag", "otherbot: noindex, nofollow")], set()),
        ("", [("X-Robots-Tag", "googlebot: noindex, nofollow")], {"noindex", "nofollow"}),
        ("", [("X-Robots-Tag", "unavailable_after: 25 Jun 2010 15:00:00 PST"), ("X-Robots-Tag", "noai")], {"noai"}),
        ("", [("X-Robots-Tag", "noindex, max-snippet: 5")], {"noindex"}),
        ('<meta property="og:robots" content="noindex">', [], set()),
    ],
)
def test_directives_of_robots(html: str, headers: list[tuple[str, str]], said: set[str]) -> None:
    found = signals("robots_meta", html, headers)
    assert {name for name, value in found.items() if value == 1.0} == said


def test_a_reservation_for_mining_is_told_from_silence() -> None:
    assert math.isnan(signals("robots_meta", "", [])["tdm_reservation"])
    assert signals("robots_meta", '<meta name="tdm-reservation" content="1">', [])["tdm_reservation"] == 1.0
    assert signals("robots_meta", '<meta name="tdm-reservation" content="1">', [("TDM-Reservation", "0")])[
        "tdm_reservation"
    ] == (0.0)
    assert signals("robots_meta", "", [("tdm-reservation", "maybe")])["tdm_reservation"] != 1.0


def test_a_wish_drops_only_where_it_is_respected() -> None:
    off = registry.build("filters", "robots_meta").rules()
    assert all(rule.maximum is None for rule in off)
    on = registry.build("filters", "robots_meta", {"respect_noai": True}).rules()
    assert [rule.reason for rule in on if rule.maximum == 0.0] == ["noai"]


@pytest.mark.parametrize(
    ("html", "code", "version", "evidence"),
    [
        ('<a rel="license" href="http://creativecommons.org/licenses/by-sa/3.0/">', 4, 3.0, 2),
        ('<a rel="license nofollow" href="//creativecommons.org/licenses/by-nc-nd/4.0/deed.de">', 8, 4.0, 2),
        ('<a rel=license href="https://creativecommons.org/licenses/by-nd-nc/1.0/">', 8, 1.0, 2),
        ('<link rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">', 1, 1.0, 3),
        ('<meta name="DC.rights" content="https://creativecommons.org/licenses/by/4.0/">', 3, 4.0, 3),
        ('<script type="application/ld+json">{"license":"\\/\\/creativecommons.org\\/licenses\\/by\\/4.0"}</script>',
         3, 4.0, 3),
        ('<a href="https://creativecommons.org/licenses/by/2.5/es/">', None, None, None),
        ("<p>no licence</p>", None, None, None),
        ('<a rel=license href="/licence">', None, None, None),
    ],
)  # fmt: skip
def test_creative_commons_licences(html: str, code: int | None, version: float | None, evidence: int | None) -> None:
    found = signals("page_licence", html)
    assert found["stated"] == float(code is not None)
    if code is not None:
        assert (found["licence_code"], found["licence_version"], found["evidence"]) == (code, version, evidence)


def test_of_several_licences_the_strongest_evidence_then_the_least_free_counts() -> None:
    html = (
        '<a href="https://creativecommons.org/licenses/by-nc-nd/4.0/">'
        '<a rel=license href="https://creativecommons.org/licenses/by/4.0/">'
        '<a rel=license href="https://creativecommons.org/licenses/by-nc/4.0/">'
    )
    found = signals("page_licence", html)
    assert (found["licence_code"], found["commercial_use"], found["derivatives"]) == (6.0, 0.0, 1.0)
    assert found["different_licences"] == 3.0
    assert signals("page_licence", html.split("<a rel", maxsplit=1)[0], min_evidence=1)["licence_code"] == 8.0


def test_title_and_description() -> None:
    html = '<title>\n Tides &amp; times </title><meta name=description content="When."><svg><title>no</title></svg>'
    assert signals("page_title", html) == {"title_chars": 13.0, "description_chars": 5.0}


@pytest.mark.parametrize("by", list(registry.find("extractors")))
def test_an_extractor_hands_the_tags_on_when_they_are_wanted(by: str) -> None:
    page = b"<title>T</title><meta name=robots content=noai><p>words"
    rows = ([page, b"plain", b"\x89PNG\r\n", None], ["text/html", "text/plain", "image/png", None], [None] * 4)
    extractor = registry.build("extractors", by)
    assert extractor.extract(PayloadBatch(*rows)).page_tags is None
    assert extractor.extract(PayloadBatch(*rows, tags_wanted=True)).page_tags == [
        ["<title>T", "<meta name=robots content=noai>"],
        [],
        [],
        [],
    ]
