"""The canonical URL and what hangs on it. A change of these values needs a new CANONICAL_URL_VERSION."""

import pytest

from spark_jobs.crawl.url import canonical_url, host_of, url_hash


@pytest.mark.parametrize(("url", "canonical"), [
    ("http://Example.COM/A?b#c", "example.com/A?b"),
    ("https://example.com/A?b", "example.com/A?b"),
    ("HTTP://example.com:80/", "example.com/"),
    ("https://example.com:443", "example.com"),
    ("https://example.com:/x", "example.com/x"),
    ("http://example.com:443/", "example.com:443/"),
    ("http://User:Pw@Example.com/", "User:Pw@example.com/"),
    ("http://b\u00dccher.example/\u00fc", "xn--bcher-kva.example/\u00fc"),
    ("http://[2001:DB8::1]:8080/", "[2001:db8::1]:8080/"),
    ("http://a.example/b c\n", "a.example/b c\n"),
    ("http://a.example//x/../y/?", "a.example//x/../y/?"),
    ("http://\u2603\u200d.example/", "\u2603\u200d.example/"),
    ("urn:uuid:1#x", "urn:uuid:1"),
    ("file:///A b.png", "file:///A b.png"),
    ("", ""),
])  # fmt: skip
def test_canonical_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


def test_host_of() -> None:
    assert host_of("https://User@WWW.Example.com:8443/x") == "www.example.com"
    assert host_of("metadata://gnu.org/x") == ""


def test_url_hash_is_fixed_and_fits_a_long() -> None:
    assert url_hash("example.com/") == 1855690736626651320
    assert all(-(1 << 63) <= url_hash(str(number)) < 1 << 63 for number in range(100))
    assert any(url_hash(str(number)) < 0 for number in range(100))
