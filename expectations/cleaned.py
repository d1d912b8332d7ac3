"""What must hold of `cleaned`: every raw row is there, kept or dropped for stated reasons, and the reasons are true."""

import great_expectations.expectations as gxe

from expectations.common_laws import columns, keys, no_nan, no_rows, row_count
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
    Law(
        name="texts_are_there",
        says="every row has its text, dropped ones too",
        expect=lambda _: gxe.ExpectColumnValuesToNotBeNull(column="text"),
    ),
    Law(
        name="verdicts_are_there",
        says="every row has a verdict",
        expect=lambda _: gxe.ExpectColumnValuesToNotBeNull(column="kept"),
    ),
    no_rows(
        "a_drop_has_a_reason",
        "a row is dropped exactly when a rule was broken",
        "SELECT 1 AS broken FROM {batch} WHERE kept <> (coalesce(size(drop_reasons), 0) <= 0)",
    ),
    no_rows(
        "reasons_are_broken_rules",
        "every reason names its annotator, version and fault, and its value lies outside its bound",
        "SELECT 1 AS broken FROM {batch} WHERE exists(drop_reasons, r -> r.annotator IS NULL OR r.version IS NULL "
        "OR r.reason IS NULL OR (r.value IS NULL) <> (r.bound IS NULL))",
    ),
    no_rows(
        "kept_texts_are_not_blank",
        "a kept document has text",
        "SELECT 1 AS broken FROM {batch} WHERE kept AND length(trim(text)) = 0",
    ),
    Law(
        name="language_scores_are_in_range",
        says="language scores lie in [0, 1]",
        expect=lambda _: gxe.ExpectColumnValuesToBeBetween(column="language_score", min_value=0, max_value=1),
    ),
    Law(
        name="something_is_kept",
        says="the filters leave at least one document in a hundred",
        expect=lambda _: gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="SELECT 1 AS broken FROM {batch} GROUP BY true HAVING count_if(kept) * 100 < count(*)"
        ),
        severity="warning",
    ),
)
