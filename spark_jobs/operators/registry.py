"""Finding and building operators: by kind and name, from the files in the folders. Nothing is listed by hand."""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType, ModuleType
from typing import Any

from pydantic import ValidationError

from spark_jobs import operators
from spark_jobs.errors import ParameterError, RecipeError
from spark_jobs.operators.faults import near, phrase_of

KINDS = ("extractors", "editors", "filters", "scorers", "selectors", "strategies")


@lru_cache(maxsize=len(KINDS))
def find(kind: str) -> Mapping[str, type[Any]]:
    """All operators of a kind by name: the class of `operators/<kind>/<name>.py` whose `name` is the file's."""
    if kind not in KINDS:
        raise RecipeError(f"unknown kind of operator: {kind}; there are {', '.join(KINDS)}")
    package = importlib.import_module(f"{operators.__name__}.{kind}")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))
    return MappingProxyType({name: _class_of(importlib.import_module(f"{package.__name__}.{name}")) for name in names})


def kind_of(name: str, kinds: tuple[str, ...] = KINDS) -> str:
    """The kind that holds an operator of this name; RecipeError with near matches if none of `kinds` does."""
    for kind in kinds:
        if name in find(kind):
            return kind
    known = [known for kind in kinds for known in find(kind)]
    what = " or ".join(kind.removesuffix("s") for kind in kinds)
    raise RecipeError(f"unknown {what}: {name}{near(name, known)}")


def build(kind: str, name: str, params: Mapping[str, Any] | None = None) -> Any:
    """An operator with its parameters checked; RecipeError in one line if the name or a parameter is wrong."""
    operator = find(kind_of(name, (kind,)))[name]
    try:
        checked = operator.Params.model_validate(dict(params or {}))
    except ValidationError as error:
        raise _explained(name, operator, error) from None
    built = operator(checked)
    _check_rules(built)
    return built


def fingerprint(operator: Any) -> str:
    """Hex SHA-256 of name, version and canonical parameters: equal fingerprints give equal output.

    A file that is pinned by `sha256` counts by its digest, wherever it lies.
    """
    params = _without_places(operator.params.model_dump(mode="json"))
    identity = {"name": operator.name, "version": operator.version, "params": params}
    text = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_places(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_places(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    pinned = bool(value.get("sha256"))
    return {key: _without_places(inner) for key, inner in value.items() if not (pinned and key == "path")}


def _class_of(module: ModuleType) -> type[Any]:
    name = module.__name__.rpartition(".")[2]
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__ and getattr(value, "name", None) == name:
            return value
    raise RecipeError(f"{module.__name__} has no operator: a class whose `name` is {name!r}; add it or move the file")


def _explained(name: str, operator: type[Any], error: ValidationError) -> ParameterError:
    faults = []
    for fault in error.errors(include_url=False):
        culprit = getattr(fault.get("ctx", {}).get("error"), "key", ())
        faults.append(((*fault["loc"], *culprit), phrase_of(fault, operator.Params, "parameter")))
    return ParameterError(name, tuple(faults))


def _check_rules(operator: Any) -> None:
    for rule in operator.rules() if hasattr(operator, "rules") else ():
        low, high = rule.minimum, rule.maximum
        if low is not None and high is not None and (low > high or (rule.exclusive and low == high)):
            fault = f"{rule.signal} cannot lie between {low:g} and {high:g}: nothing could pass"
            raise ParameterError(operator.name, (((), fault),))
