"""What a person may ask to be taken down, and in which form it is kept."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.takedown import request_of
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
    ("asked", "says"),
    [
        ({}, "say what to take down"),
        ({"domains": ("co.uk",)}, "more than a site"),
        ({"domains": ("com",)}, "more than a site"),
        ({"domains": ("two words",)}, "no domain"),
        ({"doc_ids": ("xyz",)}, "32 hex digits"),
        ({"doc_ids": (ID,), "reason": " "}, "--reason is empty"),
    ],
)
def test_what_is_wrong_is_said(asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        request_of(**NOTHING | asked)


@pytest.mark.parametrize(("text", "says"), [("what is this\n", r"list\.txt:1"), ("# nothing\n", "no rule in it")])
def test_a_wrong_file_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=says):
        request_of(**NOTHING | {"files": (str(path),)})


@pytest.mark.parametrize(("name", "yes"), [("com", True), ("co.uk", True), ("a.example", False), ("bbc.co.uk", False)])
def test_public_suffixes_are_known(name: str, *, yes: bool) -> None:
    assert is_public_suffix(name) is yes
