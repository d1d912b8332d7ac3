"""mixed: the documents of a release, with text, copies, phase and tokens; beside it `selection`, why each is in or out.

One capture a URL, selection by quality, decontamination, copies, rewrites up to their share. All of that is decided on
keys and integers; text is read for decontamination (where benchmarks are named), and joined once at the end.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.scratch import Scratch, totals
from spark_jobs.errors import NotFoundError, RecipeError
from spark_jobs.lake.records import sha256_of
from spark_jobs.operators import registry
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.decontaminate import Benchmarks, benchmark_digest
from spark_jobs.stages.mix_facts import Counts, count_decisions, documents_by_benchmark, drawn_tokens, release_facts
from spark_jobs.stages.mix_plan import quotas, rewrite_budget, with_copies, with_phases, within_share
from spark_jobs.stages.mix_pool import KEYS, ORIGINAL, Pools, chosen, keyed_hash
from spark_jobs.stages.mix_rehydration import Rehydrated, check_clusters, rehydration_parts
from spark_jobs.stages.mix_rewrites import OwnFilter, Rewrites, filter_parts
from spark_jobs.stages.mix_workers import MATCHES
from spark_jobs.stages.stage import OperatorRecord, PinnedReader, StageContext, StageOutput
from spark_jobs.text.tokens import tokenizer_digest

# Moves when the algorithm can give other rows for the same recipe.
VERSION = 2


class Mix:
    """A release from every snapshot whose dedup is published.

    Services, where the recipe filters rewrites: `models` (name -> digest), `model_path` (digest -> local file).
    """

    name: ClassVar[str] = "mix"
    table: ClassVar[str] = "mixed"
    side_tables: ClassVar[tuple[str, ...]] = ("selection",)
    upstream: ClassVar[tuple[str, ...]] = ("cleaned", "scored", "deduped", "rewritten", "rewrite_models")
    scope: ClassVar[str] = "release"

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """The section, the selectors, the tokenizer and the benchmarks by digest. Raises RecipeError.

        Who knows the lake adds the digest of the rewrites' model; how it is fitted is the model's fingerprint.
        """
        check_tokens(recipe)
        check_clusters(recipe)
        section = recipe.mixed
        return {
            "version": VERSION,
            "section": section.model_dump(mode="json", exclude={"rewrites", "rehydration"}),
            **({} if section.rehydration is None else {"rehydration": rehydration_parts(section.rehydration)}),
            **({} if section.rewrites is None else {"rewrites": filter_parts(section.rewrites)}),
            "select": registry.fingerprint(section.select.build()),
            "tokenizer": tokenizer_digest(section.tokenizer),
            "benchmarks": {benchmark.name: benchmark_digest(benchmark) for benchmark in section.benchmarks},
        }

    def run(self, context: StageContext) -> StageOutput:
        """Decide on keys, then join the text. Raises RecipeError, and NotFoundError when nothing is deduped yet."""
        check_tokens(context.recipe)
        check_clusters(context.recipe)
        return _Mixing(context).output()


def check_tokens(recipe: Recipe) -> None:
    """Tokens are counted once, in `cleaned`: after the last edit, by the tokenizer that budgets are stated in."""
    names = [step.name for step in recipe.cleaned.steps]
    if "token_count" not in names:
        raise RecipeError("mixed counts tokens by the signal of token_count: add it as the last step of cleaned.steps")
    place = names.index("token_count")
    later = [step.name for step in recipe.cleaned.steps[place + 1 :] if step.kind == "editors"]
    if later:
        raise RecipeError(f"cleaned.steps: token_count must come after {', '.join(later)}, whose edits it would miss")
    counts = recipe.cleaned.steps[place].build().params.tokenizer
    if counts != recipe.mixed.tokenizer:
        raise RecipeError(
            f"mixed.tokenizer is {recipe.mixed.tokenizer!r} but token_count in cleaned.steps counts with {counts!r}: "
            "name the same tokenizer in both"
        )


def benchmark_hits(candidate: DataFrame, recipe: Recipe) -> DataFrame:
    """Documents that hold an item of the recipe's benchmarks, found in their text: snapshot, doc_id, hit (true)."""
    benchmarks = Benchmarks.of(recipe.mixed)
    if benchmarks is None:
        return candidate.select(*KEYS, F.lit(False).alias("hit")).where("hit")
    return benchmarks.found_in(candidate).select(*KEYS, F.lit(True).alias("hit"))


