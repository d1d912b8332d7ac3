"""Fills the request cache: asks a language model for the answers that the plan of a snapshot lacks. Not pure.

Requests go out in chunks; what a chunk brought is handed to the publisher before the next one starts, so a killed run
goes on where it stopped. A chunk's answers are written down once before anybody reads them: no request is paid twice.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.errors import ProvenderError, TransientError, UsageError
from spark_jobs.generation.asking import CACHE, PASSED_ON, Ask
from spark_jobs.generation.client import FATAL, REJECTIONS, SKIPPED, UNAUTHORISED, check_endpoint
from spark_jobs.generation.endpoint import Endpoint, EndpointSource
from spark_jobs.lake import storage
from spark_jobs.parquet import parquet
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.rewrite import answers, rewrite_id_column, strategy_fingerprint
from spark_jobs.stages.rewrite_plan import eligible, generator_of, plan, planned_documents
from spark_jobs.stages.stage import PinnedReader

# A chunk is meant to last about this long, between these numbers of requests: what a killed run loses at most.
CHUNK_SECONDS, FIRST_CHUNK, LARGEST_CHUNK = 20.0, 4, 2048

Publish = Callable[[DataFrame], None]
Say = Callable[[str], None]


class OpensEndpoint(Protocol):
    """Gives an endpoint source; nothing is started before its block is entered."""

    def __call__(self) -> EndpointSource:
        """The source of the settings."""
        ...


@dataclass(frozen=True, kw_only=True)
class GenerationReport:
    """What one filling of the cache did. `asked` requests were sent; `failed` of them brought no answer."""

    asked: int = 0
    answered: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0


def fill_for(
    *, recipe: Recipe, partition: str, inputs: PinnedReader, spark: SparkSession, scratch: str,
    endpoint: OpensEndpoint | None, publish: Publish, say: Say,
) -> Mapping[str, Any]:  # fmt: skip
    """Fill the cache for a snapshot's plan; the services that the stage `rewrite` needs.

    With a budget of 0 nothing is asked and no endpoint is made. Raises UsageError when the endpoint's model is not the
    one that the recipe pins, when the key is refused or the model unknown; TransientError when nothing answers.
    """
    section = recipe.rewritten
    if section.most_documents == 0:
        return {"planned_attempts": 0, "generation": asdict(GenerationReport())}
    if endpoint is None:
        raise UsageError("rewritten: the recipe has a rewriting budget but there is no endpoint; set the budget to 0")
    source = endpoint()
    if section.model is not None and section.model != source.identity:
        raise UsageError(
            f"rewritten.model pins {section.model}, but the settings give {source.identity}; "
            "change PROVENDER_REWRITE_URL and PROVENDER_REWRITE_MODEL, or the recipe"
        )
    documents = planned_documents(eligible(inputs, partition, section).count(), section)
    planned = plan(inputs, partition, section, generator_of(section, source.identity, source.grammar))
    wanted = _allowed(planned, inputs.whole("suppressions"), strategy_fingerprint(section))
    report = fill_cache(
        spark, wanted, source, publish, say, cached=inputs.whole("rewrite_cache"),
        scratch=storage.join(scratch, f"generate-{partition}"),
    )  # fmt: skip
    return {
        "planned_attempts": documents * section.samples, "rewrite_model": source.identity,
        "rewrite_grammar": source.grammar, "generation": asdict(report),
    }  # fmt: skip


def fill_cache(
    spark: SparkSession, wanted: DataFrame, source: EndpointSource, publish: Publish, say: Say, *,
    cached: DataFrame, scratch: str,
) -> GenerationReport:  # fmt: skip
    """Ask for the requests of `wanted` (columns of a plan) that `cached` does not answer, in the order of their ranks.

    `source` is entered only when something is missing. `publish` gets frames in the form of the cache, each once, with
    the faults of this run among them; a fault is no answer, so the next run asks again. `scratch` is a folder of this
    call, emptied at its end.
    """
    try:
        pending = _kept(spark, _missing(wanted, cached), f"{scratch}/pending")
        total = pending.count()
        if total == 0:
            say("rewriting: every planned answer is in the cache")
            return GenerationReport()
        with source as endpoint:
            say(f"rewriting: {total} requests to {endpoint.model}")
            return _Filling(spark, endpoint, publish, say, scratch, total).run(pending)
    finally:
        storage.remove(scratch)


def _allowed(planned: DataFrame, suppressions: DataFrame, fingerprint: str) -> DataFrame:
    """Attempts whose rewrites were not taken down: an answer would bring the text back into the cache."""
    gone = suppressions.where("kind = 'doc'").select(F.col("value").alias("taken"))
    return planned.join(F.broadcast(gone), rewrite_id_column(fingerprint) == F.col("taken"), "left_anti")


def _missing(wanted: DataFrame, cached: DataFrame) -> DataFrame:
    """Requests without an answer, each once, under their lowest rank."""
    once = wanted.groupBy("request_digest").agg(F.min(F.struct("rank", *PASSED_ON[1:], "body")).alias("first"))
    return once.select("request_digest", "first.*").join(answers(cached), "request_digest", "left_anti")


def _kept(spark: SparkSession, frame: DataFrame, place: str) -> DataFrame:
    frame.write.mode("overwrite").parquet(place)
    return parquet(spark, place, schema=frame.schema)


@dataclass
class _Filling:
    """The state of one filling."""

    spark: SparkSession
    endpoint: Endpoint
    publish: Publish
    say: Say
    scratch: str
    total: int
    report: GenerationReport = GenerationReport()
    began: float = 0.0

    def run(self, pending: DataFrame) -> GenerationReport:
        """Chunk by chunk; the size follows from how long the last one took."""
        if fault := check_endpoint(self.endpoint):
            raise _error(self.endpoint, fault)
        self.began = time.monotonic()
        size = max(FIRST_CHUNK, self.endpoint.concurrency * self.endpoint.tasks)
        lowest = self._lowest(pending, 0)
        while lowest is not None:
            began, before = time.monotonic(), self.report.asked
            last = lowest + size - 1
            self._chunk(pending.where(F.col("rank").between(lowest, last)), lowest)
            self._progress()
            asked, seconds = self.report.asked - before, max(0.1, time.monotonic() - began)
            size = max(FIRST_CHUNK, min(LARGEST_CHUNK, 2 * size, int(asked * CHUNK_SECONDS / seconds)))
            lowest = self._lowest(pending, last)
        return self.report

    def _lowest(self, pending: DataFrame, after: int) -> int | None:
        row = pending.where(F.col("rank") > after).agg(F.min("rank").alias("lowest")).first()
        return None if row is None or row["lowest"] is None else int(row["lowest"])

    def _chunk(self, chunk: DataFrame, number: int) -> None:
        tasks = self.endpoint.tasks
        rows = chunk.coalesce(1) if tasks == 1 else chunk.repartition(tasks, "request_digest")
        asked = rows.select(*PASSED_ON, "body").mapInArrow(Ask(self.endpoint), CACHE)
        place = f"{self.scratch}/answers-{number}"
        kept = _kept(self.spark, asked, place)
        self._count(kept)
        self.publish(kept.where(~F.col("error").eqNullSafe(SKIPPED)))
        storage.remove(place)

    def _count(self, kept: DataFrame) -> None:
        fault = F.col("error")
        row = kept.agg(
            F.count_if(fault.isNull() | (fault != SKIPPED)).alias("asked"),
            F.count_if(fault.isNull()).alias("answered"),
            F.count_if(fault == SKIPPED).alias("skipped"),
            F.coalesce(F.sum("tokens_in"), F.lit(0)).alias("tokens_in"),
            F.coalesce(F.sum("tokens_out"), F.lit(0)).alias("tokens_out"),
            F.min(F.when(fault.isin(*FATAL), fault)).alias("fatal"),
            F.min(F.when(fault != SKIPPED, fault)).alias("fault"),
        ).first()
        if row is None:
            raise ProvenderError("rewriting: a chunk of requests left no trace; run again")
        report = self.report
        # One stubborn request at the end must not undo what was answered; a silent endpoint is not asked on and on.
        silent = row["answered"] == 0 and (row["skipped"] or row["asked"] >= FIRST_CHUNK or report.answered == 0)
        if row["fatal"] or silent:
            raise _error(self.endpoint, row["fatal"] or row["fault"])
        self.report = GenerationReport(
            asked=report.asked + row["asked"], answered=report.answered + row["answered"],
            failed=report.failed + row["asked"] - row["answered"], tokens_in=report.tokens_in + row["tokens_in"],
            tokens_out=report.tokens_out + row["tokens_out"], seconds=round(time.monotonic() - self.began, 3),
        )  # fmt: skip

    def _progress(self) -> None:
        report = self.report
        left = report.seconds / max(1, report.asked) * (self.total - report.asked)
        failed = f", {report.failed} without an answer" if report.failed else ""
        self.say(
            f"rewriting: {report.asked}/{self.total} requests, {report.tokens_out} tokens written{failed}, "
            f"about {left:.0f} s left"
        )


def _error(endpoint: Endpoint, fault: str) -> ProvenderError:
    """The error of a person for a fault that ends the asking; never the key, never what the server said."""
    if fault == UNAUTHORISED:
        return UsageError(f"{endpoint.place} refuses the key; correct PROVENDER_REWRITE_KEY")
    if fault in FATAL:
        return UsageError(
            f"{endpoint.place} does not serve {endpoint.model}; "
            "correct PROVENDER_REWRITE_MODEL or PROVENDER_REWRITE_URL"
        )
    if fault in REJECTIONS:
        return UsageError(
            f"{endpoint.place} rejects the requests ({fault}); compare rewritten.sampling of the recipe "
            "(max_tokens, constrain, extra) with what the endpoint takes"
        )
    return TransientError(
        f"{endpoint.place} gives no answer ({fault}); check that it runs and PROVENDER_REWRITE_URL, and run again, "
        "or set the rewriting budget of the recipe to 0. What was answered so far is kept"
    )
