"""References resolve as the standard library's do, and no number in them is too long."""

import html

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.operators import registry
from spark_jobs.text.character_references import unescape
from spark_jobs.text.markup import PayloadBatch

PIECES = [
    "&",
    "&amp;",
    "&amp",
    "&#",
    "&#x",
    "0",
    "00",
    "65",
    "1114112",
    ";",
    "x41",
    "&lt;",
    " ",
    "é",
    "&#128;",
    "9999999",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_it_is_the_standard_library_where_that_can_count_so_far(text: str) -> None:
    assert unescape(text) == html.unescape(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a&#" + "9" * 8000 + ";b", "a�b"),
        ("a&#" + "9" * 8000 + " b", "a� b"),
        ("&#" + "0" * 8000 + "65;", "A"),
        ("&#" + "0" * 8000 + ";", "�"),
        ("&#x" + "F" * 8000 + ";", "�"),
        ("&#x" + "0" * 8000 + "41;", "A"),
    ],
)
def test_thousands_of_digits_are_one_character(text: str, expected: str) -> None:
    assert unescape(text) == expected


@pytest.mark.parametrize("extractor", sorted(registry.find("extractors")))
@pytest.mark.parametrize(
    "page",
    [
        "<p>a word &#{};</p>",
        "<html><head><meta name='robots' content='&#{};'></head><p>a word</p>",
        "<p>a word <math><mi>&#{};</mi></math></p>",
        "<p>a word <img class=tex alt='&#{};'> <script type='math/tex'>&#{};</script></p>",
        "<p>a word <math><annotation encoding='application/x-tex'>&#{};</annotation></math></p>",
    ],
)
def test_no_page_stops_an_extractor_with_them(extractor: str, page: str) -> None:
    payload = page.replace("{}", "9" * 8000).encode()
    math = "math" in registry.find("extractors")[extractor].Params.model_fields
    built = registry.build("extractors", extractor, {"math": True} if math else {})
    found = built.extract(PayloadBatch([payload], ["text/html"], [None], tags_wanted=True))
    assert pa.array(found.texts).null_count + sum("word" in (text or "") for text in found.texts) == 1
