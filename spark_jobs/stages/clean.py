"""cleaned: raw pages to main text, language, edits, signals and verdict, in one Arrow pass over each page.

The pass is in `clean_pass.py`, which runs in the workers; here is what the stage reads, makes and says of itself.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar

from spark_jobs.lake.tables import TABLES
from spark_jobs.operators import registry
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.stages.clean_pass import INPUT, CleanPass, OperatorSpec, Plan
from spark_jobs.stages.decide import redecide
from spark_jobs.stages.redecide import measured_with, moved_bounds
from spark_jobs.stages.stage import Earlier, OperatorRecord, StageContext, StageOutput
from spark_jobs.text import language, segmentation


class Clean:
    """One row of `cleaned` for each row of `raw`; dropped rows keep their text."""

    name: ClassVar[str] = "clean"
    table: ClassVar[str] = "cleaned"
    side_tables: ClassVar[tuple[str, ...]] = ()
    upstream: ClassVar[tuple[str, ...]] = ("raw",)
    scope: ClassVar[str] = "snapshot"

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """The extractor, the language model by digest, every step, and the Unicode data that words are defined on."""
        section = recipe.cleaned
        return {
            "extract": registry.fingerprint(section.extract.build()),
            "language": _language(section),
            "steps": [registry.fingerprint(step.build()) for step in section.steps],
            "unicode": unicodedata.unidata_version,
            "words": _words(section),
        }

    def run(self, context: StageContext) -> StageOutput:
        """Lazily: raw rows of the snapshot through the pass."""
        section = context.recipe.cleaned
        raw = context.inputs.partition("raw", context.partition).select(*INPUT)
        columns = [TABLES["cleaned"].columns, *(f"{name} DOUBLE" for name in signal_columns(section))]
        main = raw.mapInArrow(CleanPass(plan_of(section)), ", ".join(columns))
        return StageOutput(main=main, operators=operators_of(section), facts=self._facts(context.recipe))

    def redecide(self, context: StageContext, earlier: Earlier) -> StageOutput | None:
        """Lazily: the published rows with new verdicts from their signals, where only bounds of rules moved."""
        section, operators = context.recipe.cleaned, operators_of(context.recipe.cleaned)
        moved = moved_bounds(operators, self.fingerprint_parts(context.recipe), earlier.record)
        if not moved:
            return None
        context.say(f"only bounds moved ({', '.join(moved)}): new verdicts from stored signals, nothing runs on text")
        filters = [step.build() for step in section.steps if step.kind == "filters"]
        facts = {**self._facts(context.recipe), "moved_bounds": list(moved)}
        return StageOutput(main=redecide(earlier.rows, filters), operators=operators, facts=facts)

    def _facts(self, recipe: Recipe) -> Mapping[str, Any]:
        section = recipe.cleaned
        return {
            "signals": list(signal_columns(section)),
            "language": _language(section),
            "words": _words(section),
            "measured_with": measured_with(self.fingerprint_parts(recipe)),
        }


def plan_of(section: CleanedSection) -> Plan:
    """The section as the workers get it: operators by name with all their parameters, lists pinned."""
    return Plan(
        extract=OperatorSpec.of("extractors", section.extract.build()),
        model=section.language.model_path,
        max_chars=section.language.max_chars,
        alternatives=section.language.alternatives,
        steps=tuple(OperatorSpec.of(step.kind, step.build()) for step in section.steps),
        words=section.words,
    )


def signal_columns(section: CleanedSection) -> tuple[str, ...]:
    """Columns of all signals, in the order of the steps."""
    filters = [step.build() for step in section.steps if step.kind == "filters"]
    return tuple(f"{operator.name}__{signal.name}" for operator in filters for signal in operator.signals)


def operators_of(section: CleanedSection) -> tuple[OperatorRecord, ...]:
    """Every operator of the section, for the publication record."""
    return tuple(operator_record(step.kind, step.build()) for step in (section.extract, *section.steps))


def operator_record(kind: str, operator: Any) -> OperatorRecord:
    """One operator as it runs, with its rules if it has any."""
    return OperatorRecord(
        name=operator.name,
        kind=kind,
        version=operator.version,
        params=operator.params.model_dump(mode="json"),
        fingerprint=registry.fingerprint(operator),
        rules=tuple(rule.record() for rule in operator.rules()) if kind == "filters" else (),
    )


def _words(section: CleanedSection) -> Mapping[str, str]:
    return {"by": section.words} | (segmentation.segmenter() if section.words == segmentation.ICU else {})


def _language(section: CleanedSection) -> Mapping[str, Any]:
    settings = section.language
    return {
        "model": settings.model,
        "digest": language.model_digest(settings.model_path),
        "max_chars": settings.max_chars,
        "alternatives": settings.alternatives,
    }
