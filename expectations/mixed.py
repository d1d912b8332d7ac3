"""What must hold of `mixed`: caps kept, one capture a URL, no benchmark text, every row's ancestors published."""

import great_expectations.expectations as gxe
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.common_laws import columns, keys, no_nan, no_rows
from expectations.gate import Audited, Law
from spark_jobs.stages.mix import benchmark_hits


def _parents(audited: Audited) -> DataFrame:
    """Rows whose original is not a kept document of the pinned `deduped`, or whose rewrite is not an accepted one."""
    kept = (
        audited.inputs.partitions("deduped")
        .where(F.col("kept"))
        .select(F.col("snapshot").alias("of_snapshot"), F.col("doc_id").alias("of_id"), F.lit(True).alias("is_kept"))
    )
    accepted = (
        audited.inputs.partitions("rewritten")
        .where(F.col("kept"))
        .select("snapshot", "doc_id", F.lit(True).alias("is_accepted"))
    )
    return (
        audited.candidate.select(
            "snapshot",
            "doc_id",
            "origin",
            F.coalesce("parent_snapshot", "snapshot").alias("of_snapshot"),
            F.coalesce("parent_id", "doc_id").alias("of_id"),
        )
        .join(kept, ["of_snapshot", "of_id"], "left")
        .join(accepted, ["snapshot", "doc_id"], "left")
    )


def _as_planned(audited: Audited) -> gxe.UnexpectedRowsExpectation:
    """Without a plan the tokens are exactly what the selection counted; with one, within its tolerance."""
    plan = audited.recipe.mixed.plan
    tolerance = plan.tolerance if plan is not None else 0.0
    planned = audited.facts["planned_tokens"]
    wanted = " ".join(f"WHEN source = {_literal(name)} THEN {int(tokens)}" for name, tokens in sorted(planned.items()))
    case = f"CASE {wanted} ELSE 0 END" if wanted else "0"
    return gxe.UnexpectedRowsExpectation(
        unexpected_rows_query="SELECT 1 AS broken FROM {batch} WHERE origin = 'original' GROUP BY source "
        f"HAVING abs(sum(tokens * copies) - {case}) > {tolerance} * {case}"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}") + "'"


LAWS: tuple[Law, ...] = (
    columns(
        "release",
        "snapshot",
        "doc_id",
        "parent_id",
        "url",
        "text",
        "language",
        "source",
        "origin",
        "phase",
        "copies",
        "tokens",
    ),
    *keys("release"),
    no_nan(),
    Law(
        name="texts_are_there",
        says="every document has text",
        expect=lambda _: gxe.ExpectColumnValueLengthsToBeBetween(column="text", min_value=1),
    ),
    Law(
        name="tokens_are_counted",
        says="every document has at least one token",
        expect=lambda _: gxe.ExpectColumnValuesToBeBetween(column="tokens", min_value=1),
    ),
    Law(
        name="copies_are_within_the_cap",
        says="no document is repeated more often than the epoch cap",
        expect=lambda audited: gxe.ExpectColumnValuesToBeBetween(
            column="copies", min_value=1, max_value=audited.recipe.mixed.max_epochs
        ),
    ),
    no_rows(
        "one_capture_a_url",
        "a URL comes once among the originals",
        "SELECT 1 AS broken FROM {batch} WHERE origin = 'original' AND url IS NOT NULL "
        "GROUP BY url HAVING count(*) > 1",
    ),
    Law(
        name="rewrites_keep_their_share",
        says="rewritten text is at most the recipe's share of the tokens",
        expect=lambda audited: gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="SELECT 1 AS broken FROM {batch} GROUP BY true HAVING "
            "sum(if(origin = 'original', 0, tokens * copies)) > "
            f"{audited.recipe.mixed.rewritten_share} * sum(tokens * copies) + 1"
        ),
    ),
    Law(
        name="tokens_are_as_planned",
        says="every source has the tokens of original text that the plan gave it, within the recipe's tolerance",
        expect=_as_planned,
    ),
    no_rows(
        "ancestors_are_published",
        "every original is a kept document, every rewrite an accepted one of a kept document",
        "SELECT 1 AS broken FROM {batch} WHERE is_kept IS NULL OR (origin <> 'original' AND is_accepted IS NULL)",
        frame=_parents,
    ),
    no_rows(
        "no_benchmark_text",
        "no document holds an item of a benchmark that the recipe names",
        "SELECT 1 AS broken FROM {batch} WHERE hit",
        frame=lambda audited: benchmark_hits(audited.candidate, audited.recipe),
    ),
    Law(
        name="the_release_is_not_empty",
        says="a release holds at least one document",
        expect=lambda _: gxe.ExpectTableRowCountToBeBetween(min_value=1),
    ),
)
