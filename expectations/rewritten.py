"""What must hold of `rewritten`: every planned attempt is a row, every parent is kept, only parsed text is accepted."""

from pyspark.sql import functions as F

from expectations.common_laws import columns, holds, keys, no_nan, no_nulls, no_row, row_count
from expectations.gate import Audited, Law


def _planned(audited: Audited) -> int:
    return int(audited.facts["planned_attempts"]) - audited.suppressed


LAWS: tuple[Law, ...] = (
    columns(
        "snapshot",
        "doc_id",
        "parent_snapshot",
        "parent_id",
        "strategy",
        "model",
        "prompt_digest",
        "sample",
        "text",
        "parse_status",
        "kept",
        "drop_reasons",
    ),
    *keys(),
    row_count("attempts_are_what_was_planned", "attempts = what the budget planned", _planned),
    no_nan(),
    no_row(
        "parents_are_kept",
        "every rewrite's parent is a kept document of this snapshot",
        "parent_kept IS NULL OR NOT parent_kept",
        frame=lambda audited: audited.candidate.join(
            audited.inputs.partition("deduped", audited.partition).select(
                F.col("snapshot").alias("parent_snapshot"),
                F.col("doc_id").alias("parent_id"),
                F.col("kept").alias("parent_kept"),
            ),
            ["parent_snapshot", "parent_id"],
            "left",
        ),
    ),
    no_row(
        "accepted_rewrites_were_parsed",
        "only text that stood between the markers is accepted",
        "kept AND (parse_status <> 'ok' OR text IS NULL OR length(trim(text)) = 0)",
    ),
    no_row(
        "a_rejection_has_a_reason",
        "an attempt is rejected exactly when a gate or the parser says why",
        "kept <> (coalesce(size(drop_reasons), 0) <= 0)",
    ),
    no_nulls("parse_status_is_there", "every attempt has a parse status", "parse_status"),
    holds(
        "some_attempts_parse",
        "at least one attempt in ten can be parsed",
        "count_if(parse_status = 'ok') * 10 >= count(1)",
        severity="warning",
    ),
)
