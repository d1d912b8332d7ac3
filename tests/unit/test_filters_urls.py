"""URL rules: hosts and words as the rules see them, which rule a URL breaks, and tags of hosts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.text import urls
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Bounds, broken

LISTS: dict[str, Any] = {
    "domains": ["bad.co.uk", "böse.example", "https://someone.blogspot.com/", "co.uk", "uk", "*.wild.example"],
    "hosts": ["spam.example.org", "192.0.2.7"],
    "urls": ["https://www.example.net/one/page/"],
    "hard_words": ["forbidden"],
    "soft_words": ["soft", "mild", "gentle"],
    "banned_substrings": ["free-casino"],
    "strict_words": ["nastyword", "foo/bar"],
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
        ("https://co.uk/x", {"listed_domain"}),
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
        ("http://someone.blogspot.com/x", {"listed_domain"}),
        ("http://a.someone.blogspot.com", {"listed_domain"}),
        ("http://other.blogspot.com/", set()),
        ("http://any.name.uk/", set()),
        ("http://b%C3%B6se.example/", {"listed_domain"}),
        ("http://wild.example/", {"listed_domain"}),
        ("http://b\u00f6se.example:80/", {"listed_domain"}),
        ("http://%62ad.co.uk/", {"listed_domain"}),
        ("http://bad.co.uk@good.example/", set()),
        ("http://user@bad.co.uk/", {"listed_domain"}),
        ("http://bad.co.uk:port/", set()),
        ("//bad.co.uk/", {"listed_domain"}),
        (" http://bad.co.uk\n", {"listed_domain"}),
        ("http://good.example/bad.co.uk", set()),
        ("http://good.example#@bad.co.uk", set()),
        ("http://example.net/ONE/p%61ge//", {"listed_url"}),
        ("http://example.net/one/page?q=1", set()),
        ("ftp://example.net/one/page", {"listed_url"}),
        ("http://n.example/na-sty.wo-rd", {"strict_word"}),
        ("http://n.example/na_sty/word", set()),
        ("http://n.example/f.o-o/b.ar", {"strict_word"}),
        ("http://n.example/foobar", set()),
        ("http://a.example/forbidden%2Fsoft%20MILD", {"hard_word", "soft_words"}),
        ("http://a.example/%zz%forbidden", {"hard_word"}),
        ("http://a.example/%D1%8Fforbidden%D1%8F", {"hard_word"}),
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
        ("http://a.example:8x/", ""),
        ("not a host", ""),
        ("urn:uuid:1", ""),
        ("http://stra\u00dfe.example", "xn--strae-oqa.example"),
        ("http://a%20b.example/", ""),
        ("http://%77ww.Example.org..", "www.example.org"),
        ("https://u:p@h.example:1/@x", "h.example"),
        ("example.org/a//b", "example.org"),
        ("http://\ud800.example/", "\ud800.example"),
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


HOSTS = st.text("aB1-._%4:@[]*/?# \u00e9w", max_size=14)
ADDRESSES = st.tuples(st.sampled_from(["http://", "HTTPS://www.", "//", "", "a+b://", "1://", " ", "x:"]), HOSTS).map(
    "".join
)


@given(addresses=st.lists(st.one_of(st.none(), ADDRESSES), max_size=6))
@settings(max_examples=400, deadline=None)
def test_kernels_find_the_host_that_is_defined(addresses: list[str | None]) -> None:
    wanted = [urls.host_of(url) for url in addresses]
    column = pa.array(addresses, pa.large_string())
    assert urls.hosts_of(column).to_pylist() == [host or None for host in wanted]
    parts = urls.Urls.of(column)
    assert [parts.sites.text(row).lower() for row in range(len(parts))] == [urls.site_of(url) for url in addresses]


def test_urls_are_read_where_they_lie_in_a_slice() -> None:
    column = pa.array(["http://first.example/a", None, "http://second.example/b"]).slice(1)
    assert urls.hosts_of(column).to_pylist() == [None, "second.example"]
    assert urls.hosts_of(pa.array([], pa.string())).to_pylist() == []


def names_of(operator: Any, url: str) -> dict[str, float]:
    return {k: float(v[0]) for k, v in operator.annotate(TextBatch.from_texts([""], url=[url])).items()}


def test_different_words_are_counted_once_each() -> None:
    operator = registry.build("filters", "url_rules", LISTS)
    found = names_of(operator, "http://soft.soft.example/soft-mild/freecasino/free.casino?forbidden=forbidden")
    assert found["soft_words"] == 2.0
    assert found["hard_words"] == 1.0
    assert found["banned_substrings"] == 1.0


def test_a_list_takes_entries_and_files_of_any_format(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("one.example\n", encoding="utf-8")
    (tmp_path / "hosts").write_text("0.0.0.0 two.example three.example # both\n", encoding="utf-8")
    (tmp_path / "adult").mkdir()
    (tmp_path / "adult" / "domains").write_text("four.example\n", encoding="utf-8")
    (tmp_path / "adult" / "urls").write_text("five.example/page\n", encoding="utf-8")
    ut1 = {"path": str(tmp_path / "adult"), "format": "ut1"}
    lists = [
        "six.example",
        {"path": str(tmp_path / "plain.txt")},
        {"path": str(tmp_path / "hosts"), "format": "hosts"},
        ut1,
    ]
    operator = registry.build("filters", "url_rules", {"domains": lists, "urls": ut1})
    column = [f"http://www.{name}.example/page" for name in ("one", "two", "three", "four", "five", "six", "seven")]
    signals = operator.annotate(TextBatch.from_texts([""] * 7, url=column))
    assert signals["listed_domain"].tolist() == [1, 1, 1, 1, 0, 1, 0]
    assert signals["listed_url"].tolist() == [0, 0, 0, 0, 1, 0, 0]

    pinned = operator.params.model_dump(mode="json")
    assert all(len(file["sha256"]) == 64 for file in pinned["domains"]["files"] + pinned["urls"]["files"])
    at_worker = registry.build("filters", "url_rules", json.loads(json.dumps(pinned)))
    assert registry.fingerprint(at_worker) == registry.fingerprint(operator)
    before = registry.fingerprint(operator)
    (tmp_path / "adult" / "domains").write_text("four.example\nseven.example\n", encoding="utf-8")
    changed = registry.build("filters", "url_rules", {"domains": lists, "urls": ut1})
    assert registry.fingerprint(changed) != before, "the recipe names only paths, yet the content counts"
    assert changed.annotate(TextBatch.from_texts([""], url=["http://seven.example"]))["listed_domain"].tolist() == [1]
    with pytest.raises(RecipeError, match=r"list .*adult has SHA-256 .* pin anew"):
        registry.build("filters", "url_rules", pinned)


def test_a_million_domains_are_loaded_and_found(tmp_path: Path) -> None:
    count = 1_000_000
    file = tmp_path / "domains"
    file.write_text("".join(f"site{number}.example\n" for number in range(count)), encoding="utf-8")
    operator = registry.build("filters", "url_rules", {"domains": {"path": str(file)}})
    column = [f"https://www.site{number}.example/" for number in range(0, 2 * count, 4001)]
    found = operator.annotate(TextBatch.from_texts([""] * len(column), url=column))["listed_domain"]
    assert np.array_equal(found, [float(number < count) for number in range(0, 2 * count, 4001)])


@pytest.mark.parametrize(
    ("url", "tags"),
    [
        ("https://EN.wikipedia.org/wiki/X", {"wikipedia"}),
        ("https://wikipedia.org", {"wikipedia"}),
        ("https://notwikipedia.org/", set()),
        ("https://wikipedia.org.evil.example/", set()),
        ("https://my.bible.com./a", {"religious"}),
        ("https://good.example/wikipedia.org", set()),
    ],
)
def test_hosts_are_tagged_and_nothing_is_dropped(url: str, tags: set[str]) -> None:
    operator = registry.build("filters", "host_categories")
    assert {name for name, value in names_of(operator, url).items() if value} == tags
    assert operator.rules() == ()
    assert all(np.isnan(value) for value in names_of(operator, "").values())
