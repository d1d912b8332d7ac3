"""Snippets: pieces of texts of like length, for fitting classifiers that must not learn length or share text.

Every choice is by a hash of a key and a seed, so it does not depend on the order or the machine.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from xxhash import xxh3_64_intdigest

STEP_CHARS = 100  # snippets whose lengths fall into one step count as of like length
_SAMPLED = 4  # one shingle in so many is compared: a shared passage has many


@dataclass(frozen=True)
class Snippet:
    """A piece of a document: whose it is, where that comes from, and the piece."""

    document: str
    source: str
    number: int
    text: str

    @property
    def key(self) -> str:
        """Names the snippet among all snippets."""
        return f"{self.document}#{self.number}"


def hash64(key: str, seed: int) -> int:
    """64-bit hash of a key under a seed."""
    return int(xxh3_64_intdigest(key.encode(), seed))


def by_hash(snippets: Iterable[Snippet], seed: int) -> list[Snippet]:
    """In the order of the hashes of their keys."""
    return sorted(snippets, key=lambda snippet: (hash64(snippet.key, seed), snippet.key))


def cut(text: str, *, chars: Callable[[int], int], minimum: int) -> Iterator[str]:
    """Consecutive pieces of at most `chars(number)` characters, cut at a space where there is one.

    Pieces shorter than `minimum` are left out.
    """
    start = number = 0
    while start < len(text):
        end = start + max(chars(number), 1)
        if end < len(text):
            space = text.rfind(" ", start + 1, end + 1)
            end = space if space > start else end
        piece = text[start:end].strip()
        if len(piece) >= minimum:
            yield piece
        start, number = end, number + 1


def cut_document(
    document: str, source: str, text: str, *, lengths: Sequence[int], minimum: int, most: int, seed: int
) -> list[Snippet]:
    """At most `most` snippets of a document, chosen by hash where there are more.

    The length of each is drawn by hash from `lengths`: those of another class give snippets of like lengths.
    """

    def chars(number: int) -> int:
        return lengths[hash64(f"{document}#{number}", seed) % len(lengths)]

    pieces = [Snippet(document, source, i, piece) for i, piece in enumerate(cut(text, chars=chars, minimum=minimum))]
    if len(pieces) <= most:
        return pieces
    return sorted(by_hash(pieces, seed)[:most], key=lambda snippet: snippet.number)


def match_lengths(
    left: Sequence[Snippet], right: Sequence[Snippet], *, seed: int
) -> tuple[list[Snippet], list[Snippet]]:
    """As many of both classes in every step of 100 characters, chosen by hash: length alone then tells nothing."""
    bins: tuple[dict[int, list[Snippet]], ...] = (defaultdict(list), defaultdict(list))
    for side, snippets in zip(bins, (left, right), strict=True):
        for snippet in snippets:
            side[len(snippet.text) // STEP_CHARS].append(snippet)
    chosen: tuple[list[Snippet], list[Snippet]] = ([], [])
    for number in sorted(bins[0].keys() & bins[1].keys()):
        both = min(len(bins[0][number]), len(bins[1][number]))
        for side, taken in zip(bins, chosen, strict=True):
            taken.extend(nsmallest(both, side[number], key=lambda snippet: (hash64(snippet.key, seed), snippet.key)))
    return chosen


def passages_of(snippets: Iterable[Snippet], *, words: int = 13) -> frozenset[int]:
    """Hashes of the sampled runs of `words` words of the snippets."""
    return frozenset(value for snippet in snippets for value in _shingles(snippet.text, words))


def without_passages(snippets: Iterable[Snippet], known: frozenset[int], *, words: int = 13) -> list[Snippet]:
    """The snippets that hold none of the known passages: a text must not be in both classes."""
    return [snippet for snippet in snippets if known.isdisjoint(_shingles(snippet.text, words))]


def _shingles(text: str, words: int) -> Iterator[int]:
    parts = text.lower().split()
    for i in range(len(parts) - words + 1):
        value = hash64(" ".join(parts[i : i + words]), 0)
        if value % _SAMPLED == 0:
            yield value


def held_out_sources(documents: Iterable[tuple[str, str]], *, share: float, seed: int) -> frozenset[str]:
    """Sources that hold about `share` of the (document, source) pairs, in the order of their hashes.

    A source that would bring the part far over its share is passed over; the smallest source is taken when none fits.
    Empty when there is one source only.
    """
    sizes: dict[str, int] = defaultdict(int)
    for _, source in documents:
        sizes[source] += 1
    if len(sizes) < 2:
        return frozenset()
    wanted, limit = share * sum(sizes.values()), 1.5 * share * sum(sizes.values())
    chosen: set[str] = set()
    held = 0
    for source in sorted(sizes, key=lambda name: (hash64(name, seed), name)):
        if held < wanted and held + sizes[source] <= limit:
            chosen.add(source)
            held += sizes[source]
    return frozenset(chosen or {min(sizes, key=lambda name: (sizes[name], hash64(name, seed), name))})
