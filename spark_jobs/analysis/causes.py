"""The one cause of each document that one release holds and the other does not, or holds with another text: columns.

`fates.py` says what became of the document where it is not, `blame.py` which change of the recipe stands behind that.
"""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_jobs.analysis.blame import (
    CAPTURE,
    CONTAMINATION,
    DEDUP,
    INPUT,
    MODEL,
    SELECTION,
    SNAPSHOT,
    TAKEDOWN,
    TEXT,
    Blame,
    Cause,
)
from spark_jobs.analysis.fates import DROPPED, DUPLICATE, OUT, SURVIVOR, UNDEDUPED
from spark_jobs.analysis.recipe_diff import Difference, told
from spark_jobs.analysis.released import ORIGINAL, Released

_LOST = "a takedown destroyed the rows that told what became of it"
_PARENT = "parent_"  # how the reasons of rewrites begin whose parent cannot have one
# By reason of the selection the parameters of the mix that decide about it.
_DECIDED_BY: Mapping[str, tuple[str, ...]] = {
    "no_tokens": ("tokenizer",),
    "not_in_plan": ("plan",),
    "over_quota": ("plan", "max_epochs"),
    "left_out": ("multiplicity", "rehydration"),
    "over_share": ("rewritten_share",),
    "other_sample": ("rewrites_per_parent",),
}
_IN_WORDS: Mapping[str, str] = {
    "no_tokens": "it has no tokens",
    "not_in_plan": "its source is not in the plan",
    "over_quota": "its source's quota was spent on better documents",
    "left_out": "it is drawn 0 times",
    "over_share": "the share of rewrites was spent",
    "other_sample": "another sample of the same parent is taken",
    "not_selected": "the pool changed, and with it the cut",
    "no_score": "it has no score",
}


def absence(blame: Blame, own: Released, other: Released) -> Column:
    """Why a document of `own` is not in `other`: a struct of cause and detail.

    Columns: snapshot, origin, quality, `fate` of the document (of a rewrite: of its parent) in `other`, `rewrite`, and
    `suppressed`, whether the other lake may not hold it.
    """
    held, fate = F.col("snapshot").isin(list(other.snapshots)), F.col("fate")
    lost = F.col("snapshot").isin(list(other.destroyed))
    elected = (fate["stage"] == SURVIVOR) & fate["snapshot"].isin(list(other.elected))
    of_document = (
        F.when(fate.isNull() & ~held, _cause(SNAPSHOT, F.concat(F.lit("snapshot "), "snapshot")))
        .when(F.col("suppressed"), _of(Cause(TAKEDOWN, "suppressed")))
        .when((fate.isNull() | (fate["stage"] == UNDEDUPED)) & lost, _of(Cause(TAKEDOWN, _LOST)))
        .when(fate.isNull(), _of(Cause(INPUT, "the snapshot's files, or how they were read")))
        .when(elected, _of(Cause(TAKEDOWN, "survivor since a takedown")))
        .when(fate["stage"] == DROPPED, _dropped(blame, other))
        .when(fate["stage"] == DUPLICATE, _duplicate(blame, own))
        .when(fate["stage"] == OUT, _not_chosen(blame, own, blame.models, fate))
        .otherwise(_of(blame.underneath))
    )
    rewrite = F.col("rewrite")
    of_rewrite = (
        F.when(rewrite["reason"].startswith(_PARENT), of_document)
        .when(rewrite["reason"].isNotNull(), _not_chosen(blame, own, blame.rewrite_models, rewrite))
        .when(rewrite["kept"] == F.lit(False), _of(blame.rewriting))
        # Where the parent fell, so did what was made of it; where it did not, rewriting is what changed.
        .when(fate.isNull() | fate["stage"].isin(DROPPED, DUPLICATE), of_document)
        .otherwise(_of(blame.rewriting))
    )
    return F.when(F.col("origin") == ORIGINAL, of_document).otherwise(of_rewrite)


def other_text(blame: Blame) -> Column:
    """Why a document of both has another text. Columns: same_text, `edits` and `edits_before` (of cleaning), origin."""
    cut = _of(Cause(DEDUP, told(blame.dedup) or "other pieces are cut"))
    made = _of(blame.of_text())
    if blame.extractor is not None:
        made = _of(blame.extractor)
    else:
        for name, found in reversed(blame.text_makers.items()):
            differs = ~_edits_of("edits_before", name).eqNullSafe(_edits_of("edits", name))
            made = F.when(differs, _of(Cause(TEXT, told(found)))).otherwise(made)
    of_original = F.when(F.col("same_text"), cut).otherwise(made)
    return F.when(F.col("origin") == ORIGINAL, of_original).otherwise(_of(blame.rewriting))


