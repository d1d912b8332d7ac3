"""Judges where an address may stand in a text: e-mail addresses, and IPv4 and IPv6 addresses of the public internet."""

import re
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network
from typing import Final

# Letters of names; scripts written without spaces are left out, since there an address stands beside words.
_CASED = "A-Za-z\u00c0-\u024f\u0370-\u052f"
_LETTER = f"0-9{_CASED}"
_LOCAL = re.compile(rf"[{_LETTER}_](?:[{_LETTER}_.%+'~!#$*-]{{0,63}})\Z")
_LOCAL_RUN = re.compile(rf"[{_LETTER}_.%+'~!#$*-]{{1,65}}\Z")
_DOMAIN = re.compile(
    rf"[@\uff20]((?:[{_LETTER}](?:[{_LETTER}-]{{0,61}}[{_LETTER}])?\.){{1,127}}"
    rf"(?:xn--[a-zA-Z0-9-]{{2,59}}|[{_CASED}]{{2,24}}))(?![{_LETTER}_-])(?!\.?[{_LETTER}_.%+'~!#$*-]{{0,64}}[@\uff20])"
)
# RFC 2606 and 6761: names that belong to nobody.
_RESERVED_NAME = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|invalid|test|localhost)\Z", re.IGNORECASE)

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
# No part of a word, a longer dotted number or a file name; a range "8.8.8.8-8.8.4.4" is two addresses.
_IPV4 = re.compile(
    rf"(?<![{_LETTER}_.])(?<![{_CASED}][-/]){_OCTET}(?:\.{_OCTET}){{3}}(?![{_LETTER}_]|\.[{_LETTER}_]|-[{_CASED}])"
)
# Version and section numbers: announced by a word, or, where no part is above 40, by what stands around them. (Four
# random octets are all that small once in 1,600 times; without this rule nine of ten hits in manuals are sections.)
_SMALL_PART = 40
_ANNOUNCED = re.compile(
    r"(?:\b(?:version|versions|ver|v|releases?|build|revision|rev|firmware|sections?|secs?|chapter|clause|paragraph|"
    r"article|figure|table|appendix)\b\.?\s{0,2}|§\s{0,2})\Z",
    re.IGNORECASE,
)
_SECTION_BEFORE = re.compile(
    r"(?:\n[ \t#*•-]{0,6}|\u00a0|\d:|第\s?|\b(?:abschnitt|kapitel|sección|sezione|seção|secção|rozdział|kapitola|"
    r"раздел\w{0,2}|розділ\w{0,2}|глав\w{1,2}|ενότητα|bölüm|mục)\s)\Z",
    re.IGNORECASE,
)
_HEADING_AFTER = re.compile(r"\.\s|\s{1,2}[^\W\d_]|\s?[节節章条]|[.,]?\s?[“„”\"«「『]")

# Global unicast is 2000::/3 (RFC 4291), so the first group has four digits: neither times nor MAC addresses begin so.
_IPV6 = re.compile(
    r"(?<![A-Za-z0-9_.:])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{1,40}(?:(?<=:)[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![A-Za-z0-9_])"
)

# IANA special-purpose address registries (RFC 6890): not globally reachable, or reserved for documentation.
PRIVATE_V4: Final = tuple(
    (int(IPv4Network(net).network_address), int(IPv4Network(net).netmask))
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_PRIVATE_V6: Final = tuple(IPv6Network(net) for net in ("2001:db8::/32", "2001::/23", "3fff::/20"))

Span = tuple[int, int]


def email_at(text: str, at: int, floor: int = 0) -> Span | None:
    """The e-mail address whose @ is at a place and that begins at `floor` or later.

    Those at reserved names (RFC 2606: example.com, *.test) are nobody's.
    """
    domain = _DOMAIN.match(text, at)
    if domain is None or _RESERVED_NAME.search(domain.group(1)):
        return None
    run = _LOCAL_RUN.search(text, max(floor, at - 65), at)
    local = _local_part(run.group()) if run else ""
    return (at - len(local), domain.end()) if local else None


def ipv4_at(text: str, begin: int) -> Span | None:
    """The globally routable IPv4 address that begins at a place; not what the surroundings tell to be a version."""
    found = _IPV4.match(text, begin)
    if found is None:
        return None
    octets = [int(octet) for octet in found.group().split(".")]
    address = int.from_bytes(bytes(octets), "big")
    if any(address & mask == base for base, mask in PRIVATE_V4) or _is_numbering(text, found, octets):
        return None
    return found.span()


def _is_numbering(text: str, found: re.Match[str], octets: list[int]) -> bool:
    """The number stands for a version or a section."""
    begin, end = found.span()
    if _ANNOUNCED.search(text, max(0, begin - 14), begin):
        return True
    if max(octets) > _SMALL_PART:
        return False
    after = _HEADING_AFTER.match(text, end)
    # "8.8.8.8 is down" goes on in lower case, a title mostly does not.
    heading = after is not None and not after.group()[-1].islower()
    if begin < 8 and not text[:begin].strip("\n \t#*•-"):
        return heading
    before = _SECTION_BEFORE.search(text, max(1, begin - 14), begin)
    if before and before.group().startswith("\n"):
        return heading
    return before is not None


def ipv6_at(text: str, begin: int) -> Span | None:
    """The globally routable IPv6 address that begins at a place."""
    found = _IPV6.match(text, begin)
    if found is None:
        return None
    candidate = found.group()
    if candidate.endswith(":") and not candidate.endswith("::"):
        candidate = candidate[:-1]
    try:
        address = IPv6Address(candidate)
    except AddressValueError:
        return None
    return None if any(address in net for net in _PRIVATE_V6) else (begin, begin + len(candidate))


def _local_part(run: str) -> str:
    """The name before the @ at the end of a run of its characters; empty if there is none."""
    name = run.lstrip(".%+'~!#$*-")
    return name if _LOCAL.match(name) else ""