class _Mixing:
    """One release being mixed."""

    def __init__(self, context: StageContext) -> None:
        self.context, self.section = context, context.recipe.mixed
        self.scratch = Scratch(context.spark, f"{context.scratch}/mix")
        self.snapshots = _published(context.inputs, "deduped")
        if not self.snapshots:
            raise NotFoundError("mix: no snapshot is deduped yet; build one first with ./provender run")
        self.selector = self.section.select.build()
        available = sorted(n for n in context.inputs.partitions("scored", self.snapshots).columns if "__" in n)
        self.score: str | None = self.selector.score_column(available)
        self.pools = Pools(context.inputs, self.snapshots, self.section, self.score)
        said = self.section.rehydration
        self.rehydrated = Rehydrated(context.inputs, self.snapshots, said, self.scratch) if said else None
        self.filter = OwnFilter.of(context.recipe, context.services)
        self.rewrites = Rewrites(context.inputs, _published(context.inputs, "rewritten"), self.section, self.filter)
        self.benchmarks = Benchmarks.of(self.section)

    def output(self) -> StageOutput:
        """All frames and facts of the stage."""
        self.context.say("mix: one capture a URL")
        pool = self.scratch.keep(self.pools.originals(), "pool")
        self.context.say("mix: selection")
        judged = self._judged(pool)
        if self.section.plan is not None:
            judged = self.scratch.keep(judged, "judged")
        originals = self.scratch.keep(self._with_copies(judged), "originals")
        self.context.say("mix: rewrites")
        drawn = _sum(originals, F.col("tokens") * F.col("copies"))
        decided = self.scratch.keep(self._with_rewrites(originals, drawn), "decided")
        kept = decided.where(F.col("reason").isNull())
        counts = count_decisions(decided, getattr(self.selector.params, "group", None))
        return StageOutput(
            main=self._mixed(with_phases(kept, drawn_tokens(counts), self.section.final_phase)),
            side={"selection": self._selection(decided)},
            operators=self._operators(),
            facts=self._facts(decided, counts, rewrite_budget(drawn, self.section.rewritten_share)),
        )

    def _judged(self, pool: DataFrame) -> DataFrame:
        """Originals after selection and decontamination; the text pass sees what may end in the release only."""
        rows = chosen(pool, self.selector, scored=self.score is not None)
        if self.benchmarks is None:
            return rows.withColumn("matches", F.lit(None).cast(MATCHES))
        rows = self.scratch.keep(rows, "selected")
        parents = self.rewrites.accepted().select(
            F.col("parent_snapshot").alias("snapshot"), F.col("parent_id").alias("doc_id")
        )
        # Parents of rewrites are read too: a rewrite of a contaminated document is contaminated in other words.
        asked = rows.where(F.col("reason").isNull()).select(*KEYS).unionByName(parents).distinct()
        return _contaminated(rows, self.benchmarks.found_in(self.pools.texts(asked)))

    def _with_copies(self, judged: DataFrame) -> DataFrame:
        inside = judged.where(F.col("reason").isNull())
        outside = judged.where(F.col("reason").isNotNull()).withColumn("copies", F.lit(0))
        if self.rehydrated:
            self.context.say("mix: rehydration")
            inside = self.rehydrated.weighed(inside)
        have = _tokens_by_source(inside) if self.section.plan is not None else {}
        return with_copies(inside, self.section, self._quotas(), have).unionByName(outside)

    def _quotas(self) -> dict[str, int]:
        plan = self.section.plan
        return {} if plan is None else quotas(plan.budget_tokens, plan.shares)

    def _with_rewrites(self, originals: DataFrame, drawn_tokens: int) -> DataFrame:
        pool = self.rewrites.pool(originals)
        if self.filter is not None:
            pool = self.rewrites.best(self.scratch.keep(pool, "measured"))
        if self.benchmarks is None:
            pool = pool.withColumn("matches", F.lit(None).cast(MATCHES))
        else:
            pool = _contaminated(pool, self.benchmarks.found_in(self.rewrites.accepted()))
        pool = self.scratch.keep(pool, "rewrites")
        inside = within_share(pool.where(F.col("reason").isNull()), drawn_tokens, self.section)
        outside = pool.where(F.col("reason").isNotNull()).withColumn("copies", F.lit(0))
        return originals.unionByName(inside).unionByName(outside)

    def _mixed(self, kept: DataFrame) -> DataFrame:
        """The release: its text is joined here, once."""
        original = F.col("origin") == ORIGINAL
        rewritten = self.rewrites.accepted().select(*KEYS, "text").join(kept.where(~original), list(KEYS))
        rows = self.pools.texts(kept.where(original)).unionByName(rewritten)
        return rows.select(
            F.lit(self.context.partition).alias("release"), *KEYS, "parent_snapshot", "parent_id", "url", "host",
            "captured_at", "licence", "text", "language", "source", "origin", "phase", "quality", "copies", "tokens",
            keyed_hash("order", self.section.seed, *KEYS).alias("order_key"),
        )  # fmt: skip

    def _selection(self, decided: DataFrame) -> DataFrame:
        return decided.select(
            F.lit(self.context.partition).alias("release"), *KEYS, "parent_snapshot", "parent_id", "origin",
            F.col("reason").isNull().alias("kept"), "reason", "instead_snapshot", "instead_id", "quality", "tokens",
            "copies", "matches",
        )  # fmt: skip

    def _operators(self) -> tuple[OperatorRecord, ...]:
        section, selector = self.section, self.selector
        params = section.model_dump(mode="json", exclude={"select", "benchmarks", "rewrites"})
        params["tokenizer_digest"] = tokenizer_digest(section.tokenizer)
        if self.benchmarks is not None:
            params["benchmarks"] = {file.name: file.digest for file in self.benchmarks.files}
        return (
            OperatorRecord(
                name=selector.name, kind="selectors", version=selector.version,
                params={**selector.params.model_dump(mode="json"), "score": self.score},
                fingerprint=registry.fingerprint(selector),
            ),
            *(self.filter.records() if self.filter else ()),
            OperatorRecord(name=Mix.name, kind="stage", version=VERSION, params=params, fingerprint=sha256_of(params)),
        )  # fmt: skip

    def _facts(self, decided: DataFrame, counts: Counts, rewrite_tokens: int) -> dict[str, Any]:
        return {
            "snapshots": list(self.snapshots),
            "tokenizer": {"name": self.section.tokenizer, "digest": tokenizer_digest(self.section.tokenizer)},
            **release_facts(counts, quotas=self._quotas(), rewrite_tokens=rewrite_tokens),
            "benchmarks": self.benchmarks.facts(documents_by_benchmark(decided)) if self.benchmarks else [],
            **(self.filter.facts(decided, counts) if self.filter else {}),
            **(self.rehydrated.facts(decided) if self.rehydrated else {}),
        }


def _contaminated(rows: DataFrame, found: DataFrame) -> DataFrame:
    """Rows with their matches; what could be taken and holds an item is out."""
    joined = rows.join(found, list(KEYS), "left")
    hit = F.col("reason").isNull() & F.col("matches").isNotNull()
    return joined.withColumn("reason", F.when(hit, "contaminated").otherwise(F.col("reason")))


def _published(inputs: PinnedReader, table: str) -> tuple[str, ...]:
    """Snapshots for which the table is published, in sequence order; registered ones may not have come that far."""
    found = []
    for snapshot in inputs.snapshots():
        try:
            inputs.partition(table, snapshot)
        except NotFoundError:
            continue
        found.append(snapshot)
    return tuple(found)


def _tokens_by_source(documents: DataFrame) -> dict[str, int]:
    rows = documents.groupBy(F.coalesce("source", F.lit("")).alias("source")).agg(F.sum("tokens").alias("tokens"))
    return {row["source"]: int(row["tokens"]) for row in rows.collect()}


def _sum(rows: DataFrame, value: Column) -> int:
    return totals(rows.agg(F.sum(value).alias("total")))["total"]
