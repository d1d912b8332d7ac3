"""What must hold of `cleaned`: every raw row is there, kept or dropped for stated reasons, and the reasons are true.

And what the recipe's `cleaned.gates` asks: that a snapshot is not damaged, and does not differ too much from the one
before. The first snapshot has none before it: these laws hold then, and their outcome says so.
"""

from expectations.cleaning_figures import figures_of
from expectations.common_laws import columns, holds, keys, no_nan, no_nulls, no_row, row_count
from expectations.figures import Figures
from expectations.gate import Audited, Law


def _raw_rows(audited: Audited) -> int:
    return audited.inputs.partition("raw", audited.partition).count() - audited.suppressed


_FIGURES = Figures("cleaned", figures_of)


GATES: tuple[Law, ...] = (
    _FIGURES.at_most(
        "languages_are_dropped_as_before", "the share that is dropped of a language changed little",
        "drop_rate_change_by_language", lambda gates: gates.by_language.max_change, "by_language",
    ),
    _FIGURES.at_most(
        "hosts_are_dropped_as_before", "the share that is dropped of a host changed little",
        "drop_rate_change_by_host", lambda gates: gates.by_host.max_change, "by_host",
    ),
    _FIGURES.at_most(
        "reasons_are_as_frequent_as_before", "the share of documents that a rule drops changed little",
        "reason_rate_change", lambda gates: gates.by_reason.max_change, "by_reason",
    ),
    _FIGURES.at_most(
        "languages_are_distributed_as_before", "the languages' shares of the documents changed little",
        "language_shift", lambda gates: gates.languages.max_change, "languages",
    ),
    _FIGURES.at_most(
        "no_host_is_wiped_out", "no host of which documents were kept before has lost them all",
        "hosts_wiped_out", lambda _: 0, "wiped_out",
    ),
    _FIGURES.at_most(
        "no_source_is_wiped_out", "no source of which documents were kept before has lost them all",
        "sources_wiped_out", lambda _: 0, "wiped_out",
    ),
    _FIGURES.at_most(
        "steps_do_what_is_expected", "every step that the recipe expects to touch documents does",
        "effect_missing", lambda _: 0, "effect",
    ),
    _FIGURES.at_most(
        "steps_do_no_more_than_expected", "no step touches more documents than the recipe expects",
        "effect_beyond", lambda _: 0, "effect",
    ),
    _FIGURES.at_most(
        "editors_leave_text", "no editor removes more than the recipe's share of all characters",
        "removed_share", lambda gates: gates.effect.max_removed, "effect",
    ),
    _FIGURES.at_most(
        "text_does_not_grow", "no editor makes the text longer than the recipe allows",
        "growth_share", lambda gates: gates.growth.max_share, "growth",
    ),
    _FIGURES.at_most(
        "few_replacement_characters", "few kept documents hold characters that could not be decoded",
        "replaced_per_1000", lambda gates: gates.encoding.max_replacement, "encoding",
    ),
    _FIGURES.at_most(
        "little_mojibake", "few kept documents hold text that was decoded with the wrong charset",
        "mojibake_per_1000", lambda gates: gates.encoding.max_mojibake, "encoding",
    ),
    _FIGURES.at_most(
        "few_documents_are_emptied", "few documents lose all their text to edits",
        "emptied_share", lambda gates: gates.loss.max_emptied, "loss",
    ),
    _FIGURES.at_most(
        "most_documents_are_extracted", "few documents fail to give a text",
        "not_extracted_share", lambda gates: gates.loss.max_not_extracted, "loss",
    ),
    _FIGURES.at_most(
        "most_languages_are_known", "few documents are in no language that could be told",
        "undetermined_share", lambda gates: gates.loss.max_undetermined, "loss",
    ),
)  # fmt: skip

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
    *GATES,
)
