"""What a cleaned table holds, counted in one scan: documents, kept ones and characters, by language, host, reason, ...

The counts of the publication record, and what the gate measures a candidate by. Nothing here judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

HOSTS = 500  # hosts that are counted one by one, those with the most documents
MIN_HOST_DOCUMENTS = 10  # a record does not list small hosts
REPLACEMENT = "\ufffd"
# UTF-8 bytes read as Latin-1 or Windows-1252: a lead byte's letter before a sign that no word has there; quotation
# marks, dashes and U+FFFD so misread.
MOJIBAKE = "[\u00c2\u00c3\u00d0\u00d1][\u00a0-\u00a9\u00ab-\u00b9\u00bc-\u00bf]|\u00e2\u20ac|\u00ef\u00bf\u00bd"

FACETS = ("language", "source", "host", "filter", "reason", "first", "editor")


@dataclass(frozen=True)
class Count:
    """Documents that have something in common; characters are those that one editor removed, less those it added."""

    documents: int
    kept: int
    removed_chars: int = 0


@dataclass(frozen=True)
class Tally:
    """Counts of one table. `by[facet][name]`; a document has one language, source and host, all its reasons, a first.

    `extracted_chars` are before all edits. `replaced` and `mojibake` count kept documents; `emptied` those whose text
    the edits removed, `not_extracted` those that never had one.
    """

    documents: int
    kept: int
    extracted_chars: int
    replaced: int
    mojibake: int
    emptied: int
    not_extracted: int
    by: Mapping[str, Mapping[str, Count]] = field(default_factory=dict)


def tally(cleaned: DataFrame) -> Tally:
    """Count a cleaned table (one partition); one scan, and no more rows come back than there are names."""
    removed = F.aggregate("edits", F.lit(0).cast("long"), lambda total, edit: total + edit["chars_removed"])
    kept, text = F.coalesce("kept", F.lit(False)), F.coalesce("text", F.lit(""))
    measured = cleaned.select(
        _entries().alias("entries"),
        kept.cast("long").alias("kept"),
        (F.length(text) + removed).alias("extracted_chars"),
        (kept & text.contains(REPLACEMENT)).cast("long").alias("replaced"),
        (kept & text.rlike(MOJIBAKE)).cast("long").alias("mojibake"),
        ((F.length(F.trim(text)) == 0) & (removed > 0)).cast("long").alias("emptied"),
        F.exists("drop_reasons", lambda reason: reason["annotator"] == "extract").cast("long").alias("not_extracted"),
    )
    sums = ("kept", "extracted_chars", "replaced", "mojibake", "emptied", "not_extracted")
    grouped = (
        measured.select(F.explode("entries").alias("entry"), *sums)
        .groupBy("entry.facet", "entry.name")
        .agg(
            F.count(F.lit(1)).alias("documents"),
            F.sum("entry.chars").alias("removed_chars"),
            *(F.sum(name).alias(name) for name in sums),
        )
    )
    place = F.row_number().over(Window.partitionBy("facet").orderBy(F.desc("documents"), "name"))
    is_host, large = F.col("facet") == "host", F.col("documents") >= MIN_HOST_DOCUMENTS
    listed = grouped.where(~is_host | large).withColumn("place", place).where(~is_host | (F.col("place") <= HOSTS))
    return _of_rows([row.asDict() for row in listed.collect()])


def edits_by_editor() -> Column:
    """The edits of a row, one entry an editor (editor, count, chars_removed): what it records by kind is added up."""

    def editor(edit: Column) -> Column:
        return F.substring_index(edit["editor"], ".", 1)

    def total(name: Column, of: str) -> Column:
        own = F.filter("edits", lambda edit: editor(edit) == name)
        return F.aggregate(own, F.lit(0).cast("long"), lambda sum_, edit: sum_ + edit[of]).alias(of)

    names = F.array_distinct(F.transform("edits", editor))
    return F.transform(
        names, lambda name: F.struct(name.alias("editor"), total(name, "count"), total(name, "chars_removed"))
    )


def _entries() -> Column:
    def entry(facet: str, name: Column, chars: Column | None = None) -> Column:
        return F.struct(
            F.lit(facet).alias("facet"),
            F.coalesce(name, F.lit("")).alias("name"),
            (F.lit(0) if chars is None else chars).cast("long").alias("chars"),
        )

    own = F.array(
        entry("all", F.lit("")),
        entry("language", F.col("language")),
        entry("source", F.col("source")),
        # Documents that never had a URL are told apart by their source.
        entry("host", F.coalesce("host", "source")),
    )
    filters = F.transform(F.array_distinct(F.col("drop_reasons.annotator")), lambda name: entry("filter", name))

    def reason(facet: str, of: Column) -> Column:
        return F.transform(of, lambda r: entry(facet, F.concat_ws(".", r["annotator"], r["reason"])))

    reasons, first = reason("reason", F.col("drop_reasons")), reason("first", F.slice("drop_reasons", 1, 1))
    edits = F.transform(edits_by_editor(), lambda edit: entry("editor", edit["editor"], edit["chars_removed"]))
    return F.concat(own, *(F.coalesce(entries, F.array().cast("array<struct<facet:string,name:string,chars:bigint>>"))
                           for entries in (filters, reasons, first, edits)))  # fmt: skip


def _of_rows(rows: list[dict[str, Any]]) -> Tally:
    by: dict[str, dict[str, Count]] = {facet: {} for facet in FACETS}
    whole: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: row["name"]):
        if row["facet"] == "all":
            whole = row
        else:
            by[row["facet"]][row["name"]] = Count(row["documents"], row["kept"], row["removed_chars"])
    names = ("documents", "kept", "extracted_chars", "replaced", "mojibake", "emptied", "not_extracted")
    return Tally(**{name: int(whole.get(name) or 0) for name in names}, by=by)


def as_counts(tallied: Tally) -> dict[str, Any]:
    """The tally as part of a publication record: JSON-able, under keys that stay."""
    counts: dict[str, Any] = {
        f"by_{facet}": {name: {"documents": c.documents, "kept": c.kept} for name, c in tallied.by[facet].items()}
        for facet in ("language", "source", "host")
    }
    counts["by_filter"] = {name: count.documents for name, count in tallied.by["filter"].items()}
    counts["by_reason"] = {name: count.documents for name, count in tallied.by["reason"].items()}
    # These exclude one another, so they add up to what was dropped.
    counts["by_first_reason"] = {name: count.documents for name, count in tallied.by.get("first", {}).items()}
    counts["by_editor"] = {
        name: {"documents": count.documents, "chars_removed": count.removed_chars}
        for name, count in tallied.by["editor"].items()
    }
    counts["chars"] = {"extracted": tallied.extracted_chars}
    return counts


def from_counts(counts: Mapping[str, Any]) -> Tally | None:
    """What a record says of an earlier table, as far as comparing needs it; None where the record does not say it."""
    if not {"by_language", "by_host", "by_source", "by_reason", "rows", "kept"} <= set(counts):
        return None
    by: dict[str, dict[str, Count]] = {
        facet: {name: Count(int(c["documents"]), int(c["kept"])) for name, c in counts[f"by_{facet}"].items()}
        for facet in ("language", "source", "host")
    }
    by["reason"] = {name: Count(int(documents), 0) for name, documents in counts["by_reason"].items()}
    return Tally(int(counts["rows"]), int(counts["kept"]), 0, 0, 0, 0, 0, by)
