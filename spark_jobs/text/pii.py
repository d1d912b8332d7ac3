"""What in a text is somebody's: candidates judged kind by kind, apart from each other and from the masks in it."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from spark_jobs.text.account_numbers import card_spans, iban_lengths, is_iban
from spark_jobs.text.addresses import email_at, ipv4_at, ipv6_at
from spark_jobs.text.phone_numbers import REACH, PhoneNumbers
from spark_jobs.text.pii_candidates import EMAIL, IBAN, IPV4, IPV6, NUMBER, candidates

# In the order in which they are looked for: what is found first is taken.
KINDS = ("email", "ipv6", "ipv4", "iban", "card", "phone")

Span = tuple[int, int]
Finding = tuple[int, int, str]
Place = tuple[int, int, int]

# What each kind is looked for in.
_CANDIDATE = {"email": EMAIL, "ipv6": IPV6, "ipv4": IPV4, "iban": IBAN, "card": NUMBER, "phone": NUMBER}
_ADDRESSES: Mapping[str, Callable[[str, int, int], Span | None]] = {
    "email": email_at,
    "ipv6": lambda text, begin, _: ipv6_at(text, begin),
    "ipv4": lambda text, begin, _: ipv4_at(text, begin),
}


@dataclass(frozen=True)
class PiiFinder:
    """Finds the kinds asked for. `masks` are texts that nothing may overlap and that nothing is read across."""

    kinds: frozenset[str]
    phones: PhoneNumbers
    masks: tuple[str, ...]

    def findings(
        self, texts: pa.LargeStringArray, languages: Sequence[str | None], hosts: Sequence[str | None]
    ) -> Iterator[tuple[int, str, list[Finding]]]:
        """Row, text and what is found in it (begin and end in characters, kind), ascending and apart, where any is."""
        places = dict(candidates(texts, iban_lengths()).by_row())
        for row, text in zip(places, texts.take(pa.array(list(places), pa.int64())).to_pylist(), strict=True):
            regions = self.phones.regions_of(languages[row], hosts[row]) if "phone" in self.kinds else ()
            findings = self.in_text(text, places[row], regions)
            if findings:
                yield row, text, findings

    def in_text(self, text: str, places: Sequence[Place], regions: tuple[str, ...]) -> list[Finding]:
        """What is found at the candidates of one text."""
        candidates: dict[int, list[Span]] = {}
        for begin, end, kind in places:
            candidates.setdefault(kind, []).append((begin, end))
        taken = _Taken(self._masks_near(text, candidates.get(NUMBER, ())))
        for name in KINDS:
            if name in self.kinds and _CANDIDATE[name] in candidates:
                for span in self._spans(name, text, candidates[_CANDIDATE[name]], regions, taken.spans):
                    taken.add(span, name)
        return taken.findings()

    def _masks_near(self, text: str, numbers: Sequence[Span]) -> Iterator[Span]:
        """Masks that stand in numbers or so near that words about them are read; elsewhere they overlap nothing."""
        reach = REACH + max(map(len, self.masks), default=0)
        at = 0
        for begin, end in numbers if self.masks else ():
            at = max(at, begin - reach)
            for mask in self.masks:
                found = text.find(mask, at, end + reach)
                while found >= 0:
                    yield found, found + len(mask)
                    found = text.find(mask, found + len(mask), end + reach)
            at = max(at, end + reach - max(map(len, self.masks)))

    def _spans(
        self, name: str, text: str, candidates: Sequence[Span], regions: tuple[str, ...], taken: Sequence[Span]
    ) -> Iterator[Span]:
        if name in _ADDRESSES:
            floor = 0
            for begin, _ in candidates:
                span = _ADDRESSES[name](text, begin, floor)
                if span is not None:
                    floor = span[1]
                    yield span
        elif name == "iban":
            yield from ((begin, end) for begin, end in candidates if is_iban(text[begin:end]))
        elif name == "card":
            for begin, end in candidates:
                yield from card_spans(text, begin, end)
        else:
            yield from self.phones.spans(text, candidates, list(taken), regions)


class _Taken:
    """Stretches of a text that are apart, masks to begin with; the first that takes a place keeps it."""

    def __init__(self, masks: Iterable[Span]) -> None:
        self.spans: list[Span] = []
        self._kinds: dict[Span, str] = {}
        for mask in masks:
            self._insert(mask)

    def add(self, span: Span, kind: str) -> None:
        if self._insert(span):
            self._kinds[span] = kind

    def _insert(self, span: Span) -> bool:
        place = bisect_left(self.spans, span)
        free = place == len(self.spans) or self.spans[place][0] >= span[1]
        free = free and (place == 0 or self.spans[place - 1][1] <= span[0])
        if free:
            self.spans.insert(place, span)
        return free

    def findings(self) -> list[Finding]:
        return [(*span, self._kinds[span]) for span in self.spans if span in self._kinds]
