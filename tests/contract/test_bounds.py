"""What-if and re-deciding rest on this: a parameter that counts as a bound changes nothing that its filter measures."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from spark_jobs.operators import registry
from spark_jobs.operators.bounds import changed_parameters, measuring_parameters
from spark_jobs.text.batch import TextBatch

# Other values for a parameter of any type; those that do not fit it are refused by the operator itself.
PROBES: tuple[Any, ...] = (None, 0, 1, 2, 3, 0.5, 0.01, 17, 100, True, False, "x", ("x", "the"), {"x": 1})
TEXTS = (
    "", " \n\t", "x", "The plan that we have is to be kept. " * 12, "- one\n- two…\n# # #\n" * 4, "a b\n\na b\n\na b",
    "名前は言葉です。これは文です。", "שלום עולם",
    "see https://x.example/a?b=1 or mail a@b.example, { lorem ipsum } javascript",
)  # fmt: skip
COLUMNS = {
    "doc_id": [f"{i:032x}" for i in range(len(TEXTS))],
    "url": [f"https://www.site{i}.example/the/x" for i in range(len(TEXTS))],
    "host": [f"www.site{i}.example" for i in range(len(TEXTS))],
    "source": ["crawl"] * len(TEXTS),
    "content_type": ["text/html"] * len(TEXTS),
    "language": ["en", "en", "x", "en", "de", "en", "ja", "he", "en"],
    "language_score": [0.1, 0.2, 0.3, 0.99, 0.5, 0.65, 0.9, 0.8, 0.7],
    "script": ["Latn"] * 6 + ["Jpan", "Hebr", "Latn"],
}


def batch() -> TextBatch:
    return TextBatch.of(pa.array(TEXTS, pa.large_string()), **{name: pa.array(v) for name, v in COLUMNS.items()})


def moves() -> Iterator[Any]:
    """Every parameter of every filter, with a value that fits it and differs from the default."""
    for name, kind in registry.find("filters").items():
        for field in kind.Params.model_fields:
            yield pytest.param(name, field, id=f"{name}.{field}")


def values_of(name: str, field: str) -> list[dict[str, Any]]:
    kind = registry.find("filters")[name]
    fitting = []
    for probe in PROBES:
        try:
            params = kind.Params.model_validate({field: probe})
            kind(params)
        except (ValidationError, ValueError, TypeError, OSError):
            continue
        if getattr(params, field) != getattr(kind.Params(), field):
            fitting.append(params.model_dump(mode="json"))
    return fitting


@pytest.mark.parametrize(("name", "field"), list(moves()))
def test_a_bound_changes_nothing_that_is_measured(name: str, field: str) -> None:
    kind = registry.find("filters")[name]
    published = kind.Params().model_dump(mode="json")
    measured = kind(kind.Params()).annotate(batch())
    for params in values_of(name, field):
        if changed_parameters(name, published, params) != (field,) or measuring_parameters(name, published, params):
            continue
        moved = kind(kind.Params.model_validate(params)).annotate(batch())
        for signal, found in moved.items():
            assert np.array_equal(found, measured[signal], equal_nan=True), (
                f"{name}.{field} moves a rule and changes the signal {signal}: declare it "
                'with Field(..., json_schema_extra={"bound": False})'
            )


@pytest.mark.parametrize(
    ("name", "params", "measuring"),
    [
        ("gopher_quality", {"min_words": 80, "max_hash_ratio": None}, ()),
        ("gopher_quality", {"min_words": 80, "stop_words": ["the"]}, ("stop_words",)),
        ("fineweb_quality", {"short_line_chars": 20}, ("short_line_chars",)),
        ("language_filter", {"exclusive": False}, ()),
        ("language_filter", {"languages": ["de"]}, ("languages",)),
        ("token_count", {"min_tokens": 5}, ()),
        ("gopher_quality", {}, ()),
    ],
)
def test_what_is_a_bound(name: str, params: dict[str, Any], measuring: tuple[str, ...]) -> None:
    assert measuring_parameters(name, {}, params) == measuring


def test_bounds_that_only_fit_together_are_judged_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from pydantic import Field, model_validator

    from spark_jobs.operators.base import Params, Rule

    class Pair(Params):
        low: int = 1
        high: int = 2
        both: int = Field(0, json_schema_extra={"bound": False})

        @model_validator(mode="after")
        def _room(self) -> "Pair":
            if self.low > self.high:
                raise ValueError("low is above high")
            return self

    class Probe:
        name, version = "probe", 1

        def __init__(self, params: Pair) -> None:
            self.params = params

        def rules(self) -> tuple[Rule, ...]:
            p = self.params
            return (Rule(reason="out", signal="x", minimum=p.low + p.both, maximum=p.high),)

    Probe.Params = Pair  # type: ignore[attr-defined]
    monkeypatch.setattr(registry, "find", lambda _kind: {"probe": Probe})
    assert measuring_parameters("probe", {}, {"low": 5, "high": 9}) == ()
    assert measuring_parameters("probe", {"high": 9}, {"high": 9, "low": 2, "both": 1}) == ("both",)
