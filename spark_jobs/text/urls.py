"""URLs as the rules see them: host, registered domain, words. Normalised the same way for pages and for lists.

Host: lower case, without user, port, leading `www.` and trailing dot, international names in their ASCII form.
"""

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from tldextract import TLDExtract

_SEPARATORS = re.compile(r"[^a-z0-9]+")
# Nearly all URLs: nothing to decode, no user, and the parser of the standard library is ten times slower.
_PLAIN = re.compile(r"https?://([A-Za-z0-9.-]+)(?::[0-9]*)?(?:[/?#]|\Z)")


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    # The list inside the package: results must not depend on the day, nor on a network.
    return TLDExtract(suffix_list_urls=(), cache_dir=None)


def host_of(url: str | None) -> str:
    """The literal host of a URL in lower case, without port and trailing dot; "" where there is none."""
    if not url:
        return ""
    plain = _PLAIN.match(url)
    return plain[1].rstrip(".").lower() if plain else _parsed_host(url)


def _parsed_host(url: str) -> str:
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return ""
    return _ascii(unquote(host or "").strip().rstrip(".").lower())


def site_of(url: str | None) -> str:
    """The host without a leading `www.`."""
    return host_of(url).removeprefix("www.")


@lru_cache(maxsize=65536)
def registered_domain(host: str) -> str:
    """The domain that was registered (public-suffix aware); the host itself where it has none, such as an address."""
    return _suffixes().extract_str(host).top_domain_under_public_suffix or host


def bare_url(url: str) -> str:
    """A URL to compare with a list: decoded, lower case, without scheme, `www.`, port, fragment and final slash."""
    literal = unquote(url).strip().lower().partition("#")[0]
    rest = literal.partition("://")[2] or literal
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    return site_of(url) + rest[len(authority) :].rstrip("/")


def words_of(url: str) -> tuple[str, ...]:
    """Runs of a-z and 0-9 of the decoded, lower-cased URL."""
    return tuple(word for word in _SEPARATORS.split(unquote(url).lower()) if word)


def letters_of(url: str) -> str:
    """The decoded, lower-cased URL stripped of everything but a-z and 0-9."""
    return _SEPARATORS.sub("", unquote(url).lower())


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
