"""URLs as the rules see them: host, registered domain, path, words. The same for pages and for entries of lists.

A host is in lower case, without user, port and dots around it, international names in their ASCII form (UTS 46); a
site is a host without a leading `www.`. Entries of lists may leave out the scheme.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import unquote

import idna
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tldextract import TLDExtract

from spark_jobs.text import url_kernel
from spark_jobs.text.automaton import Automaton
from spark_jobs.text.byte_spans import ByteSpans
from spark_jobs.text.hash_set import HashSet

_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|//)?([^/?#]*)", re.DOTALL)
_EDGES = "".join(map(chr, range(0x21)))
_NO_HOST = re.compile(r"[\s\x00-\x1f\x7f]")

Counts = npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def _suffixes() -> TLDExtract:
    # The list inside the package: results must not depend on the day, nor on a network.
    return TLDExtract(suffix_list_urls=(), cache_dir=None)


def host_of(url: str | None) -> str:
    """The literal host of a URL; "" where there is none, or none that could be."""
    found = _AUTHORITY.match((url or "").strip(_EDGES))
    place = found[1].rpartition("@")[2] if found else ""
    if place.startswith("["):
        host, closed, port = place[1:].partition("]")
        port = port.removeprefix(":") if closed else "none"
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit()):
        return ""
    name = unquote(host).strip().lstrip("*.").rstrip(".").lower()
    return "" if _NO_HOST.search(name) else _ascii(name)


def site_of(url: str | None) -> str:
    """The host without a leading `www.`, if a name with a dot is left then."""
    host = host_of(url)
    rest = host.removeprefix("www.")
    return rest if "." in rest else host


@lru_cache(maxsize=65536)
def registered_domain(host: str) -> str:
    """The domain that was registered (public-suffix aware); the host itself where it has none, such as an address."""
    return _suffixes().extract_str(host).top_domain_under_public_suffix or host


def is_public_suffix(host: str) -> bool:
    """Whether sites are registered right below a name, as below `com` and `co.uk`; a name without a dot is one."""
    return "." not in host or _suffixes().extract_str(host).suffix == host


@lru_cache(maxsize=65536)
def is_top_level_domain(name: str) -> bool:
    """Whether a name is at the top of the public suffix list, in any case."""
    return name.lower() in _top_level()


@lru_cache(maxsize=1)
def _top_level() -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in _suffixes().tlds)


@dataclass(frozen=True, eq=False)
class Urls:
    """URLs taken apart, by kernels where they are plain. `hosts` and `rests` (path and query) lie in buffers."""

    whole: ByteSpans
    hosts: ByteSpans
    rests: ByteSpans

    @classmethod
    def of(cls, urls: pa.Array | pa.ChunkedArray | ByteSpans) -> "Urls":
        """Take URLs apart; a null is an empty one, which has no host."""
        whole = urls if isinstance(urls, ByteSpans) else ByteSpans.of(urls)
        first, last, rest, stop, odd = url_kernel.locate(whole.data, whole.starts, whole.ends)
        hosts = ByteSpans(whole.data, first, last)
        rows = np.flatnonzero(odd)
        if len(rows):
            names = ByteSpans.from_bytes(host_of(whole.text(row)).encode("utf-8", "replace") for row in rows)
            first[rows], last[rows] = names.starts + len(whole.data), names.ends + len(whole.data)
            hosts = ByteSpans(np.concatenate([whole.data, names.data]), first, last)
        return cls(whole, hosts, ByteSpans(whole.data, rest, stop))

    def __len__(self) -> int:
        """Number of URLs."""
        return len(self.whole)

    @cached_property
    def sites(self) -> ByteSpans:
        """Hosts without `www.`."""
        hosts = self.hosts
        return ByteSpans(hosts.data, url_kernel.site_starts(hosts.data, hosts.starts, hosts.ends), hosts.ends)

    @cached_property
    def words(self) -> tuple[npt.NDArray[np.uint64], Counts]:
        """Hashes of the words of all URLs, and where those of each begin."""
        hashes, offsets = url_kernel.word_hashes(self.whole.data, self.whole.starts, self.whole.ends)
        return hashes, offsets

    def site_hashes(self) -> npt.NDArray[np.uint64]:
        """Hash of each site; 0 where there is none."""
        hashes: npt.NDArray[np.uint64] = url_kernel.site_hashes(self.sites.data, self.sites.starts, self.sites.ends)
        return hashes

    def url_hashes(self) -> npt.NDArray[np.uint64]:
        """Hash of site, path and query; scheme, `www.`, port, fragment and final slashes do not count."""
        sites, rests = self.sites, self.rests
        hashes: npt.NDArray[np.uint64] = url_kernel.url_hashes(
            sites.data, sites.starts, sites.ends, rests.data, rests.starts, rests.ends
        )
        return hashes

    def listed_parents(self, names: HashSet) -> Counts:
        """Bytes of the longest listed name that is the site or a parent domain of it; 0 if none is."""
        sites = self.sites
        lengths: Counts = url_kernel.listed_suffixes(sites.data, sites.starts, sites.ends, names.hashes, names.starts)
        return lengths

    def listed_words(self, words: HashSet) -> Counts:
        """Different listed words in each URL."""
        counts: Counts = url_kernel.distinct_listed(*self.words, words.hashes, words.starts)
        return counts

    def substrings(self, patterns: Automaton, stripped: int) -> Counts:
        """Different patterns in each URL after it is stripped (see `url_kernel`)."""
        whole = self.whole
        counts: Counts = url_kernel.distinct_substrings(
            whole.data, whole.starts, whole.ends, stripped,
            patterns.symbols, patterns.moves, patterns.pattern, patterns.shorter,
        )  # fmt: skip
        return counts


def hosts_of(urls: pa.Array) -> pa.Array:
    """The host of each URL as a string, null where there is none."""
    hosts = Urls.of(urls).hosts
    names = [hosts.text(row).lower() or None for row in range(len(hosts))]
    return pa.array(names, pa.string())


def registered(urls: Urls, lengths: Counts) -> npt.NDArray[np.bool_]:
    """Where a listed parent is no shorter than the registered domain: a listed public suffix blocks nobody below it."""
    result = lengths > 0
    for row in np.flatnonzero(result):
        result[row] = lengths[row] >= len(registered_domain(urls.sites.text(row).lower()))
    return result


def words_of(entry: str) -> tuple[str, ...]:
    """Runs of a-z and 0-9 of an entry of a word list, decoded and in lower case."""
    return tuple(re.findall(r"[a-z0-9]+", unquote(entry).lower()))


def word_set(words: Iterable[str]) -> HashSet:
    """Words, each one run of a-z and 0-9, as the look-up wants them."""
    spans = ByteSpans.from_bytes(word.encode("ascii") for word in words)
    return HashSet.of(url_kernel.word_hashes(spans.data, spans.starts, spans.ends)[0])


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host
