"""References to operators in a recipe: `- gopher_quality`, or `- gopher_quality: {min_words: 50}`.

The kind follows from the name; a section says which kinds it takes by the type of its steps. Names and parameters are
checked when the recipe is loaded, so that an error names the key of the recipe.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from spark_jobs.errors import ParameterError, RecipeError
from spark_jobs.operators import registry


class UnfitStepError(ValueError):
    """A step whose operator is not there or does not take its parameters; `faults` as in ParameterError."""

    def __init__(self, message: str, cause: RecipeError) -> None:
        super().__init__(message)
        faults = cause.faults if isinstance(cause, ParameterError) else (((), message),)
        name = (cause.operator,) if isinstance(cause, ParameterError) else ()
        self.faults = tuple(((*name, *key), phrase) for key, phrase in faults)


class Step(BaseModel):
    """One operator of a recipe: its name and the parameters that differ from the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    params: dict[str, Any] = Field(default_factory=dict)
    _folder: Path | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, params),) = value.items()
            return {"name": name, "params": {} if params is None else params}
        if isinstance(value, dict) and "name" not in value:
            raise ValueError("a step is a name, or one name with its parameters: `- gopher_quality: {min_words: 50}`")
        return value

    @property
    def kind(self) -> str:
        """The folder of the operator: editors, filters, ..."""
        return registry.kind_of(self.name)

    def build(self) -> Any:
        """The operator; a relative `path` among its parameters starts at the recipe's folder."""
        return registry.build(self.kind, self.name, _resolved(self.params, self._folder))

    def located(self, folder: Path | None) -> "Step":
        """The same step of a recipe that lies in `folder`."""
        copy = self.model_copy()
        copy.__pydantic_private__ = {"_folder": folder}
        return copy

    def __hash__(self) -> int:
        """Steps are values; parameters are compared by content."""
        return hash((self.name, repr(sorted(self.params.items()))))


def _resolved(value: Any, folder: Path | None) -> Any:
    if isinstance(value, list):
        return [_resolved(inner, folder) for inner in value]
    if folder is None or not isinstance(value, dict):
        return value
    return {
        key: str(folder / inner) if key == "path" and isinstance(inner, str) and "://" not in inner
        else _resolved(inner, folder)
        for key, inner in value.items()
    }  # fmt: skip


def _of(*kinds: str) -> Callable[[Step, ValidationInfo], Step]:
    def check(step: Step, info: ValidationInfo) -> Step:
        located = step.located((info.context or {}).get("folder"))
        try:
            registry.kind_of(step.name, kinds)
            located.build()
        except RecipeError as error:
            # Pydantic adds the key of the recipe to a ValueError, to others it does not.
            raise UnfitStepError(str(error), error) from None
        return located

    return check


ExtractorStep = Annotated[Step, AfterValidator(_of("extractors"))]
CleaningStep = Annotated[Step, AfterValidator(_of("editors", "filters"))]
ScorerStep = Annotated[Step, AfterValidator(_of("scorers"))]
SelectorStep = Annotated[Step, AfterValidator(_of("selectors"))]
StrategyStep = Annotated[Step, AfterValidator(_of("strategies"))]
