"""The rewrites of a release: the pool of accepted ones and, where the recipe wants it, the filter of their own.

The filter is REWIRE's (arXiv 2506.04689): a scorer whose negatives are rewrites, and the best share of them. The scorer
of `scored` tells pages apart and likes whatever a model writes, so it alone never lets a rewrite in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError
from spark_jobs.operators import registry
from spark_jobs.operators.base import Scorer, Selector
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.mixed import MixedSection, RewriteFilter
from spark_jobs.stages.fit_plan import fits
from spark_jobs.stages.mix_facts import Counts, count_sources, rewrite_selection
from spark_jobs.stages.mix_pool import KEYS, chosen, keyed_hash
from spark_jobs.stages.mix_workers import MEASURED, FittedScorer, MeasureText
from spark_jobs.stages.stage import OperatorRecord, PinnedReader


def selector_of(section: RewriteFilter) -> Selector:
    """The selector that takes the best rewrites; the one that originals can be selected by."""
    selector: Selector = registry.build("selectors", "top_fraction", {"fraction": section.fraction})
    return selector


def filter_parts(section: RewriteFilter) -> dict[str, Any]:
    """What of the filter determines a release, but for its model, which a recipe does not name."""
    return {"score": registry.fingerprint(section.score.build()), "select": registry.fingerprint(selector_of(section))}


@dataclass(frozen=True)
class OwnFilter:
    """The filter with its fitted model: its name and the digest and place of its file."""

    name: str
    scorer: Scorer
    selector: Selector
    digest: str
    path: str

    @classmethod
    def of(cls, recipe: Recipe, services: Mapping[str, Any]) -> "OwnFilter | None":
        """The filter of a recipe, None where it has none. Raises NotFoundError when its model is not fitted.

        Services: `models` (name -> digest) and `model_path` (digest -> local file).
        """
        section = recipe.mixed.rewrites
        if section is None:
            return None
        ((name, fit),) = fits(recipe, "rewritten").items()
        digest = services.get("models", {}).get(name)
        if digest is None:
            raise NotFoundError(f"mixed.rewrites: no fitted model {name}; fit it with `provender run`")
        return cls(name, fit.scorer, selector_of(section), digest, services["model_path"](digest))

    @property
    def score(self) -> str:
        """The name of the score that becomes the quality of rewrites."""
        return f"{self.name}__{self.scorer.scores[0].name}"

    @property
    def fitted(self) -> FittedScorer:
        """The part that runs in the workers."""
        return FittedScorer(self.scorer, self.scorer.scores[0].name, self.path)

    def records(self) -> tuple[OperatorRecord, ...]:
        """The scorer with its model, and the selector."""
        scorer, selector = self.scorer, self.selector
        return (
            OperatorRecord(
                name=self.name, kind="scorers", version=scorer.version, params=scorer.params.model_dump(mode="json"),
                fingerprint=registry.fingerprint(scorer), artefact=self.digest,
            ),
            OperatorRecord(
                name=selector.name, kind="selectors", version=selector.version,
                params={**selector.params.model_dump(mode="json"), "score": self.score},
                fingerprint=registry.fingerprint(selector),
            ),
        )  # fmt: skip

    def facts(self, decided: DataFrame, counts: Counts) -> dict[str, Any]:
        """Which model it was, what the filter took, and the recycled share."""
        found = {"score": self.score, **rewrite_selection(counts, count_sources(decided))}
        return {"models": {self.name: self.digest}, "rewrite_selection": found}


@dataclass(frozen=True)
class Rewrites:
    """Reads the accepted rewrites of a release; `snapshots` are those for which rewriting is published."""

    inputs: PinnedReader
    snapshots: tuple[str, ...]
    section: MixedSection
    filter: OwnFilter | None = None

    def accepted(self) -> DataFrame:
        """Kept rewrites, with their text."""
        return self.inputs.partitions("rewritten", self.snapshots).where("kept")

    def pool(self, originals: DataFrame) -> DataFrame:
        """Every accepted rewrite with the attributes of its parent; `reason` says why it cannot be taken.

        `originals` are decided. A parent below the quality cut may have rewrites (that is what rewriting is for), a
        parent that is another capture, contaminated or left out may not.
        """
        measure = MeasureText(self.section.tokenizer, self.filter.fitted if self.filter else None)
        measured = self.accepted().select(*KEYS, "text").mapInArrow(measure, MEASURED)
        rewrites = self.accepted().select(*KEYS, "parent_snapshot", "parent_id", "strategy", "sample", "language")
        parents = originals.select(
            F.col("snapshot").alias("parent_snapshot"), F.col("doc_id").alias("parent_id"), "url", "host",
            "captured_at", "licence", "source", F.lit(True).alias("_there"),
            F.when(F.col("matches").isNotNull(), "contaminated").otherwise(F.col("reason")).alias("_parent"),
        )  # fmt: skip
        joined = rewrites.join(measured, list(KEYS)).join(parents, ["parent_snapshot", "parent_id"], "left")
        turn = Window.partitionBy("parent_snapshot", "parent_id", "strategy").orderBy("sample", "doc_id")
        barred = F.col("_parent").isin("other_capture", "contaminated", "left_out", "not_in_plan", "no_tokens")
        return joined.withColumn("_turn", F.row_number().over(turn)).select(
            *KEYS, F.col("strategy").alias("origin"), "parent_snapshot", "parent_id", "url", "host", "captured_at",
            "licence", "language", "source", "quality", "tokens", "characters",
            keyed_hash("tie", self.section.seed, *KEYS).alias("tie"),
            F.when(F.col("_there").isNull(), "parent_not_kept")
            .when(barred, F.concat(F.lit("parent_"), "_parent"))
            .when(F.col("tokens") < 1, "no_tokens")
            .when(F.col("_turn") > self.section.rewrites_per_parent, "other_sample")
            .alias("reason"),
            F.lit(None).cast("string").alias("instead_snapshot"), F.lit(None).cast("string").alias("instead_id"),
        )  # fmt: skip

    def best(self, pool: DataFrame) -> DataFrame:
        """The pool after the filter; without one all that is eligible stays so. Give a pool that is cheap to read."""
        return pool if self.filter is None else chosen(pool, self.filter.selector, scored=True)
