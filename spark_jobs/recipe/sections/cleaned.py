"""The part of a recipe that says how raw pages become text: extraction, language, and the steps in their order."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from spark_jobs.operators.faults import MisfitError, near
from spark_jobs.recipe.sections.gates import GatesSection
from spark_jobs.recipe.steps import CleaningStep, ExtractorStep, Step


class LanguageSection(BaseModel):
    """How languages are identified; which ones are kept is the business of the step `language_filter`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field("lid.176", description="lid.176, which is shipped, or the path of a fastText model")
    max_chars: int = Field(100_000, ge=1, description="characters of a text that the model sees")
    alternatives: float = Field(0.01, ge=0, le=1, description="runner-up labels from this score on are kept")

    @property
    def model_path(self) -> str | None:
        """The file of the model; None is the one that is shipped."""
        return None if self.model == "lid.176" else self.model


class CleanedSection(BaseModel):
    """Editors and filters run in the order of `steps`; a filter sees the text as the editors before it left it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    extract: ExtractorStep = Field(Step(name="main_text"), validate_default=True)
    language: LanguageSection = LanguageSection()
    words: Literal["icu", "characters"] = Field(
        "icu",
        description="words of scripts without spaces: by ICU's dictionaries, or one a sign (Han, kana) or run",
    )
    steps: tuple[CleaningStep, ...]
    gates: GatesSection = GatesSection()

    @model_validator(mode="after")
    def _steps_fit_together(self) -> Self:
        names = [step.name for step in self.steps]
        for place, step in enumerate(self.steps):
            if step.name in names[:place]:
                fault = f"{step.name} is listed twice; a step's columns and records have its name"
                raise MisfitError(fault, "steps", place)
            operator = step.build()
            for later in getattr(operator, "before", ()):
                if later in names[:place]:
                    fault = f"{step.name} must come before {later}, whose edits it would miss"
                    raise MisfitError(fault, "steps", place)
            for earlier in getattr(operator, "after", ()):
                if earlier not in names[:place]:
                    fault = f"{step.name} judges what {earlier} does; list {earlier} before it"
                    raise MisfitError(fault, "steps", place)
        for key in ("expect", "at_most"):
            for name in getattr(self.gates.effect, key):
                if name not in names:
                    raise MisfitError(f"no such step{near(name, names)}", "gates", "effect", key, name)
        return self
