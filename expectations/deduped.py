"""What must hold of `deduped`: nothing lost, every duplicate names a kept survivor and the evidence."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.common_laws import columns, holds, keys, no_nan, no_nulls, no_row, row_count
from expectations.gate import Audited, Law
from spark_jobs.lake.cuts import cut_text

# Steps that judge whole documents by their similarity; the others say how much of a document another one holds.
_BY_SIMILARITY = "duplicate_step IN ('exact_bytes', 'exact_text', 'minhash')"


def _scored_rows(audited: Audited) -> int:
    return audited.inputs.partition("scored", audited.partition).count() - audited.suppressed


def _earlier(audited: Audited) -> tuple[str, ...]:
    order = audited.inputs.snapshots()
    return order[: order.index(audited.partition)] if audited.partition in order else ()


def _with_survivors(audited: Audited) -> DataFrame:
    """Duplicates beside their survivor's row, from this snapshot or an earlier one."""
    survivors = audited.candidate.select("snapshot", "doc_id", "kept")
    earlier = _earlier(audited)
    if earlier:
        survivors = survivors.unionByName(
            audited.inputs.partitions("deduped", earlier).select("snapshot", "doc_id", "kept")
        )
    named = survivors.select(
        F.col("snapshot").alias("survivor_snapshot"),
        F.col("doc_id").alias("survivor_id"),
        F.col("kept").alias("survivor_kept"),
    )
    return audited.candidate.where(~F.col("kept")).join(named, ["survivor_snapshot", "survivor_id"], "left")


def _documents(audited: Audited) -> DataFrame:
    """Documents of this snapshot and earlier ones: in_snapshot, id, position (of the snapshot), at (place), number."""
    columns = ("snapshot", "doc_id", "place", "capture_number")
    rows = audited.candidate.select(*columns)
    earlier = _earlier(audited)
    if earlier:
        rows = rows.unionByName(audited.inputs.partitions("deduped", earlier).select(*columns))
    order = F.array(*map(F.lit, (*earlier, audited.partition)))
    return rows.select(
        F.col("snapshot").alias("in_snapshot"),
        F.col("doc_id").alias("id"),
        F.array_position(order, F.col("snapshot")).alias("position"),
        F.col("place").alias("at"),
        F.col("capture_number").alias("number"),
    )


def _holders(audited: Audited) -> DataFrame:
    """Every cut beside the document that is said to hold the piece."""
    cuts = audited.candidate.select("snapshot", "doc_id", "place", F.explode("cuts").alias("cut")).select(
        "*", F.col("cut.linked_snapshot").alias("in_snapshot"), F.col("cut.linked_to").alias("id")
    )
    return cuts.join(_documents(audited), ["in_snapshot", "id"], "left")


def _previous(audited: Audited) -> DataFrame:
    """Every capture beside the one before it."""
    named = _documents(audited).select(
        F.col("in_snapshot").alias("previous_snapshot"), F.col("id").alias("previous_id"), "number"
    )
    rows = audited.candidate.select("capture_number", "previous_snapshot", "previous_id")
    return rows.join(named, ["previous_snapshot", "previous_id"], "left")


def _cut_texts(audited: Audited) -> DataFrame:
    """Documents with cuts: the text as it was cleaned, and as it reads without them. None without levels of text."""
    cleaned = audited.inputs.partition("cleaned", audited.partition).select("snapshot", "doc_id", "text")
    if not audited.facts.get("text_levels"):
        cleaned = cleaned.where(F.lit(False))
    rows = audited.candidate.where("chars_cut > 0").select("snapshot", "doc_id", "kept", "cuts", "chars_cut")
    return rows.join(cleaned, ["snapshot", "doc_id"]).withColumn("remaining", cut_text())


def _threshold(audited: Audited) -> float:
    return float(audited.facts.get("min_similarity", 0.0))


