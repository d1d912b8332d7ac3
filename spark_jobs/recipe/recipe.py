"""A recipe: the definition of a release. One YAML file; one section a table; unknown keys are errors."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.sections.raw import RawSection
from spark_jobs.recipe.sections.rewritten import RewrittenSection
from spark_jobs.recipe.sections.scored import ScoredSection

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class Recipe(BaseModel):
    """What is built, from crawl files to release. Where and how big are not its business."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    description: str = ""
    raw: RawSection = RawSection()
    cleaned: CleanedSection
    scored: ScoredSection
    deduped: DedupedSection
    rewritten: RewrittenSection
    mixed: MixedSection
