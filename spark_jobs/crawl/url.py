"""URLs as names of documents: the canonical form under which captures of one page meet, its host and its hash.

The literal URL is never changed; what is derived from it here is versioned. Rules over URLs lie in `text/urls.py`.
"""

import hashlib
import re
from functools import lru_cache

import idna

CANONICAL_URL_VERSION = 1

_HTTP = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)", re.IGNORECASE | re.DOTALL)
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def canonical_url(url: str) -> str:
    """The URL without http(s) scheme, default port and fragment, its host in lower-case ASCII (IDNA); no other change.

    URIs of other schemes stay as they are, but for the fragment.
    """
    found = _HTTP.match(url)
    if found is None:
        return url.partition("#")[0]
    user, at, place = found["authority"].rpartition("@")
    host, port = _split_port(place)
    if port in ("", _DEFAULT_PORTS[found["scheme"].lower()]):
        port = ""
    return f"{user}{at}{_ascii_host(host)}{port and ':' + port}{found['rest']}"


def host_of(url: str) -> str:
    """The host as the canonical form has it; "" for URIs without one."""
    found = _HTTP.match(url)
    return _ascii_host(_split_port(found["authority"].rpartition("@")[2])[0]) if found else ""


def url_hash(canonical: str) -> int:
    """Signed 64-bit hash of a canonical URL (BLAKE2b, big-endian): the key of `locator`."""
    digest = hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _split_port(place: str) -> tuple[str, str]:
    host, colon, port = place.rpartition(":")
    if colon and (port == "" or (port.isascii() and port.isdigit())):
        return host, port
    return place, ""


@lru_cache(maxsize=65536)
def _ascii_host(host: str) -> str:
    lowered = host.lower()
    if lowered.isascii():
        return lowered
    try:
        return idna.encode(lowered, uts46=True).decode("ascii")
    except idna.IDNAError:
        return lowered