LAWS: tuple[Law, ...] = (
    columns(
        "snapshot",
        "doc_id",
        "kept",
        "cluster_id",
        "duplicate_step",
        "survivor_snapshot",
        "survivor_id",
        "linked_to",
        "similarity",
        "cuts",
        "chars_cut",
        "capture_id",
    ),
    *keys(),
    row_count("conserved", "kept + duplicates = scored rows", _scored_rows),
    no_nan(),
    no_nulls("verdicts_are_there", "every row has a verdict", "kept"),
    no_row(
        "survivors_are_kept",
        "every survivor exists and is kept itself",
        "survivor_kept IS NULL OR NOT survivor_kept",
        frame=_with_survivors,
    ),
    no_row(
        "duplicates_have_evidence",
        "every duplicate names its step, its survivor, what it was linked to and how similar that is",
        "NOT kept AND (duplicate_step IS NULL OR survivor_snapshot IS NULL OR survivor_id IS NULL "
        "OR linked_to IS NULL OR similarity IS NULL)",
    ),
    no_row(
        "kept_rows_have_no_survivor_but_themselves",
        "a kept document is nobody's duplicate",
        "kept AND (duplicate_step IS NOT NULL OR (survivor_id IS NOT NULL AND survivor_id <> doc_id))",
    ),
    no_row(
        "similarities_are_in_range",
        "similarity lies in [0, 1]",
        "(similarity < 0 OR similarity > 1) AND NOT isnan(similarity)",
    ),
    no_row(
        "links_are_similar_enough",
        "every pair that links a cluster was verified at or above the threshold",
        lambda audited: f"NOT kept AND {_BY_SIMILARITY} AND similarity < {_threshold(audited)}",
    ),
    no_row(
        "cuts_have_evidence",
        "every cut names its step, the document that holds the piece, how much of it, and if that is itself, where",
        "exists(cuts, c -> c.step IS NULL OR c.linked_snapshot IS NULL OR c.linked_to IS NULL "
        "OR c.similarity IS NULL OR c.similarity <= 0 OR c.similarity > 1 "
        "OR (c.linked_start IS NULL) = (c.linked_snapshot = snapshot AND c.linked_to = doc_id))",
    ),
    no_row(
        "cuts_are_in_order_and_apart",
        "cuts are not empty, follow each other and do not overlap, in characters and in bytes",
        "exists(cuts, c -> c.start < 0 OR c.length < 1 OR c.byte_start < c.start OR c.byte_length < c.length) "
        "OR exists(zip_with(slice(cuts, 1, greatest(size(cuts) - 1, 0)), slice(cuts, 2, size(cuts)), (a, b) -> "
        "a.start + a.length > b.start OR a.byte_start + a.byte_length > b.byte_start), x -> x)",
    ),
    no_row(
        "cut_characters_add_up",
        "the characters cut of a document are those of its cuts",
        "chars_cut IS NULL OR chars_cut <> coalesce(aggregate(cuts, 0L, (total, c) -> total + c.length), 0)",
    ),
    no_row(
        "holders_come_first",
        "what holds a piece that is cut is a document before it in the order of the levels, or an earlier place in it",
        "position IS NULL OR at IS NULL OR place IS NULL OR (in_snapshot = snapshot AND (at > place "
        "OR (at = place AND (cut.linked_start IS NULL OR cut.linked_start >= cut.start))))",
        frame=_holders,
    ),
    no_row(
        "cuts_fit_the_text",
        "every cut lies inside the text, and without its cuts a text is shorter by exactly their characters",
        # Where the bytes are no text, how many characters they are is a matter of taste; bytes are always bytes.
        "octet_length(remaining) <> octet_length(text) - aggregate(cuts, 0L, (total, c) -> total + c.byte_length) "
        "OR exists(cuts, c -> c.byte_start + c.byte_length > octet_length(text)) "
        "OR is_valid_utf8(text) AND (length(remaining) <> length(text) - chars_cut "
        "OR exists(cuts, c -> c.start + c.length > length(text)))",
        frame=_cut_texts,
    ),
    no_row(
        "something_is_left_of_kept_texts",
        "no kept document is blank without its cuts",
        "kept AND NOT remaining RLIKE '\\\\S'",
        frame=_cut_texts,
    ),
    no_row(
        "captures_are_numbered",
        "every document has its page's id and its number among the captures; all but the first name the one before",
        "capture_id IS NULL OR capture_number IS NULL OR capture_number < 1 "
        "OR (previous_id IS NULL) <> (capture_number = 1) OR (previous_snapshot IS NULL) <> (previous_id IS NULL)",
    ),
    no_row(
        "previous_captures_are_there",
        "the capture before is published and has the smaller number",
        "previous_id IS NOT NULL AND (number IS NULL OR number >= capture_number)",
        frame=_previous,
    ),
    holds(
        "not_everything_is_a_duplicate",
        "the first snapshot keeps at least one document in twenty",
        lambda audited: f"{'true' if _earlier(audited) else 'false'} OR count_if(kept) * 20 >= count(1)",
        severity="warning",
    ),
)
