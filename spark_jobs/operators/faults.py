"""What is wrong with a value of a recipe, as a phrase: the value, what is taken instead, its unit, the nearest name.

Phrases only; which key and which line of which file they belong to is told where a recipe is loaded.
"""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Key = tuple[str | int, ...]

_SHOWN = 60  # characters of a value in a message
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_KINDS = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text", "tuple": "a list",
    "list": "a list", "dict": "a mapping", "model": "a mapping", "finite": "a finite number",
}  # fmt: skip
_PERCENT = 100


class MisfitError(ValueError):
    """A value that does not fit, found by a validator: the phrase, and the key of the culprit below the validated."""

    def __init__(self, phrase: str, *key: str | int) -> None:
        super().__init__(phrase)
        self.key: Key = key


def near(name: str, known: Iterable[str]) -> str:
    """How a message about an unknown name ends: the nearest of the known ones, or all of them if none is near."""
    listed = sorted(known)
    close = get_close_matches(name, listed, n=2, cutoff=0.6)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; there are {', '.join(listed) or 'none'}"


def phrase_of(fault: Mapping[str, Any], model: type[BaseModel], what: str = "key") -> str:
    """The phrase for one of pydantic's errors (`ValidationError.errors()`) about a value of `model`."""
    location, kind = tuple(fault["loc"]), str(fault["type"])
    if kind == "extra_forbidden":
        return f"no such {what}{near(str(location[-1]), _names_at(model, location[:-1]))}"
    if kind == "missing":
        return f"is missing{_unit(model, location)}"
    error = fault.get("ctx", {}).get("error")
    if kind == "value_error" and error is not None:
        return str(error)
    return f"is {shown(fault['input'])}, {_wanted(fault)}{_unit(model, location)}"


def shown(value: Any) -> str:
    """A value of a recipe as a message shows it: short, and no contents of lists and mappings."""
    if isinstance(value, BaseModel | Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "empty", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of, through Optional, Annotated and containers."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    parts = get_args(annotation)
    for part in parts[:1] if get_origin(annotation) is Annotated else parts:
        yield from models_in(part)


def scalars_in(annotation: Any) -> set[Any]:
    """The plain types of a value itself, through Optional and Annotated but not through containers."""
    if get_origin(annotation) is Annotated:
        return scalars_in(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return set().union(*(scalars_in(part) for part in get_args(annotation)))
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    return {annotation}


def refuse_truth(value: Any, annotation: Any) -> None:
    """Raise MisfitError for true or false where a number is wanted: pydantic would read 1 or 0."""
    wanted = scalars_in(annotation)
    if isinstance(value, bool) and wanted & {int, float} and bool not in wanted:
        raise MisfitError(f"is {shown(value)}, not a number")


def field_at(model: type[BaseModel], key: Sequence[str | int]) -> Any:
    """The pydantic field at a key, None where there is none; indices and keys of mappings are passed over."""
    candidates, found = [model], None
    for part in key:
        fields = [m.model_fields[part] for m in candidates if isinstance(part, str) and part in m.model_fields]
        if fields:
            found = fields[0]
            candidates = list(models_in(found.annotation))
    return found


def _names_at(model: type[BaseModel], key: Sequence[str | int]) -> list[str]:
    field = field_at(model, key)
    models = [model] if field is None else models_in(field.annotation)
    return [name for inner in models for name in inner.model_fields]


def _unit(model: type[BaseModel], key: Key) -> str:
    field = field_at(model, key)
    described = field is not None and field.description and key and key[-1] in _names_at(model, key[:-1])
    return f" ({field.description})" if described else ""


def _wanted(fault: Mapping[str, Any]) -> str:
    kind, context, value = str(fault["type"]), fault.get("ctx", {}), fault["input"]
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"must be {words} {context[name]:g}{_percent(kind, context, value)}"
    if kind == "literal_error":
        names = [part.strip(" '") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        return f"which is none of {', '.join(names)}" + (near(str(value), names) if isinstance(value, str) else "")
    stem = kind.partition("_")[0]
    if stem == "string" and isinstance(value, bool):
        return f"not a text; in YAML a bare yes, no, on or off is true or false: write it in quotes{_norway(value)}"
    if kind.endswith(("_type", "_parsing", "_from_float", "_number")) and stem in _KINDS:
        return f"not {_KINDS[stem]}"
    return str(fault["msg"])[:1].lower() + str(fault["msg"])[1:]


def _percent(kind: str, context: Mapping[str, Any], value: Any) -> str:
    bound = context.get("le", context.get("lt"))
    percent = kind.startswith("less") and bound == 1 and isinstance(value, int | float) and 1 < value <= _PERCENT
    return f": a share, not a percentage; did you mean {value / _PERCENT:g}?" if percent else ""


def _norway(value: bool) -> str:  # noqa: FBT001 - the value at fault
    return "" if value else " (Norwegian is 'no')"
