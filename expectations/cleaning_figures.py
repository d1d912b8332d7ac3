"""The figures that a snapshot's cleaning is judged by: one row of numbers, each at least 0, small where all is well.

Measured on the candidate's own rows, in one scan; compared with what the record of an earlier snapshot counts. How
large they may be is said by the laws in `cleaned.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import sqrt

from expectations.figures import Figure
from expectations.gate import Audited
from spark_jobs.lake.records import Publication
from spark_jobs.recipe.sections.gates import GatesSection
from spark_jobs.stages.tally import Count, Tally, from_counts, tally

_CHANCE = 0.001  # how likely it may be that nothing of a host is kept by chance alone
_MOST_NAMES = 5


@dataclass(frozen=True)
class Earlier:
    """The snapshot that is compared with; without a tally, `why` there is none."""

    snapshot: str | None
    tally: Tally | None
    why: str = ""


@dataclass(frozen=True)
class Share:
    """`hits` of `documents`, of something that has a name."""

    name: str
    hits: int
    documents: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.hits / self.documents if self.documents else 0.0


def tally_of(audited: Audited) -> Tally:
    """The candidate, counted; take it by `audited.once`."""
    return tally(audited.candidate)


def figures_of(audited: Audited) -> Mapping[str, Figure]:
    """All figures by name; take them by `audited.once`."""
    gates, now = audited.recipe.cleaned.gates, audited.once(tally_of)
    earlier = _earlier(audited, now, gates)
    return {**_changes(now, earlier, gates), **_wiped_out(now, earlier, gates), **_own(now, gates)}


# the snapshot before ------------------------------------------------------------------------------------------------


def _earlier(audited: Audited, now: Tally, gates: GatesSection) -> Earlier:
    rules = [operator.fingerprint for operator in audited.operators]

    def same_rules(publication: Publication) -> bool:
        record = publication.record
        return (
            [operator["fingerprint"] for operator in record.get("operators", ())] == rules
            and record.get("facts", {}).get("language") == audited.facts.get("language")
            and from_counts(record.get("counts", {})) is not None
        )

    found = audited.inputs.earlier("cleaned", audited.partition, same_rules)
    if found is None:
        return Earlier(None, None, "nothing to compare with: the first snapshot that was cleaned by these rules")
    before = from_counts(found.record["counts"])
    common = 0.0 if before is None else _common(now.by["host"], before.by["host"])
    if common < gates.min_common_hosts:
        why = f"not compared with {found.partition}: it shares the hosts of {common:.2f} of the documents"
        return Earlier(found.partition, None, why)
    return Earlier(found.partition, before)


def _common(now: Mapping[str, Count], before: Mapping[str, Count]) -> float:
    """Share of the documents of listed hosts that are on hosts which both list; the smaller of the two sides'."""
    both = now.keys() & before.keys()
    sides = [(sum(side[name].documents for name in both), sum(c.documents for c in side.values()))
             for side in (now, before)]  # fmt: skip
    return min(part / whole if whole else 0.0 for part, whole in sides)


# changes ------------------------------------------------------------------------------------------------------------


def _changes(now: Tally, earlier: Earlier, gates: GatesSection) -> dict[str, Figure]:
    names = ("drop_rate_change_by_language", "drop_rate_change_by_host", "reason_rate_change", "language_shift")
    before = earlier.tally
    if before is None:
        return {name: Figure(0.0, earlier.why) for name in names}
    least = min(now.documents, before.documents)
    if least < gates.min_documents:
        why = f"not compared with {earlier.snapshot}: {least:,} documents are fewer than {gates.min_documents:,}"
        return {name: Figure(0.0, why) for name in names}
    whole = (
        "all languages",
        (now.documents - now.kept, now.documents),
        (before.documents - before.kept, before.documents),
    )
    languages = [*_drops(now.by["language"], before.by["language"]), _pair(*whole)]
    hosts = list(_drops(now.by["host"], before.by["host"]))
    reasons = list(_of_all(now, before, "reason"))
    shift = [(a, b, beyond_chance(a, b, gates.sigmas)) for a, b in _of_all(now, before, "language")]
    moved = [b.name for _, b, change in sorted(shift, key=lambda one: -one[2]) if change > 0]
    told = (
        f"{sum(c for *_, c in shift) / 2:.3f}: shares of {_listed(moved) or 'none'} moved, against {earlier.snapshot}"
    )
    changes = [_largest(pairs, earlier, gates) for pairs in (languages, hosts, reasons)]
    return dict(zip(names, [*changes, Figure(sum(c for *_, c in shift) / 2, told)], strict=True))


def _pair(name: str, now: tuple[int, int], before: tuple[int, int]) -> tuple[Share, Share]:
    return Share(name, *before), Share(name, *now)


