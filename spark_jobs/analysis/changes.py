"""Changes that a person asks about: bounds moved (`filter.parameter=value`) and filters taken out, over stored filters.

Only what stored signals can answer is let through; the error says of the rest why it needs a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from spark_jobs.analysis.stored import StoredFilter
from spark_jobs.errors import UsageError
from spark_jobs.operators import registry
from spark_jobs.operators.bounds import measuring_parameters


@dataclass(frozen=True)
class Change:
    """One parameter of one filter, and the value it is to have."""

    filter: str
    parameter: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> "Change":
        """`filter.parameter=value`, the value as in a recipe (YAML: 80, 0.5, null, true). Raises UsageError."""
        target, equals, value = text.partition("=")
        name, parameter = split_target(target)
        if not equals or not value.strip():
            raise UsageError(f"--set {text}: no value; write {name}.{parameter}=VALUE, and =null to switch a rule off")
        try:
            return cls(name, parameter, yaml.safe_load(value))
        except yaml.YAMLError:
            raise UsageError(f"--set {text}: {value!r} is not a value as in a recipe; write 80, 0.5, null") from None


def split_target(text: str) -> tuple[str, str]:
    """`filter.parameter` as its two names. Raises UsageError."""
    name, dot, parameter = (part.strip() for part in text.strip().partition("."))
    if not dot or not name or not parameter:
        raise UsageError(f"{text.strip() or 'nothing'!r}: write FILTER.PARAMETER, as in gopher_quality.min_words")
    return name, parameter


def apply(
    filters: Sequence[StoredFilter], changes: Sequence[Change], without: Sequence[str] = ()
) -> tuple[StoredFilter, ...]:
    """The filters under the changes. Raises UsageError (RecipeError for a value that does not fit) in one line."""
    known = {stored.name: stored for stored in filters}
    for name in (*without, *(change.filter for change in changes)):
        require_filter(name, known)
    taken_out = sorted({change.filter for change in changes} & set(without))
    if taken_out:
        raise UsageError(f"--without {taken_out[0]} takes the filter out, and --set moves a bound of it: choose one")
    moved = {name: known[name].params for name in known}
    for change in changes:
        moved[change.filter] = {**moved[change.filter], change.parameter: change.value}
    return tuple(_moved(stored, moved[stored.name]) for stored in filters if stored.name not in without)


def require_code(stored: StoredFilter) -> None:
    """Raise UsageError where the code has another version of a filter than the one whose signals are stored."""
    version = registry.find("filters")[stored.name].version if stored.name in registry.find("filters") else None
    if version != stored.version:
        has = "does not have it any more" if version is None else f"has version {version}"
        raise UsageError(
            f"{stored.name}: its signals were stored by version {stored.version}, the code {has}; "
            "build cleaned again with ./provender run"
        )


def require_filter(name: str, known: Mapping[str, StoredFilter]) -> StoredFilter:
    """The filter of this name. Raises UsageError with the nearest name where the recipe did not run it."""
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known)) or 'none'}"
    what = "was not run by the published recipe" if name in registry.find("filters") else "is no filter"
    raise UsageError(f"{name}: {what}, so there are no signals of it; {hint}")


def _moved(stored: StoredFilter, params: Mapping[str, Any]) -> StoredFilter:
    if params == stored.params:
        return stored
    require_code(stored)
    operator = registry.build("filters", stored.name, params)
    measuring = measuring_parameters(stored.name, stored.params, params)
    if measuring:
        raise UsageError(
            f"{stored.name}.{measuring[0]}: it changes what is measured, not a bound, so stored signals cannot answer; "
            "change it in the recipe and build with ./provender run"
        )
    return StoredFilter(stored.name, stored.version, operator.params.model_dump(mode="json"), operator.rules())
