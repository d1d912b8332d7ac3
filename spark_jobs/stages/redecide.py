"""Whether a publication of `cleaned` needs only new verdicts: every difference to it is a bound of a rule.

Then its text and signals are what a full pass would give, and the verdicts follow from the signals. Anything else that
determines the table (extractor, editors, versions, lists, models, packages, order) must be as it was.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from spark_jobs.lake.records import sha256_of
from spark_jobs.operators.bounds import changed_parameters, measuring_parameters
from spark_jobs.recipe.fingerprint import package_versions
from spark_jobs.stages.stage import OperatorRecord


def measured_with(parts: Mapping[str, Any]) -> str:
    """One hash of everything in a fingerprint's parts beside the steps, which are compared one by one."""
    return sha256_of({key: value for key, value in parts.items() if key != "steps"})


def moved_bounds(
    operators: Sequence[OperatorRecord], parts: Mapping[str, Any], record: Mapping[str, Any]
) -> tuple[str, ...]:
    """`filter.parameter` of the bounds that moved since a publication; empty if more than bounds moved, or nothing."""
    earlier: Sequence[Mapping[str, Any]] = record.get("operators", ())
    if (
        record.get("facts", {}).get("measured_with") != measured_with(parts)
        or record.get("provenance", {}).get("packages") != package_versions()
        or [_identity(vars(now)) for now in operators] != [_identity(then) for then in earlier]
    ):
        return ()
    moved: list[str] = []
    for now, then in zip(operators, earlier, strict=True):
        if now.fingerprint == then["fingerprint"]:
            continue
        if now.kind != "filters" or measuring_parameters(now.name, then["params"], now.params):
            return ()
        moved += (f"{now.name}.{field}" for field in changed_parameters(now.name, then["params"], now.params))
    return tuple(moved)


def _identity(operator: Mapping[str, Any]) -> tuple[Any, ...]:
    return operator["kind"], operator["name"], operator["version"]
