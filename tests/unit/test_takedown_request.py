"""What a person may ask to be taken down, and in which form it is kept."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.takedown_rules import request_of
from spark_jobs.errors import InputError, UsageError
from spark_jobs.text.urls import is_public_suffix

ID = "0123456789abcdef0123456789abcdef"
NOTHING: dict[str, Any] = {
    "urls": (), "domains": (), "doc_ids": (), "licences": (), "files": (), "reason": "asked by the owner"
}  # fmt: skip


def test_rules_are_kept_as_they_are_compared() -> None:
    found = request_of(**NOTHING | {
        "urls": ("HTTPS://Bücher.Example:443/a?b#c",), "domains": ("Bücher.Example", "https://www.a.example/x"),
        "doc_ids": (ID,), "licences": ("CC BY-NC 4.0",),
    })  # fmt: skip
    assert found.rules == {
        "url": ("xn--bcher-kva.example/a?b",), "domain": ("www.a.example", "xn--bcher-kva.example"), "doc": (ID,),
        "licence": ("CC BY-NC 4.0",),
    }  # fmt: skip


def test_a_file_has_a_rule_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"# asked on Monday\n\ndomain a.example\nhttps://b.example/x\n{ID}\nlicence CC BY 4.0\n", "utf-8")
    found = request_of(**NOTHING | {"files": (str(path),)})
    assert found.rules == {"domain": ("a.example",), "url": ("b.example/x",), "doc": (ID,), "licence": ("CC BY 4.0",)}


def test_the_receipt_is_named_by_the_rules_alone() -> None:
    one = request_of(**NOTHING | {"domains": ("b.example", "a.example")})
    other = request_of(**NOTHING | {"domains": ("a.example", "b.example", "a.example"), "reason": "another"})
    assert one.receipt == other.receipt
    assert one.receipt != request_of(**NOTHING | {"domains": ("a.example",)}).receipt


@pytest.mark.parametrize(
    ("line", "kind", "value"),
    [
        ("url\thttps://a.example/x", "url", "a.example/x"),
        ("URL https://a.example/x", "url", "a.example/x"),
        ("Domain   a.example", "domain", "a.example"),
        ("\ufeffdomain a.example", "domain", "a.example"),
        ("\ufeffhttps://a.example/x", "url", "a.example/x"),
        ("https://a.example/x # ticket 7", "url", "a.example/x"),
        ("https://a.example/x#part  # ticket 7", "url", "a.example/x"),
        ("url https://a.example/x?a=#b", "url", "a.example/x?a="),
        ("url a.example:8080/x", "url", "a.example:8080/x"),
        ("url HTTP://A.example:80/X", "url", "a.example/X"),
        ("url urn:isbn:1", "url", "urn:isbn:1"),
        ("domain *.a.example", "domain", "a.example"),
        ("domain .a.example", "domain", "a.example"),
        ("domain a.example.", "domain", "a.example"),
        ("domain https://A.example./", "domain", "a.example"),
        (ID.upper(), "doc", ID),
        (f"doc-id {ID}\t# ticket", "doc", ID),
        ("licence\tCC BY 4.0 # all of it", "licence", "CC BY 4.0"),
    ],
)
def test_a_line_is_read_as_it_is_meant(tmp_path: Path, line: str, kind: str, value: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(line + "\n", "utf-8")
    assert request_of(**NOTHING | {"files": (str(path),)}).rules == {kind: (value,)}


@pytest.mark.parametrize(
    ("url", "compared"),
    [
        ("https://a.example", {"a.example", "a.example/"}),
        ("https://a.example/", {"a.example", "a.example/"}),
        ("https://a.example?b", {"a.example?b", "a.example/?b"}),
        ("https://a.example/?b/c", {"a.example?b/c", "a.example/?b/c"}),
        ("https://a.example/x", {"a.example/x"}),
        ("https://a.example/x/", {"a.example/x/"}),
    ],
)
def test_the_home_page_has_two_forms_and_others_one(url: str, compared: set[str]) -> None:
    found = request_of(**NOTHING | {"urls": (url,)})
    assert found.compared == {"url": compared}
    assert len(found.listed) == 1, "it is one rule"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "say what to take down"),
        ({"domains": ("co.uk",)}, "more than a site"),
        ({"domains": ("com",)}, "more than a site"),
        ({"domains": ("two words",)}, "no domain"),
        ({"domains": ("*.co.uk",)}, "more than a site"),
        ({"domains": ("",)}, "no domain"),
        ({"domains": ("a..example",)}, "no domain"),
        ({"domains": ("a.example,b.example",)}, "no domain"),
        ({"domains": ("www.*.example",)}, "no domain"),
        ({"domains": ("a.example:what",)}, "no domain"),
        ({"urls": ("",)}, "no URL"),
        ({"urls": ("https://",)}, "no URL"),
        ({"urls": ("https:///x",)}, "no URL"),
        ({"urls": ("https://a.example/x https://a.example/y",)}, "no URL"),
        ({"urls": ('"https://a.example/x"',)}, "no URL"),
        ({"urls": ("https://a.example,b.example/",)}, "no URL"),
        ({"licences": (" ",)}, "no licence"),
        ({"doc_ids": ("xyz",)}, "32 hex digits"),
        ({"doc_ids": (ID,), "reason": " "}, "--reason is empty"),
    ],
)
def test_what_is_wrong_is_said(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        request_of(**NOTHING | asked)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("what is this\n", r"list\.txt:1"),
        ("# nothing\n", "no rule in it"),
        ("\nurl: https://a.example/x\n", r"list\.txt:2"),
        ("url\n", r"list\.txt:1"),
        ("url # what\n", r"list\.txt:1"),
        ("domain a.example\ndomain b example\n", r"list\.txt:2: no domain"),
    ],
)
def test_a_wrong_file_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text, "utf-8")
    with pytest.raises((InputError, UsageError), match=says):
        request_of(**NOTHING | {"files": (str(path),)})


@pytest.mark.parametrize(("name", "yes"), [("com", True), ("co.uk", True), ("a.example", False), ("bbc.co.uk", False)])
def test_public_suffixes_are_known(name: str, *, yes: bool) -> None:
    assert is_public_suffix(name) is yes
