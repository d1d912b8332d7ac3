"""The documents of two releases side by side, by their id: those that only one has or that differ, and their causes.

A document's id is made of its address, time and bytes, so it is the same in every snapshot and lake. Text is compared
by the hashes that dedup stored, and only of snapshots whose publications differ.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.analysis.blame import Blame
from spark_jobs.analysis.causes import absence, other_text, other_weight
from spark_jobs.analysis.fates import SURVIVOR, UNDEDUPED, fates, rewrite_fates
from spark_jobs.analysis.released import ORIGINAL, Released
from spark_jobs.lake.suppressions import Suppressions, suppress

REMOVED, ADDED, TEXT, WEIGHT = "removed", "added", "text", "weight"
KINDS = (REMOVED, ADDED, TEXT, WEIGHT)
_DECIDING = ("cleaned", "deduped", "rewritten")
_KEYS = ["snapshot", "doc_id"]
_OWN = ("snapshot", "origin", "parent_id", "url", "host", "licence", "source", "language", "quality")
_COLUMNS = ("doc_id", *_OWN, "tokens_before", "tokens_after", "kind")


def paired(before: Released, after: Released) -> DataFrame:
    """Documents that are not the same in both: what is known of them, their drawn tokens on both sides, and `kind`.

    `same_text` and `same_tokens` say what of a document of both is as it was; `snapshot_before` where it was then.
    """
    moved = _moved(before, after)
    then = _side(before, moved[0], "then")
    now = _side(after, moved[1], "now")
    both = then.join(now, "doc_id", "full_outer")
    known = F.coalesce("now", "then")
    same_text, same_cuts = _same("text_hash"), _same("cuts")
    same_tokens = F.col("then.tokens") == F.col("now.tokens")
    kind = (
        F.when(F.col("now").isNull(), REMOVED)
        .when(F.col("then").isNull(), ADDED)
        .when(~same_text | ~same_cuts, TEXT)
        .when(~same_tokens | (F.col("then.drawn") != F.col("now.drawn")), WEIGHT)
    )
    return both.select(
        "doc_id", *(known[name].alias(name) for name in _OWN),
        F.col("then.drawn").alias("tokens_before"), F.col("now.drawn").alias("tokens_after"),
        F.col("then.snapshot").alias("snapshot_before"), same_text.alias("same_text"),
        same_tokens.alias("same_tokens"), kind.alias("kind"),
    ).where("kind IS NOT NULL")  # fmt: skip


def attributed(blame: Blame, pairs: DataFrame) -> DataFrame:
    """The pairs with `cause` and `detail`. Give pairs that are cheap to read."""
    before, after = blame.before, blame.after
    parts = [
        _absent(blame, before, after, pairs.where(F.col("kind") == REMOVED)),
        _absent(blame, after, before, pairs.where(F.col("kind") == ADDED)),
        _reworded(blame, pairs.where(F.col("kind") == TEXT)),
        _told(pairs.where(F.col("kind") == WEIGHT), other_weight(blame)),
    ]
    return reduce(DataFrame.unionByName, parts)


def _same(name: str) -> Column:
    """Whether a mark is the same on both sides; what only one side looked up is taken to be."""
    return F.coalesce(F.col(f"then.{name}") == F.col(f"now.{name}"), F.lit(True))


def _moved(before: Released, after: Released) -> tuple[frozenset[str], frozenset[str]]:
    """Snapshots of each side that the other does not have with the same rows: elsewhere no text can differ."""

    def digests(released: Released, snapshot: str) -> list[str | None]:
        found = (released.pins[table].get(snapshot) for table in _DECIDING)
        return [None if publication is None else publication.digest for publication in found]

    # Of what a takedown destroyed nothing is left to compare.
    same = {*before.destroyed, *after.destroyed} | {
        name for name in set(before.snapshots) & set(after.snapshots) if digests(before, name) == digests(after, name)
    }
    moved = frozenset(set(before.snapshots) - same), frozenset(set(after.snapshots) - same)
    # Of a snapshot that was only added, or only left out, there is nothing to compare with.
    return moved if all(moved) else (frozenset(), frozenset())


def _side(released: Released, moved: frozenset[str], name: str) -> DataFrame:
    """doc_id, and a struct of what a release says of it."""
    documents = released.documents().select(
        "doc_id", *_OWN, "tokens", (F.col("tokens") * F.col("copies")).alias("drawn")
    )
    marked = _marked(released, documents, moved)
    return marked.select("doc_id", F.struct(*_OWN, "tokens", "drawn", "text_hash", "cuts").alias(name))


def _marked(released: Released, documents: DataFrame, moved: frozenset[str]) -> DataFrame:
    """Documents with `text_hash`, of their text before dedup cut it, and `cuts` (none: ""); null outside of `moved`."""
    if not moved:
        return documents.withColumns({"text_hash": F.lit(None).cast("string"), "cuts": F.lit(None).cast("string")})
    inside = F.col("snapshot").isin(sorted(moved))
    spans = F.transform("cuts", lambda cut: F.struct(cut["byte_start"], cut["byte_length"]))
    cuts = (
        released.rows("deduped").where(inside & (F.col("chars_cut") > 0)).select(*_KEYS, F.to_json(spans).alias("cuts"))
    )
    hashes = released.signatures(moved)
    if released.has_rewrites:
        written = released.rows("rewritten").where(inside & F.col("kept"))
        hashes = hashes.unionByName(written.select(*_KEYS, F.sha2("text", 256).alias("text_hash")))
    found = documents.join(hashes, _KEYS, "left").join(cuts, _KEYS, "left")
    return found.withColumn("cuts", F.when(inside, F.coalesce("cuts", F.lit(""))))


def _absent(blame: Blame, own: Released, other: Released, rows: DataFrame) -> DataFrame:
    """Documents of `own` that `other` does not hold. A rewrite is followed by its parent as well."""
    subject = rows.withColumn("subject", F.coalesce("parent_id", "doc_id"))
    found = fates(other, subject.select(F.col("subject").alias("doc_id")).distinct())
    joined = subject.join(found.withColumnRenamed("doc_id", "subject"), "subject", "left")
    if own.has_rewrites:
        rewrites = rows.where(F.col("origin") != ORIGINAL).select("doc_id")
        joined = joined.join(rewrite_fates(other, rewrites), "doc_id", "left")
    else:
        joined = joined.withColumn("rewrite", _no_rewrite())
    return _told(_with_suppressed(own, other, joined), absence(blame, own, other))


def _no_rewrite() -> Column:
    return F.lit(None).cast("struct<kept: boolean, reason: string, quality: double, benchmarks: array<string>>")


def _with_suppressed(own: Released, other: Released, rows: DataFrame) -> DataFrame:
    """Whether the other lake may not hold a document: `suppressed`; asked of those that no verdict of it names."""
    suppressions = Suppressions.read(other.lake)
    if suppressions.frame is None:
        return rows.withColumn("suppressed", F.lit(False))
    # Suppressed before its snapshot was cleaned, or before the release was mixed.
    unnamed = F.col("fate").isNull() | F.col("fate.stage").isin(UNDEDUPED, SURVIVOR)
    missing = rows.where(unnamed).select("doc_id", "parent_id", "subject", "host", "licence")
    addresses = own.rows("cleaned").select(F.col("doc_id").alias("subject"), "canonical_url")
    asked = missing.join(addresses, "subject", "left")
    allowed = suppress(asked, suppressions).select("doc_id").distinct().withColumn("_allowed", F.lit(True))
    joined = rows.join(allowed, "doc_id", "left")
    return joined.withColumn("suppressed", unnamed & F.col("_allowed").isNull()).drop("_allowed")


def _reworded(blame: Blame, rows: DataFrame) -> DataFrame:
    """Documents of both with another text, with the edits of either side where editors changed."""
    if blame.extractor is None and len(blame.text_makers) > 1:
        ids = rows.select("doc_id")
        now = _edits(blame.after, ids, "snapshot", "edits")
        then = _edits(blame.before, ids, "snapshot_before", "edits_before")
        rows = rows.join(now, ["snapshot", "doc_id"], "left").join(then, ["snapshot_before", "doc_id"], "left")
    else:
        nothing = F.array().cast("array<struct<editor: string, count: int>>")
        rows = rows.withColumns({"edits": nothing, "edits_before": nothing})
    return _told(rows, other_text(blame))


def _edits(released: Released, ids: DataFrame, snapshot: str, name: str) -> DataFrame:
    cleaned = released.rows("cleaned").join(ids, "doc_id", "left_semi")
    return cleaned.select(F.col("snapshot").alias(snapshot), "doc_id", F.col("edits").alias(name))


def _told(rows: DataFrame, cause: Column) -> DataFrame:
    found = rows.withColumn("_cause", cause)
    return found.select(*_COLUMNS, F.col("_cause.cause").alias("cause"), F.col("_cause.detail").alias("detail"))