def other_weight(blame: Blame) -> Column:
    """Why a document with the same text is drawn more or less often, or counts other tokens."""
    tokenizer = blame.mixed_by("tokenizer", "tokenizer_digest")
    weights = blame.mixed_by("plan", "multiplicity", "rehydration", "max_epochs")
    drawn = _of(Cause(SELECTION, told(weights) or "what is there to draw from changed"))
    return F.when(F.col("same_tokens"), drawn).otherwise(
        _of(Cause(SELECTION, told(tokenizer)) if tokenizer else blame.underneath)
    )


# verdicts ---------------------------------------------------------------------------------------------------------


def _dropped(blame: Blame, other: Released) -> Column:
    """The reason of cleaning whose change is nearest; of several as near, that of the first filter."""
    fallback = F.struct(F.lit(10_000_000).alias("near"), *_fields(blame.of_text()))
    known = blame.reasons(other)
    if not known:
        return _fields_of(fallback)
    entries = [
        part
        for reason, (near, cause) in known.items()
        for part in (F.lit(reason), F.struct(F.lit(near).alias("near"), *_fields(cause)))
    ]
    lookup = F.create_map(*entries)
    each = F.transform(F.col("fate.reasons"), lambda name: F.coalesce(F.try_element_at(lookup, name), fallback))
    nearest = F.array_min(each)
    return _fields_of(F.coalesce(nearest, fallback))


def _duplicate(blame: Blame, own: Released) -> Column:
    if blame.dedup:
        return _of(Cause(DEDUP, told(blame.dedup)))
    step, snapshot = F.col("fate.step"), F.col("fate.survivor_snapshot")
    newer = F.when(~snapshot.isin(list(own.snapshots)), F.concat(F.lit(" of snapshot "), snapshot))
    return _cause(DEDUP, F.concat(F.lit("survivor by "), step, F.coalesce(newer, F.lit(""))))


def _not_chosen(blame: Blame, own: Released, models: Sequence[Difference], at: Column) -> Column:
    """Of what the selection says. `at` is a struct with reason, quality and benchmarks."""
    reason = at["reason"]
    found = F.when(reason == "other_capture", _capture(blame, own)).when(
        reason == "contaminated", _contaminated(blame, at)
    )
    for name, parameters in _DECIDED_BY.items():
        moved = blame.mixed_by(*parameters)
        found = found.when(reason == name, _of(Cause(SELECTION, told(moved) if moved else _IN_WORDS[name])))
    chosen = _of(Cause(SELECTION, told(blame.selectors) or _IN_WORDS["not_selected"]))
    if models:
        # A model that left this score as it was cannot have moved this document.
        rescored = ~at["quality"].eqNullSafe(F.col("quality"))
        chosen = F.when(rescored, _of(Cause(MODEL, told(models)))).otherwise(chosen)
    return found.when(reason.isin("not_selected", "no_score"), chosen).otherwise(_cause(SELECTION, reason))


def _capture(blame: Blame, own: Released) -> Column:
    if moved := blame.mixed_by("capture"):
        return _of(Cause(CAPTURE, told(moved)))
    instead = F.col("fate.instead_snapshot")
    newer = F.when(~instead.isin(list(own.snapshots)), F.concat(F.lit("a capture of snapshot "), instead))
    return _cause(CAPTURE, F.coalesce(newer, F.lit("another capture of the page")))


def _contaminated(blame: Blame, at: Column) -> Column:
    found = _of(Cause(CONTAMINATION, told(blame.mixed_by("decontamination")) or "its text or what is compared changed"))
    for name, cause in reversed(blame.benchmarks.items()):
        found = F.when(F.array_contains(at["benchmarks"], name), _of(cause)).otherwise(found)
    return found


def _edits_of(column: str, editor: str) -> Column:
    return F.filter(column, lambda edit: F.substring_index(edit["editor"], ".", 1) == editor)


def _fields(cause: Cause) -> tuple[Column, Column]:
    return F.lit(cause.cause).alias("cause"), F.lit(cause.detail).alias("detail")


def _of(cause: Cause) -> Column:
    return F.struct(*_fields(cause))


def _cause(cause: str, detail: Column) -> Column:
    return F.struct(F.lit(cause).alias("cause"), detail.alias("detail"))


def _fields_of(found: Column) -> Column:
    return F.struct(found["cause"].alias("cause"), found["detail"].alias("detail"))
