"""The gate: runs a suite of Great Expectations over a candidate, and says what held and what did not.

A law declares one expectation: its name, severity, and how to build it from what is being audited. Results carry no
values of the data (BOOLEAN_ONLY): documents must not leak into logs. Knows no Dagster.
"""

import functools
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from pyspark.sql import DataFrame

from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.stage import OperatorRecord, PinnedReader

Severity = Literal["error", "warning"]
Made = TypeVar("Made")
CANDIDATE = "candidate"


@dataclass(frozen=True, kw_only=True)
class Audited:
    """What a suite may look at: the candidate's frames, and the inputs exactly as the stage had them."""

    candidate: DataFrame
    side: Mapping[str, DataFrame]
    inputs: PinnedReader
    recipe: Recipe
    partition: str
    suppressed: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    operators: tuple[OperatorRecord, ...] = ()
    _made: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _making: Any = field(default_factory=threading.RLock, repr=False, compare=False)

    def once(self, make: "Callable[[Audited], Made]") -> Made:
        """What `make` makes of this, made once: laws and counts that measure by one scan share it, threads too."""
        with self._making:
            if make not in self._made:
                self._made[make] = make(self)
            made: Made = self._made[make]
        return made


@dataclass(frozen=True, kw_only=True)
class Law:
    """One expectation of a suite. `frame` is what it looks at: the candidate, or a frame derived from it.

    Where the recipe says how severe a failure is, `severity_in` reads it there; `detail` adds numbers and names to the
    outcome, never text of documents.
    """

    name: str
    says: str
    expect: Callable[[Audited], Any]
    frame: Callable[[Audited], DataFrame] | None = None
    severity: Severity = "error"
    severity_in: Callable[[Recipe], Severity] | None = None
    detail: Callable[[Audited], str] | None = None

    def severe(self, recipe: Recipe) -> Severity:
        """How severe a failure is under a recipe."""
        return self.severity if self.severity_in is None else self.severity_in(recipe)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an expectation found. `expected` is its configuration; `found` an observed number where there is one."""

    name: str
    says: str
    severity: Severity
    success: bool
    expected: str
    found: str

    @property
    def blocks(self) -> bool:
        """Whether this outcome keeps the candidate from being published."""
        return not self.success and self.severity == "error"


@functools.cache
def _context() -> Any:
    # The import alone costs seconds and its telemetry would ask the network: only when a gate runs.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # Persisting is its default: wrong for a corpus.
    context.data_sources.add_spark("candidates", persist=False)
    return context


def audit(laws: Iterable[Law], audited: Audited) -> tuple[Outcome, ...]:
    """Run every law. Laws that look at one frame are validated together, so that their metrics share scans."""
    groups: dict[Any, list[Law]] = {}
    for law in laws:
        groups.setdefault(law.frame, []).append(law)
    outcomes: dict[str, Outcome] = {}
    for build, members in groups.items():
        frame = audited.candidate if build is None else build(audited)
        for law, result in zip(members, _validate(frame, [law.expect(audited) for law in members]), strict=True):
            outcomes[law.name] = _outcome(law, result, audited)
    return tuple(outcomes[name] for name in outcomes)


def _validate(frame: DataFrame, expectations: list[Any]) -> list[Any]:
    import great_expectations as gx  # noqa: PLC0415

    source = _context().data_sources.get("candidates")
    asset = source.add_dataframe_asset("frame")
    try:
        batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
        suite = gx.ExpectationSuite(name="suite", expectations=expectations)
        found = batch.validate(suite, result_format="BOOLEAN_ONLY")
    finally:
        source.delete_asset("frame")
    # Results come grouped by column; they are matched to the laws by what they were configured as.
    by_key = {_key(result.expectation_config): result for result in found.results}
    return [by_key[_key(expectation.configuration)] for expectation in expectations]


def _key(configuration: Any) -> str:
    settings = {k: v for k, v in sorted(configuration.kwargs.items()) if k not in ("batch_id", "result_format")}
    return f"{configuration.type}:{settings}"


def _outcome(law: Law, result: Any, audited: Audited) -> Outcome:
    raised = (result.exception_info or {}).get("raised_exception") or any(
        isinstance(info, dict) and info.get("raised_exception") for info in (result.exception_info or {}).values()
    )
    observed = (result.result or {}).get("observed_value")
    found = "the expectation could not be evaluated" if raised else "held" if result.success else "did not hold"
    if isinstance(observed, int | float):
        found = f"{found} (observed {observed})"
    if law.detail is not None and not raised:
        found = f"{found}: {law.detail(audited)}"
    return Outcome(
        name=law.name,
        says=law.says,
        severity=law.severe(audited.recipe),
        success=bool(result.success) and not raised,
        expected=_key(result.expectation_config)[:2000],
        found=found,
    )
