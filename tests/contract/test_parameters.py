"""Every parameter of every operator that is found: described, bounded below, and a share cannot exceed 1."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from spark_jobs.operators import registry
from spark_jobs.operators.faults import models_in, scalars_in

OPERATORS = [(kind, name) for kind in registry.KINDS for name in registry.find(kind)]


def parameters(model: type[BaseModel], key: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield f"{key}.{name}", field
        for inner in models_in(field.annotation):
            yield from parameters(inner, f"{key}.{name}")


def limit(field: FieldInfo, *names: str) -> Any:
    found = [getattr(rule, name) for rule in field.metadata for name in names if hasattr(rule, name)]
    return found[0] if found else None


@pytest.mark.parametrize(("kind", "name"), OPERATORS)
def test_every_parameter_says_what_it_is_and_cannot_be_absurd(kind: str, name: str) -> None:
    for key, field in parameters(registry.find(kind)[name].Params, name):
        assert field.description, f"{key}: no description, so no unit"
        if not scalars_in(field.annotation) & {int, float}:
            continue
        assert limit(field, "ge", "gt") is not None, f"{key}: any negative number would do"
        if field.description.startswith(("share", "fraction")):
            assert limit(field, "ge", "gt") >= 0, key
            most = limit(field, "le", "lt")
            assert most is not None, f"{key}: a share has no upper bound"
            assert most <= 1, key
