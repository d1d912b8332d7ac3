"""A recipe: the definition of a release. One YAML file; one section a table; unknown keys are errors."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from spark_jobs.operators.faults import MisfitError, near
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.sections.raw import RawSection
from spark_jobs.recipe.sections.rewritten import RewrittenSection
from spark_jobs.recipe.sections.scored import FitSection, ScoredSection

# By table: the names of all its expectations, and of those that may be overridden.
Expectations = Callable[[], Mapping[str, tuple[frozenset[str], frozenset[str]]]]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class Recipe(BaseModel):
    """What is built, from crawl files to release. Where and how big are not its business."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: str = ""
    raw: RawSection = RawSection()
    cleaned: CleanedSection
    scored: ScoredSection = ScoredSection()
    deduped: DedupedSection
    rewritten: RewrittenSection = RewrittenSection()
    mixed: MixedSection
    overridable: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="table -> expectations that a person may override with ./provender gate approve; default: none",
    )

    @field_validator("overridable")
    @classmethod
    def _expectations_are_there(
        cls, value: dict[str, tuple[str, ...]], info: ValidationInfo
    ) -> dict[str, tuple[str, ...]]:
        """Names are checked where somebody who knows the expectations loads the recipe."""
        known: Expectations = (info.context or {}).get("expectations") or dict
        tables = known() if value else {}
        for table, names in value.items() if tables else ():
            if table not in tables:
                raise MisfitError(f"no such table{near(table, tables)}", table)
            everything, allowed = tables[table]
            for place, name in enumerate(names):
                if name in everything - allowed:
                    fault = f"{name} is a law of the table and cannot be overridden; those that can: "
                    raise MisfitError(fault + (", ".join(sorted(allowed)) or "none"), table, place)
                if name not in allowed:
                    raise MisfitError(f"no such expectation{near(name, allowed)}", table, place)
        return value

    @model_validator(mode="before")
    @classmethod
    def _rewrites_are_fitted_alike(cls, value: Any, info: ValidationInfo) -> Any:
        """What `mixed.rewrites.fit` leaves open is as in `scored.fit`; once loaded, a recipe says it in full."""
        own, fit = _at(value, "mixed", "rewrites"), _at(value, "scored", "fit")
        if own is None or fit is None or not isinstance(own.get("fit", {}), Mapping):
            return value
        try:
            FitSection.model_validate(fit, context=info.context)
        except ValidationError:
            return value  # `scored` tells its faults itself; copied, they would be told once more under this key
        filled = {**own, "fit": {**fit, **own.get("fit", {})}}
        return {**value, "mixed": {**value["mixed"], "rewrites": filled}}


def _at(value: Any, *keys: str) -> Mapping[str, Any] | None:
    """The mapping below these keys; None where there is none, which the sections judge."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else None
