"""The stage `rewrite`: the planned attempts with their cached answers, parsed and judged. It calls no model.

Answers are a publication of their own (`rewrite_cache`), filled by `generate.py` before; an attempt without one is a
row with the status `failed`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError
from spark_jobs.lake.tables import TABLES
from spark_jobs.operators import registry
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.rewritten import RewrittenSection
from spark_jobs.stages.rewrite_judge import GATES, GATES_VERSION, Judge
from spark_jobs.stages.rewrite_plan import generator_of, plan
from spark_jobs.stages.stage import OperatorRecord, StageContext, StageOutput
from spark_jobs.text.language import model_digest
from spark_jobs.text.tokens import tokenizer_digest


class Rewrite:
    """One row an attempt. Services: `rewrite_model` (identity), `rewrite_grammar`, `planned_attempts`, `generation`."""

    name: ClassVar[str] = "rewrite"
    table: ClassVar[str] = "rewritten"
    side_tables: ClassVar[tuple[str, ...]] = ()
    upstream: ClassVar[tuple[str, ...]] = ("cleaned", "scored", "deduped", "rewrite_cache")
    scope: ClassVar[str] = "snapshot"

    def fingerprint_parts(self, recipe: Recipe) -> Mapping[str, Any]:
        """The section with its strategy, the gates' version, the language model and the tokenizer."""
        section = recipe.rewritten
        return {
            "section": section.model_dump(mode="json", exclude={"strategy"}),
            "strategy": strategy_fingerprint(section),
            "gates": GATES_VERSION,
            "language": model_digest(recipe.cleaned.language.model_path),
            "tokenizer": tokenizer_digest(recipe.mixed.tokenizer),
        }

    def run(self, context: StageContext) -> StageOutput:
        """Plan x cache -> rows. Raises NotFoundError when the budget asks for attempts and no model was named."""
        section, services = context.recipe.rewritten, context.services
        planned = int(services.get("planned_attempts", 0))
        facts = {
            "planned_attempts": planned, "model": services.get("rewrite_model"),
            "grammar": services.get("rewrite_grammar"), "generation": services.get("generation", {}),
        }  # fmt: skip
        if section.most_documents == 0:
            empty = context.spark.createDataFrame([], TABLES["rewritten"].columns)
            return StageOutput(main=empty, operators=_operators(section), facts=facts)
        if not services.get("rewrite_model"):
            raise NotFoundError("rewritten: no model was asked for the planned attempts; run `provender run`")
        generator = generator_of(section, services["rewrite_model"], services.get("rewrite_grammar"))
        attempts = plan(context.inputs, context.partition, section, generator)
        answered = attempts.join(answers(context.inputs.whole("rewrite_cache")), "request_digest", "left")
        main = answered.mapInArrow(judge_of(context.recipe), TABLES["rewritten"].columns)
        return StageOutput(main=main, operators=_operators(section), facts=facts)


def answers(cache: DataFrame) -> DataFrame:
    """One answer a request: request_digest, output, finish_reason. Faults are none; of several the least counts."""
    answer = F.min(F.struct("output", "finish_reason")).alias("answer")
    real = cache.where("error IS NULL AND output IS NOT NULL")
    return real.groupBy("request_digest").agg(answer).select("request_digest", "answer.output", "answer.finish_reason")


def strategy_fingerprint(section: RewrittenSection) -> str:
    """Hex SHA-256 of what makes a rewrite of a document but the model: strategy, sampling and passage."""
    parts = {
        "strategy": registry.fingerprint(section.strategy.build()),
        "sampling": section.sampling.model_dump(mode="json"),
        "passage": section.passage.model_dump(mode="json") if section.passage else None,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def rewrite_id_column(fingerprint: str) -> Column:
    """The id that the rewrite of an attempt will have, as `rewrite_judge.rewrite_id` makes it."""
    parts = F.concat_ws(
        "\x1f", "parent_snapshot", "parent_id", F.lit(fingerprint), "model", F.col("sample").cast("string")
    )
    return F.substring(F.sha2(parts, 256), 1, 32)


def judge_of(recipe: Recipe) -> Judge:
    """What the workers need to judge an answer."""
    strategy = recipe.rewritten.strategy.build()
    return Judge(
        strategy=strategy.name,
        params=strategy.params.model_dump_json(),
        fingerprint=strategy_fingerprint(recipe.rewritten),
        rules=recipe.rewritten.gates.rules(),
        language_model=recipe.cleaned.language.model_path,
        tokenizer=recipe.mixed.tokenizer,
    )


def _operators(section: RewrittenSection) -> tuple[OperatorRecord, ...]:
    strategy = section.strategy.build()
    made = OperatorRecord(
        name=strategy.name, kind="strategies", version=strategy.version,
        params=strategy.params.model_dump(mode="json"), fingerprint=registry.fingerprint(strategy),
        artefact=strategy.prompt_digest(),
    )  # fmt: skip
    gates = section.gates.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps([GATES_VERSION, gates], sort_keys=True).encode()).hexdigest()
    return made, OperatorRecord(
        name=GATES, kind="gates", version=GATES_VERSION, params=gates, fingerprint=digest,
        rules=tuple(rule.record() for rule in section.gates.rules()),
    )  # fmt: skip
