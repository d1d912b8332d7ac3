"""Which change of the recipe stands behind a verdict: from two releases' records, before any row is looked at.

Every answer is one cause and a detail in words. Where several things changed, the one that is nearest to the verdict
counts: the bound itself, then the filter, then what made the text that it measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spark_jobs.analysis.recipe_diff import (
    Difference,
    Operator,
    by_name,
    named,
    of_facts,
    of_operator,
    of_operators,
    told,
)
from spark_jobs.analysis.released import Released

# What a change can be attributed to; every document has exactly one.
SNAPSHOT, INPUT, TAKEDOWN, FILTER, TEXT, MODEL, DEDUP, SELECTION, CAPTURE, CONTAMINATION, REWRITING, CODE = (
    "snapshot", "input", "takedown", "filter", "text", "model", "dedup", "selection", "capture", "contamination",
    "rewriting", "code",
)  # fmt: skip
MEANING: Mapping[str, str] = {
    SNAPSHOT: "its snapshot is in one of the releases only",
    INPUT: "its snapshot was read from other files, or otherwise",
    TAKEDOWN: "it was taken down, or what is known of it, or it survives since another was",
    FILTER: "a filter changed, was added or taken out",
    TEXT: "an extractor or editor changed the text",
    MODEL: "a model changed",
    DEDUP: "another document survives for it, or another piece is cut of it",
    SELECTION: "the selection, its quota or the pool it cuts changed",
    CAPTURE: "another capture of its page is taken",
    CONTAMINATION: "the benchmarks changed, or what counts as holding one",
    REWRITING: "rewriting changed, or its gates",
    CODE: "code or packages changed, nothing in the recipe did",
}
_TEXT_MAKERS = ("extractors", "editors")
_SAME = "the same recipe and packages gave another value"


@dataclass(frozen=True)
class Cause:
    """What a change is attributed to."""

    cause: str
    detail: str


@dataclass(frozen=True)
class Blame:
    """The two releases, and what is different of what they were made with."""

    before: Released
    after: Released

    def _operators(self, table: str, *kinds: str) -> tuple[dict[str, Operator], dict[str, Operator]]:
        return by_name(self.before.record(table), *kinds), by_name(self.after.record(table), *kinds)

    def _facts(self, table: str, name: str) -> list[Difference]:
        facts = [one.record(table).get("facts", {}).get(name) for one in (self.before, self.after)]
        return of_facts(name, *facts)

    # text -----------------------------------------------------------------------------------------------------------

    @cached_property
    def text_makers(self) -> dict[str, list[Difference]]:
        """Extractors and editors that changed, in the order in which they run."""
        then, now = self._operators("cleaned", *_TEXT_MAKERS)
        names = (*now, *(name for name in then if name not in now))
        found = {name: of_operator(name, then.get(name), now.get(name)) for name in names}
        return {name: differences for name, differences in found.items() if differences}

    @cached_property
    def extractor(self) -> Cause | None:
        """The extractor, where it changed."""
        then, now = self._operators("cleaned", "extractors")
        found = of_operators(then, now)
        return Cause(TEXT, told(found)) if found else None

    @cached_property
    def underneath(self) -> Cause:
        """What else determines a text or a signal: the language model, words, packages, the code itself."""
        if found := self._facts("cleaned", "language"):
            return Cause(MODEL, told(found))
        if found := self._facts("cleaned", "words"):
            return Cause(TEXT, told(found))
        then, now = (one.record("cleaned").get("provenance", {}) for one in (self.before, self.after))
        if found := of_facts("packages", then.get("packages"), now.get("packages")):
            return Cause(CODE, told(found))
        if found := of_facts("code", then.get("code"), now.get("code")):
            return Cause(CODE, told(found))
        return Cause(CODE, _SAME)

    def of_text(self, until: str | None = None, *, dropped_in: Released | None = None) -> Cause:
        """The first change of what makes text, before the operator `until` of a release where it is given."""
        order = list(by_name((dropped_in or self.after).record("cleaned")))
        limit = order.index(until) if until in order else len(order)
        for name, found in self.text_makers.items():
            if name not in order or order.index(name) < limit:
                return Cause(TEXT, told(found))
        return self.underneath

    # filters --------------------------------------------------------------------------------------------------------

    def reasons(self, dropped_in: Released) -> dict[str, tuple[int, Cause]]:
        """By `filter.reason` of a release what changed of it, and how near that is: lower is nearer."""
        then, now = self._operators("cleaned", "filters")
        found: dict[str, tuple[int, Cause]] = {}
        for place, (name, own) in enumerate(by_name(dropped_in.record("cleaned"), "filters").items()):
            differences = of_operator(name, then.get(name), now.get(name))
            for rule in own.get("rules", ()):
                near, cause = self._reason(name, str(rule["reason"]), differences, dropped_in)
                found[f"{name}.{rule['reason']}"] = (1000 * near + place, cause)
        return found

    def _reason(self, name: str, reason: str, differences: list[Difference], dropped_in: Released) -> tuple[int, Cause]:
        then, now = self._operators("cleaned", "filters")
        if not differences:
            return 3, self.of_text(name, dropped_in=dropped_in)
        rules = [_rule(operators.get(name), reason) for operators in (then, now)]
        if name not in then or name not in now:
            return 0, Cause(FILTER, told(differences))
        if rules[0] == rules[1]:
            # The bound stands, so what moved is what is measured.
            rest = [d for d in differences if not _is_bound(d, then[name], now[name])]
            return (1, Cause(FILTER, told(rest))) if rest else (3, self.of_text(name, dropped_in=dropped_in))
        moved = [d for d in differences if _moves(d, *rules)]
        return 0, Cause(FILTER, told(moved or differences))

    # later stages ---------------------------------------------------------------------------------------------------

    @cached_property
    def models(self) -> list[Difference]:
        """Scorers whose model changed, or that were added or taken out."""
        return of_operators(*self._operators("scored"))

    @cached_property
    def rewrite_models(self) -> list[Difference]:
        """The scorer of rewrites, where it changed."""
        return of_operators(*self._operators("mixed", "scorers"))

    @cached_property
    def dedup(self) -> list[Difference]:
        """Parameters of dedup that changed."""
        return of_operators(*self._operators("deduped"))

    @cached_property
    def mixing(self) -> list[Difference]:
        """Parameters of the mix that changed, and of its selectors."""
        return of_operators(*self._operators("mixed", "stage", "selectors"))

    def mixed_by(self, *prefixes: str) -> list[Difference]:
        """Changed parameters of the mix below these keys."""
        return named([d for d in self.mixing if d.operator == "mix"], *prefixes)

    @cached_property
    def selectors(self) -> list[Difference]:
        """Changed selectors and their parameters."""
        return [d for d in self.mixing if d.operator != "mix"]

    @cached_property
    def benchmarks(self) -> dict[str, Cause]:
        """By name the benchmarks that are not the same in both releases."""
        then, now = (
            {one["name"]: one["digest"] for one in released.record("mixed").get("facts", {}).get("benchmarks", ())}
            for released in (self.before, self.after)
        )
        return {
            name: Cause(CONTAMINATION, f"benchmark {name} {_became(then.get(name), now.get(name))}")
            for name in (*now, *(n for n in then if n not in now))
            if then.get(name) != now.get(name)
        }

    @cached_property
    def rewriting(self) -> Cause:
        """What changed of rewriting: the model, the strategy, the gates, or what was planned."""
        if found := self._facts("rewritten", "model"):
            return Cause(MODEL, f"rewriting {told(found)}")
        found = of_operators(*self._operators("rewritten")) + self._facts("rewritten", "generation")
        return Cause(REWRITING, told(found) if found else "other documents were rewritten")

    def recipe(self) -> list[dict[str, Any]]:
        """Every difference of what the releases were made with, by table."""
        tables = {
            "cleaned": of_operators(*self._operators("cleaned"))
            + self._facts("cleaned", "language") + self._facts("cleaned", "words"),
            "scored": self.models,
            "deduped": self.dedup,
            "rewritten": of_operators(*self._operators("rewritten")) + self._facts("rewritten", "model"),
            "mixed": self.mixing + self.rewrite_models,
        }  # fmt: skip
        return [{"table": table, **one.plain(), "told": str(one)} for table, found in tables.items() for one in found]


def _rule(operator: Operator | None, reason: str) -> Mapping[str, Any] | None:
    rules = operator.get("rules", ()) if operator is not None else ()
    return next((rule for rule in rules if rule["reason"] == reason), None)


def _moves(difference: Difference, then: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    """Whether a parameter is the bound of a rule that moved: its values before and after are those of the rule."""
    ends = [(_end(then, key), _end(now, key)) for key in ("minimum", "maximum")]
    return any(old != new and (difference.before, difference.after) == (old, new) for old, new in ends)


def _is_bound(difference: Difference, then: Operator, now: Operator) -> bool:
    """Whether a parameter is the bound of any rule of its operator."""
    reasons = {str(rule["reason"]) for one in (then, now) for rule in one.get("rules", ())}
    return any(_moves(difference, _rule(then, reason), _rule(now, reason)) for reason in reasons)


def _end(rule: Mapping[str, Any] | None, key: str) -> Any:
    return None if rule is None else rule.get(key)


def _became(then: str | None, now: str | None) -> str:
    return "added" if then is None else "taken out" if now is None else f"{then[:12]} -> {now[:12]}"
