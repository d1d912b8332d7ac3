"""What must hold of `cleaned`: every raw row is there, kept or dropped for stated reasons, and the reasons are true."""

from expectations.common_laws import columns, holds, keys, no_nan, no_nulls, no_row, row_count
from expectations.gate import Audited, Law


def _raw_rows(audited: Audited) -> int:
    return audited.inputs.partition("raw", audited.partition).count() - audited.suppressed


LAWS: tuple[Law, ...] = (
    columns(
        "snapshot",
        "doc_id",
        "url",
        "host",
        "source",
        "licence",
        "text",
        "language",
        "language_score",
        "kept",
        "drop_reasons",
        "edits",
    ),
    *keys(),
    row_count("conserved", "kept + dropped + suppressed = raw rows", _raw_rows),
    no_nan(),
    no_nulls("texts_are_there", "every row has its text, dropped ones too", "text"),
    no_nulls("verdicts_are_there", "every row has a verdict", "kept"),
    no_row(
        "a_drop_has_a_reason",
        "a row is dropped exactly when a rule was broken",
        "kept <> (coalesce(size(drop_reasons), 0) <= 0)",
    ),
    no_row(
        "reasons_are_broken_rules",
        "every reason names its annotator, version and fault, and its value lies outside its bound",
        "exists(drop_reasons, r -> r.annotator IS NULL OR r.version IS NULL OR r.reason IS NULL "
        "OR (r.value IS NULL) <> (r.bound IS NULL))",
    ),
    no_row("kept_texts_are_not_blank", "a kept document has text", "kept AND length(trim(text)) = 0"),
    no_row(
        "language_scores_are_in_range",
        "language scores lie in [0, 1]",
        "language_score < 0 OR language_score > 1",
    ),
    holds(
        "something_is_kept",
        "the filters leave at least one document in a hundred",
        "count_if(kept) * 100 >= count(1)",
        severity="warning",
    ),
)