def _drops(now: Mapping[str, Count], before: Mapping[str, Count]) -> Iterator[tuple[Share, Share]]:
    for name in sorted(now.keys() & before.keys()):
        a, b = before[name], now[name]
        yield _pair(name, (b.documents - b.kept, b.documents), (a.documents - a.kept, a.documents))


def _of_all(now: Tally, before: Tally, facet: str) -> Iterator[tuple[Share, Share]]:
    none = Count(0, 0)
    for name in sorted(now.by[facet].keys() | before.by[facet].keys()):
        a, b = before.by[facet].get(name, none), now.by[facet].get(name, none)
        yield _pair(name, (b.documents, now.documents), (a.documents, before.documents))


def beyond_chance(before: Share, now: Share, sigmas: float) -> float:
    """The difference of two shares, less `sigmas` standard errors of it (pooled, documents taken as independent)."""
    pooled = (before.hits + now.hits) / (before.documents + now.documents)
    error = sqrt(pooled * (1 - pooled) * (1 / before.documents + 1 / now.documents))
    return max(0.0, abs(now.value - before.value) - sigmas * error)


def _largest(pairs: Iterable[tuple[Share, Share]], earlier: Earlier, gates: GatesSection) -> Figure:
    judged = [(a, b) for a, b in pairs if min(a.documents, b.documents) >= gates.min_documents]
    if not judged:
        return Figure(0.0, f"none has {gates.min_documents:,} documents here and in {earlier.snapshot}")
    a, b = max(judged, key=lambda pair: beyond_chance(pair[0], pair[1], gates.sigmas))
    change = beyond_chance(a, b, gates.sigmas)
    told = (
        f"{b.name or 'without a name'} went from {a.value:.3f} of {a.documents:,} to {b.value:.3f} of {b.documents:,}"
    )
    return Figure(change, f"{change:.3f} beyond chance: {told}, against {earlier.snapshot}")


def _wiped_out(now: Tally, earlier: Earlier, gates: GatesSection) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    least, kept_before = gates.wiped_out.min_documents, gates.wiped_out.min_kept_before
    for facet in ("host", "source"):
        before = {} if earlier.tally is None else earlier.tally.by[facet]
        gone = [
            name for name, count in now.by[facet].items()
            if least is not None and count.kept == 0 and name in before
            and min(count.documents, before[name].documents) >= least
            and before[name].kept >= kept_before * before[name].documents
            and (1 - before[name].kept / before[name].documents) ** count.documents <= _CHANCE
        ]  # fmt: skip
        told = f"{_listed(gone) or 'none'}, against {earlier.snapshot}" if earlier.tally is not None else earlier.why
        found[f"{facet}s_wiped_out"] = Figure(len(gone), told)
    return found


# the candidate alone ------------------------------------------------------------------------------------------------


def _own(now: Tally, gates: GatesSection) -> dict[str, Figure]:
    steps = {name: count.documents for facet in ("filter", "editor") for name, count in now.by[facet].items()}
    shares = {name: steps.get(name, 0) / now.documents for name in _named(gates)} if now.documents else {}
    few = now.documents < gates.min_documents
    why = f"{now.documents:,} documents are fewer than {gates.min_documents:,}"
    chars = {name: count.removed_chars / max(1, now.extracted_chars) for name, count in now.by["editor"].items()}
    judged = {
        "removed_share": _most({name: share for name, share in chars.items() if share > 0}),
        "growth_share": _most({name: -share for name, share in chars.items() if share < 0}),
        "replaced_per_1000": _per_1000(now.replaced, now.kept),
        "mojibake_per_1000": _per_1000(now.mojibake, now.kept),
        "emptied_share": _share(now.emptied, now.documents),
        "not_extracted_share": _share(now.not_extracted, now.documents),
        "undetermined_share": _share(now.by["language"].get("und", Count(0, 0)).documents, now.documents),
    }
    expected, at_most = gates.effect.expect, gates.effect.at_most
    return {
        "effect_missing": _most({n: max(0.0, expected[n] - s) for n, s in shares.items() if n in expected}),
        "effect_beyond": _most({n: max(0.0, s - at_most[n]) for n, s in shares.items() if n in at_most}),
        **({name: Figure(0.0, why) for name in judged} if few else judged),
    }


def _named(gates: GatesSection) -> set[str]:
    return set(gates.effect.expect) | set(gates.effect.at_most)


def _most(by_name: Mapping[str, float]) -> Figure:
    if not by_name:
        return Figure(0.0, "none")
    name = max(sorted(by_name), key=lambda one: by_name[one])
    return Figure(by_name[name], f"{by_name[name]:.4f} by {name}")


def _share(part: int, whole: int) -> Figure:
    return Figure(part / whole if whole else 0.0, f"{part:,} of {whole:,} documents")


def _per_1000(part: int, kept: int) -> Figure:
    return Figure(1000 * part / kept if kept else 0.0, f"{part:,} of {kept:,} kept documents")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(name or "(no name)" for name in names[:_MOST_NAMES]) + more
