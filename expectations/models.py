"""What must hold of a fitted model, judged from its figures on rows it never saw: one row of numbers, one model."""

from collections.abc import Callable, Mapping
from typing import Any

import great_expectations.expectations as gxe
from pyspark.sql import DataFrame, SparkSession

from expectations.gate import Audited, Law, Severity
from spark_jobs.recipe.sections.scored import FitLimits
from spark_jobs.stages.fit_plan import fit_of

_TYPES = {"bytes": "BIGINT", "nan": "BIGINT", "stand_ins": "BIGINT"}


def judged(metrics: Mapping[str, Any]) -> dict[str, float | int | None]:
    """The figures that are judged, by name."""
    span = metrics["separation"]["range"]
    surface = [value for value in metrics["shortcuts"]["surface_auc"].values() if value is not None]
    bits = metrics["proxy"].get("bits_per_word")
    return {
        "auc": metrics["separation"]["auc"],
        "bytes": metrics["bytes"],
        "lowest": span["min"],
        "highest": span["max"],
        "nan": span["nan"],
        "spread": span["spread"],
        "bits_low": None if bits is None else bits["low"],
        "length_correlation": metrics["shortcuts"]["rank_correlation"]["length"],
        "surface_auc": max(surface, default=None),
        "stand_ins": metrics["sizes"]["stand_ins"],
    }


def figures(spark: SparkSession, metrics: Mapping[str, Any]) -> DataFrame:
    """The figures that are judged, as one row."""
    row = judged(metrics)
    schema = ", ".join(f"{name} {_TYPES.get(name, 'DOUBLE')}" for name in row)
    return spark.createDataFrame([tuple(row.values())], schema)


def _limits(audited: Audited) -> FitLimits:
    """Those of the model's own fit; what is audited is the model of this name."""
    return fit_of(audited.recipe, audited.partition).section.limits


def _between(
    name: str, says: str, column: str, bounds: Callable[[FitLimits], tuple[float | None, float | None]],
    severity: Severity = "error",
) -> Law:  # fmt: skip
    def expect(audited: Audited) -> gxe.ExpectColumnMinToBeBetween:
        low, high = bounds(_limits(audited))
        # An aggregate of the one row: a missing figure is null and fails, where a row-wise expectation would pass.
        return gxe.ExpectColumnMinToBeBetween(column=column, min_value=low, max_value=high)

    return Law(name=name, says=says, expect=expect, severity=severity)


LAWS: tuple[Law, ...] = (
    _between(
        "separates_held_out_sources", "the model separates references from the pool on sources it never saw", "auc",
        lambda limits: (limits.min_auc, 1.0),
    ),
    _between(
        "size_is_bounded", "the model's file is no larger than the recipe allows", "bytes",
        lambda limits: (1, limits.max_bytes),
    ),
    _between("lowest_score_is_in_range", "no held-out score lies below 0", "lowest", lambda _: (0.0, 1.0)),
    _between("highest_score_is_in_range", "no held-out score lies above 1", "highest", lambda _: (0.0, 1.0)),
    _between("no_score_is_nan", "every held-out score is a number", "nan", lambda _: (0, 0)),
    _between(
        "scores_are_spread", "scores of the pool differ enough to be cut", "spread",
        lambda limits: (limits.min_spread, None),
    ),
    _between(
        "chosen_text_teaches_more", "text the model chose teaches more of the held-out references than random text",
        "bits_low", lambda _: (0.0, None), severity="warning",
    ),
    _between(
        "length_is_no_shortcut", "the score does not merely follow length", "length_correlation",
        lambda limits: (-limits.max_length_correlation, limits.max_length_correlation), severity="warning",
    ),
    _between(
        "surface_is_no_shortcut", "no surface feature alone separates as well", "surface_auc",
        lambda limits: (0.0, limits.max_surface_auc), severity="warning",
    ),
    _between(
        "fitted_on_the_pool", "all negatives are documents of the pool", "stand_ins", lambda _: (0, 0),
        severity="warning",
    ),
)  # fmt: skip


def required(laws: tuple[Law, ...], limits: FitLimits) -> tuple[Law, ...]:
    """The laws under the recipe's limits: it may make the proxy blocking."""
    blocking = {"chosen_text_teaches_more"} if limits.require_proxy else set()
    return tuple(
        Law(name=law.name, says=law.says, expect=law.expect, frame=law.frame, severity="error")
        if law.name in blocking else law
        for law in laws
    )  # fmt: skip
