"""Which models a recipe asks for: the scorer of each, how it is fitted, and from which table its pool rows come.

A model is known by its name and by the fingerprint of its fit. Fitting itself is `fit.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from spark_jobs.errors import RecipeError
from spark_jobs.lake.records import sha256_of
from spark_jobs.operators import registry
from spark_jobs.operators.base import Scorer
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.scored import FitSection
from spark_jobs.stages.fit_texts import digest_of

Pool = Literal["cleaned", "rewritten"]

# What holds the models of a pool: two assets, since the second pool lies behind what the first models score.
ASSETS: Final[Mapping[str, Pool]] = MappingProxyType({"models": "cleaned", "rewrite_models": "rewritten"})
_OF_REWRITES = "rewrites_"


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One model to fit. `pool` is the table whose rows are its negatives, `key` where the recipe says `section`."""

    name: str
    scorer: Scorer
    section: FitSection
    pool: Pool = "cleaned"
    key: str = "scored.fit"

    @property
    def documents(self) -> str:
        """What a row of the pool is, for messages."""
        return "pool documents" if self.pool == "cleaned" else "accepted rewrites"


def fits(recipe: Recipe, pool: Pool) -> dict[str, Fit]:
    """The models of a recipe that are fitted on this pool, by name."""
    if pool == "cleaned":
        built = [step.build() for step in recipe.scored.scorers]
        return {s.name: Fit(name=s.name, scorer=s, section=recipe.scored.fit) for s in built}
    wanted = recipe.mixed.rewrites
    if wanted is None:
        return {}
    scorer: Scorer = wanted.score.build()
    name = f"{_OF_REWRITES}{scorer.name}"
    return {name: Fit(name=name, scorer=scorer, section=wanted.fit, pool=pool, key="mixed.rewrites.fit")}


def fit_of(recipe: Recipe, name: str) -> Fit:
    """The fit of a model by name. Raises RecipeError naming those that there are."""
    known = {**fits(recipe, "cleaned"), **fits(recipe, "rewritten")}
    if name not in known:
        raise RecipeError(f"no model {name!r}; scored.scorers and mixed.rewrites ask for {', '.join(known) or 'none'}")
    return known[name]


def fit_fingerprint(fit: Fit) -> str:
    """Hex SHA-256 of everything in the recipe that determines a model; limits judge and do not count.

    Files of reference texts count by what they hold. Raises InputError when one is missing.
    """
    parts: dict[str, Any] = fit.section.model_dump(mode="json", exclude={"limits"})
    for source, dumped in zip(fit.section.positives, parts["positives"], strict=True):
        if source.files is not None:
            dumped["files"]["paths"] = digest_of(source.files)
    pool = {} if fit.pool == "cleaned" else {"pool": fit.pool}
    return sha256_of({"scorer": registry.fingerprint(fit.scorer), "fit": parts, **pool})


def fit_snapshots(fit: Fit, published: Sequence[str]) -> tuple[str, ...]:
    """The snapshots a fit reads: those the recipe names, else all that are there. RecipeError for one that is not."""
    named = fit.section.snapshots
    missing = [snapshot for snapshot in named if snapshot not in published]
    if missing:
        raise RecipeError(
            f"{fit.key}.snapshots: {', '.join(missing)} not in the lake, which has {', '.join(published) or 'none'}; "
            "read it first, or correct the recipe"
        )
    return named or tuple(published)
