"""What two publications were made with, compared: operators, parameters, versions, models; from their records alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MOST = 60
_MISSING = "(none)"
Operator = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same. `parameter` is empty where the operator itself was added or taken out."""

    operator: str
    parameter: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """In a few words, before -> after."""
        if not self.parameter:
            return f"{self.operator} {'added' if self.before is None else 'taken out'}"
        return f"{self.operator}.{self.parameter} {_short(self.before)} -> {_short(self.after)}"

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        return {"operator": self.operator, "parameter": self.parameter or None, "before": self.before,
                "after": self.after}  # fmt: skip


def by_name(record: Mapping[str, Any], *kinds: str) -> dict[str, Operator]:
    """Operators of a record by name, in their order; of these kinds, or of all. The second of one name is `name 2`."""
    found: dict[str, Operator] = {}
    for one in record.get("operators", ()):
        if not kinds or one["kind"] in kinds:
            found[one["name"] if one["name"] not in found else f"{one['name']} 2"] = one
    return found


def of_operators(before: Mapping[str, Operator], after: Mapping[str, Operator]) -> list[Difference]:
    """All differences of two sets of operators, in the order of the later one; what was taken out comes last."""
    found: list[Difference] = []
    for name, now in after.items():
        found += of_operator(name, before.get(name), now)
    for name, then in before.items():
        if name not in after:
            found += of_operator(name, then, None)
    return found


def of_operator(name: str, before: Operator | None, after: Operator | None) -> list[Difference]:
    """What is different of one operator: its parameters, its version, its model; nothing where it is the same."""
    if before is None or after is None:
        versions = [None if one is None else one["version"] for one in (before, after)]
        return [Difference(name, "", *versions)] if versions != [None, None] else []
    found = of_parameters(name, before.get("params", {}), after.get("params", {}))
    found += [
        Difference(name, key, before.get(key), after.get(key))
        for key in ("version", "artefact")
        if before.get(key) != after.get(key)
    ]
    if not found and before.get("fingerprint") != after.get("fingerprint"):
        found.append(Difference(name, "fingerprint", before.get("fingerprint"), after.get("fingerprint")))
    return found


def of_parameters(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Parameters by their path (`minhash.bands`) that differ."""
    then, now = dict(_leaves(before)), dict(_leaves(after))
    return [
        Difference(name, path, then.get(path), now.get(path))
        for path in dict.fromkeys((*now, *then))
        if then.get(path) != now.get(path)
    ]


def of_facts(name: str, before: Any, after: Any) -> list[Difference]:
    """The same of a fact of the record (a language model, packages); what only one record says is no difference."""
    if before is None or after is None or before == after:
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return of_parameters(name, before, after)
    return [Difference(name, "is", before, after)]


def named(found: Sequence[Difference], *prefixes: str) -> list[Difference]:
    """Those whose parameter is, or lies below, one of these."""
    return [d for d in found if any(d.parameter == p or d.parameter.startswith(f"{p}.") for p in prefixes)]


def told(found: Sequence[Difference], most: int = 3) -> str:
    """Some differences in one line."""
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return "; ".join(map(str, found[:most])) + more


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _leaves(inner, f"{path}{key}.")
        else:
            yield f"{path}{key}", inner


def _short(value: Any) -> str:
    if value is None:
        return _MISSING
    if isinstance(value, list | tuple) and len(value) > 8:
        return f"[{len(value)} entries]"
    text = str(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
