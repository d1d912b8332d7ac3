"""What must hold of `mixed`: caps kept, one capture a URL, no benchmark text, every row's ancestors published."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.common_laws import columns, holds, keys, literal, no_nan, no_row, no_rows
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


def _as_planned(audited: Audited) -> str:
    """Without a plan the tokens are exactly what the selection counted; with one, within its tolerance."""
    plan = audited.recipe.mixed.plan
    tolerance = plan.tolerance if plan is not None else 0.0
    planned = audited.facts["planned_tokens"]
    wanted = " ".join(f"WHEN source = {_braced(name)} THEN {int(tokens)}" for name, tokens in sorted(planned.items()))
    case = f"CASE {wanted} ELSE 0 END" if wanted else "0"
    return (
        "SELECT 1 AS broken FROM {batch} WHERE origin = 'original' GROUP BY source "
        f"HAVING abs(sum(tokens * copies) - {case}) > {tolerance} * {case}"
    )


def _braced(text: str) -> str:
    """A string as SQL within a query of Great Expectations, which formats it."""
    return literal(text).replace("{", "{{").replace("}", "}}")


def _one_capture(audited: Audited) -> str:
    """A URL comes once, or once a year where that is how captures are told apart."""
    by_year = audited.recipe.deduped.captures.scope == "year"
    page = "url, coalesce(year(captured_at), 0)" if by_year else "url"
    of_originals = "FILTER (WHERE origin = 'original')"
    return f"count(url) {of_originals} = count(DISTINCT {page}) {of_originals}"


def _past_the_filter(audited: Audited) -> str:
    """Rewrites that the filter of rewrites cannot have let in: without a score of their own, or below its cut."""
    if audited.recipe.mixed.rewrites is None:
        return "false"
    cut = audited.facts["rewrite_selection"]["cut"]
    below = "true" if cut is None else f"quality IS NULL OR quality < double('{float(cut)!r}')"
    return f"origin <> 'original' AND ({below})"


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
    no_row("texts_are_there", "every document has text", "text IS NULL OR length(text) = 0"),
    no_row("tokens_are_counted", "every document has at least one token", "tokens IS NULL OR tokens < 1"),
    no_row(
        "copies_are_within_the_cap",
        "no document is repeated more often than the epoch cap",
        lambda audited: f"copies IS NULL OR copies < 1 OR copies > {audited.recipe.mixed.max_epochs}",
    ),
    holds(
        "one_capture_a_url",
        "a URL comes once among the originals, or once a year where the recipe links captures by year",
        _one_capture,
    ),
    holds(
        "rewrites_keep_their_share",
        "rewritten text is at most the recipe's share of the tokens",
        lambda audited: (
            "coalesce(sum(if(origin = 'original', 0, tokens * copies)) <= "
            f"{audited.recipe.mixed.rewritten_share} * sum(tokens * copies) + 1, true)"
        ),
    ),
    no_row(
        "rewrites_passed_their_filter",
        "where the recipe filters rewrites, each has a score of its own model, none below the cut",
        _past_the_filter,
    ),
    no_rows(
        "tokens_are_as_planned",
        "every source has the tokens of original text that the plan gave it, within the recipe's tolerance",
        _as_planned,
    ),
    no_row(
        "ancestors_are_published",
        "every original is a kept document, every rewrite an accepted one of a kept document",
        "is_kept IS NULL OR (origin <> 'original' AND is_accepted IS NULL)",
        frame=_parents,
    ),
    no_row(
        "no_benchmark_text",
        "no document holds an item of a benchmark that the recipe names",
        "hit",
        frame=lambda audited: benchmark_hits(audited.candidate, audited.recipe),
    ),
    holds("the_release_is_not_empty", "a release holds at least one document", "count(1) > 0"),
)
