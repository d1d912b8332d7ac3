"""What must hold of `raw`: every document record and every byte that a second reader found is accounted for."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from expectations.common_laws import columns, holds, keys, no_nulls, no_row
from expectations.gate import Audited, Law


def _accounts(audited: Audited) -> DataFrame:
    """One row a file: what the registry's independent inventory found, and what the candidate holds of it."""
    inventory = (
        audited.inputs.partition("snapshots", audited.partition)
        .select(F.explode("inputs").alias("input"))
        .select(F.col("input.uri").alias("source_file"), "input.documents", "input.bytes", "input.error_bytes")
    )
    rows = audited.candidate.groupBy("source_file").agg(F.count("*").alias("rows"))
    return (
        inventory.join(rows, "source_file", "full_outer")
        .join(_losses(audited.side["read_errors"]), "source_file", "full_outer")
        .na.fill(0)
    )


def _losses(read_errors: DataFrame) -> DataFrame:
    """By file: unreadable documents, and of the spans of lost bytes the sum, the end and how many overlap."""
    end = F.col("source_offset") + F.col("bytes")
    lost = ~F.col("is_document")
    before = Window.partitionBy("source_file", "is_document").orderBy("source_offset", "bytes")
    return (
        read_errors.withColumn("overlaps", lost & (F.lag(end).over(before) > F.col("source_offset")))
        .groupBy("source_file")
        .agg(
            F.count_if("is_document").alias("unreadable"),
            F.sum(F.when(lost, F.col("bytes"))).alias("lost_bytes"),
            F.max(F.when(lost, end)).alias("lost_end"),
            F.count_if("overlaps").alias("overlaps"),
        )
    )


LAWS: tuple[Law, ...] = (
    columns(
        "snapshot",
        "doc_id",
        "url",
        "captured_at",
        "http_status",
        "content_type",
        "payload",
        "payload_digest",
        "source",
        "licence",
        "source_file",
        "source_offset",
    ),
    *keys(),
    no_nulls("payloads_are_there", "every document record has its bytes, if only none of them", "payload"),
    no_row(
        "payload_digests_are_well_formed",
        "every payload has its SHA-256",
        "payload_digest IS NULL OR NOT payload_digest RLIKE '^sha256:[0-9a-f]{64}$'",
    ),
    no_row(
        "payload_digests_are_true",
        "the digest of every payload is the digest of its bytes",
        "payload_digest <> concat('sha256:', sha2(payload, 256))",
    ),
    holds(
        "every_record_is_accounted_for",
        "document records that a second reader found = rows + unreadable records + suppressed, file by file",
        lambda audited: (
            f"coalesce(sum(documents) = sum(rows) + sum(unreadable) + {audited.suppressed}, true) "
            f"AND ({audited.suppressed} > 0 OR coalesce(max(abs(documents - rows - unreadable)), 0) = 0)"
        ),
        frame=_accounts,
    ),
    no_row(
        "every_byte_is_accounted_for",
        "every byte of a file is in a record that a second reader found whole, or in one span that is listed as lost",
        "lost_bytes <> error_bytes OR lost_end > bytes OR overlaps > 0",
        frame=_accounts,
    ),
    holds(
        "few_records_are_unreadable",
        "at most one document record in ten could not be read",
        "coalesce(sum(unreadable) * 10 <= sum(documents), true)",
        frame=_accounts,
        severity="warning",
    ),
    holds("the_snapshot_is_not_empty", "a snapshot holds at least one document", "count(1) > 0"),
)
