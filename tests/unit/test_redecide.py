"""When new verdicts are enough: only if every difference to what is published is a bound of a rule."""

from dataclasses import asdict
from typing import Any

import pytest

from spark_jobs.lake.records import canonical_json
from spark_jobs.recipe.fingerprint import package_versions
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.stages.clean import Clean, operators_of
from spark_jobs.stages.redecide import measured_with, moved_bounds

STEPS: list[Any] = ["ftfy_repair", {"gopher_quality": {"min_words": 20}}, "mask_pii", "fineweb_quality"]


def section(*steps: Any, **settings: Any) -> CleanedSection:
    return CleanedSection(steps=list(steps) or STEPS, **settings)


def parts(made: CleanedSection) -> Any:
    return Clean().fingerprint_parts(Recipe.model_construct(name="test", cleaned=made))


def record(made: CleanedSection) -> dict[str, Any]:
    """What a publication says, as it comes back from the commit."""
    import json

    full = {
        "operators": [asdict(operator) for operator in operators_of(made)],
        "facts": {"measured_with": measured_with(parts(made))},
        "provenance": {"packages": package_versions()},
    }
    loaded: dict[str, Any] = json.loads(canonical_json(full))
    return loaded


def moved(now: CleanedSection, then: dict[str, Any]) -> tuple[str, ...]:
    return moved_bounds(operators_of(now), parts(now), then)


def test_bounds_that_moved_are_named() -> None:
    now = section("ftfy_repair", {"gopher_quality": {"min_words": 80, "max_hash_ratio": None}}, "mask_pii",
                  {"fineweb_quality": {"max_short_lines": 0.5}})  # fmt: skip
    assert moved(now, record(section())) == (
        "gopher_quality.min_words", "gopher_quality.max_hash_ratio", "fineweb_quality.max_short_lines",
    )  # fmt: skip


def test_nothing_moved_is_no_reason_to_decide_again() -> None:
    assert moved(section(), record(section())) == ()


@pytest.mark.parametrize(
    "now",
    [
        section("ftfy_repair", {"gopher_quality": {"min_words": 80, "stop_words": ["a"]}}, "mask_pii",
                "fineweb_quality"),
        section("ftfy_repair", {"gopher_quality": {"min_words": 80}}, {"mask_pii": {"ip": False}}, "fineweb_quality"),
        section("ftfy_repair", {"gopher_quality": {"min_words": 80}}, "fineweb_quality", "mask_pii"),
        section("ftfy_repair", {"gopher_quality": {"min_words": 80}}, "mask_pii"),
        section("whitespace", {"gopher_quality": {"min_words": 80}}, "mask_pii", "fineweb_quality"),
        section("ftfy_repair", {"gopher_quality": {"min_words": 80}}, "mask_pii", "fineweb_quality", "c4_quality"),
        section("ftfy_repair", {"gopher_quality": {"min_words": 80}}, "mask_pii", "fineweb_quality",
                language={"max_chars": 10}),
    ],
)  # fmt: skip
def test_anything_else_needs_the_whole_pass(now: CleanedSection) -> None:
    assert moved(now, record(section())) == ()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda then: then["provenance"]["packages"].update(numba="0"),
        lambda then: then["facts"].pop("measured_with"),
        lambda then: then["operators"][2].update(version=0),
        lambda then: then.pop("operators"),
        lambda then: then.pop("provenance"),
    ],
)
def test_a_publication_made_with_anything_else_needs_the_whole_pass(spoil: Any) -> None:
    then = record(section())
    now = section("ftfy_repair", {"gopher_quality": {"min_words": 80}}, "mask_pii", "fineweb_quality")
    assert moved(now, then) == ("gopher_quality.min_words",)
    spoil(then)
    assert moved(now, then) == ()


def test_every_part_of_the_fingerprint_beside_the_steps_is_compared() -> None:
    found = dict(parts(section()))
    for key in found:
        changed = measured_with({**found, key: "other"}) != measured_with(found)
        assert changed == (key != "steps"), key
    assert measured_with({**found, "new": 1}) != measured_with(found)
