"""Which parameters of a filter are bounds: they move its rules and nothing that it measures, so stored signals answer.

A bound shows in `rules()`; the operator is built and asked. A parameter that shows there and in what is measured as
well says so in its field, `json_schema_extra={"bound": False}`; a contract test holds every filter to that.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from spark_jobs.operators import registry


def changed_parameters(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the parameters of a filter that differ. Raises RecipeError where a value does not fit."""
    old, new = _params(name, before), _params(name, after)
    return tuple(field for field in type(old).model_fields if getattr(old, field) != getattr(new, field))


def measuring_parameters(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of the changed parameters of a filter that are not bounds: moving them changes the signals themselves."""
    changed = changed_parameters(name, before, after)
    return tuple(field for field in changed if not _is_bound(name, before, after, field))


def _is_bound(name: str, before: Mapping[str, Any], after: Mapping[str, Any], field: str) -> bool:
    old, new = _params(name, before), _params(name, after)
    declared = type(old).model_fields[field].json_schema_extra
    if isinstance(declared, dict) and declared.get("bound") is False:
        return False
    kind = registry.find("filters")[name]
    # Alone it may contradict another bound that moved with it; then it is judged by moving it back.
    for base, value in ((old, getattr(new, field)), (new, getattr(old, field))):
        try:
            moved = kind.Params.model_validate({**base.model_dump(), field: value})
        except ValidationError:
            continue
        return bool(kind(moved).rules() != kind(base).rules())
    return False


def _params(name: str, params: Mapping[str, Any]) -> Any:
    return registry.build("filters", name, params).params
