"""URL rules: hosts and words as the rules see them, and which rule a URL breaks."""

from pathlib import Path
from typing import Any

import pytest

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.text import urls
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Bounds, broken

LISTS: dict[str, Any] = {
    "domains": ["bad.co.uk", "böse.example"],
    "hosts": ["spam.example.org", "192.0.2.7"],
    "urls": ["https://www.example.net/one/page/"],
    "hard_words": ["forbidden"],
    "soft_words": ["soft", "mild", "gentle"],
    "banned_substrings": ["free-casino"],
}


def verdict(url: str | None, **params: Any) -> set[str]:
    operator = registry.build("filters", "url_rules", LISTS | params)
    signals = operator.annotate(TextBatch.from_texts([""], url=[url]))
    rules = [(r, Bounds(minimum=r.minimum, maximum=r.maximum, exclusive=r.exclusive)) for r in operator.rules()]
    return {r.reason for r, b in rules if len(broken("url_rules", 1, r.reason, signals[r.signal], b).rows)}


@pytest.mark.parametrize(
    ("url", "reasons"),
    [
        ("https://good.example.com/a", set()),
        ("https://deep.sub.BAD.co.uk:8443/x", {"listed_domain"}),
        ("https://bad.co.uk./x", {"listed_domain"}),
        ("https://notbad.co.uk/x", set()),
        ("https://co.uk/x", set()),
        ("https://www.BÖSE.example/", {"listed_domain"}),
        ("https://xn--bse-sna.example/", {"listed_domain"}),
        ("http://www.spam.example.org/", {"listed_host"}),
        ("http://more.spam.example.org/", set()),
        ("http://user:pw@192.0.2.7:80/", {"listed_host"}),
        ("http://example.net:80/one/page#part", {"listed_url"}),
        ("http://example.net/one/page2", set()),
        ("http://a.example/FORBIDDEN-things", {"hard_word"}),
        ("http://a.example/%66orbidden/", {"hard_word"}),
        ("http://a.example/forbiddenly", set()),
        ("http://a.example/soft/Soft", set()),
        ("http://a.example/soft_mild", {"soft_words"}),
        ("http://a.example/freeCasino", {"banned_substring"}),
        ("http://fre-e.casino.example/", {"banned_substring"}),
        ("http://spam.example.org/forbidden", {"listed_host", "hard_word"}),
        ("http://[broken/", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_which_rules_a_url_breaks(url: str | None, reasons: set[str]) -> None:
    assert verdict(url) == reasons


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTP://WWW.Example.ORG:80/x", "www.example.org"),
        ("http://example.org./", "example.org"),
        ("//example.org/x", "example.org"),
        ("http://münchen.example/", "xn--mnchen-3ya.example"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("http://[bad", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_hosts(url: str | None, host: str) -> None:
    assert urls.host_of(url) == host


def test_a_list_may_lie_in_a_file_that_its_digest_pins(tmp_path: Path) -> None:
    file = tmp_path / "hosts.txt"
    file.write_text("# comment\nspam.example.com  # why\n\n", encoding="utf-8")
    build = registry.build
    operator = build("filters", "url_rules", {"hosts": {"path": str(file), "entries": ["other.example"]}})
    signals = operator.annotate(TextBatch.from_texts(["", ""], url=["http://spam.example.com", "http://other.example"]))
    assert signals["listed_host"].tolist() == [1.0, 1.0]

    moved = tmp_path / "moved.txt"
    moved.write_bytes(file.read_bytes())
    again = build("filters", "url_rules", {"hosts": {"path": str(moved), "entries": ["other.example"]}})
    assert registry.fingerprint(again) == registry.fingerprint(operator), "a list is its content, not its place"
    file.write_text("changed.example\n", encoding="utf-8")
    with pytest.raises(
        RecipeError, match=r"list .*hosts\.txt has SHA-256 [0-9a-f]{64}, the recipe pins [0-9a-f]{64}; put"
    ):
        build("filters", "url_rules", operator.params.model_dump())


def test_a_list_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot read the list .*missing\.txt"):
        registry.build("filters", "url_rules", {"hosts": {"path": str(tmp_path / "missing.txt")}})


def test_a_word_with_a_separator_is_refused_since_it_could_never_match() -> None:
    with pytest.raises(RecipeError, match="'two words' is not one word"):
        registry.build("filters", "url_rules", {"hard_words": ["two-words"]})
