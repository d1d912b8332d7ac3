"""What must hold of `raw`: every document record that an independent reader found is a row, an error or suppressed."""

import great_expectations.expectations as gxe
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.common_laws import columns, keys, no_rows
from expectations.gate import Audited, Law

DOCUMENT_CAUSES = "document"


def _counts_by_file(audited: Audited) -> DataFrame:
    """One row a file: what the registry's independent inventory found, and what the candidate holds of it."""
    inventory = (
        audited.inputs.partition("snapshots", audited.partition)
        .select(F.explode("inputs").alias("input"))
        .select(F.col("input.uri").alias("source_file"), "input.documents", "input.bytes")
    )
    rows = audited.candidate.groupBy("source_file").agg(F.count("*").alias("rows"))
    lost = (
        audited.side["read_errors"]
        .where(F.col("is_document"))
        .groupBy("source_file")
        .agg(F.count("*").alias("unreadable"))
    )
    return (
        inventory.join(rows, "source_file", "full_outer")
        .join(lost, "source_file", "full_outer")
        .na.fill(0, ["documents", "rows", "unreadable"])
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
    Law(
        name="payloads_are_there",
        says="every document record has its bytes, if only none of them",
        expect=lambda _: gxe.ExpectColumnValuesToNotBeNull(column="payload"),
    ),
    Law(
        name="payload_digests_are_well_formed",
        says="every payload has its SHA-256",
        expect=lambda _: gxe.ExpectColumnValuesToMatchRegex(column="payload_digest", regex=r"^sha256:[0-9a-f]{64}$"),
    ),
    no_rows(
        "payload_digests_are_true",
        "the digest of every payload is the digest of its bytes",
        "SELECT 1 AS broken FROM {batch} WHERE payload_digest <> concat('sha256:', sha2(payload, 256))",
    ),
    Law(
        name="every_record_is_accounted_for",
        says="document records that a second reader found = rows + unreadable records + suppressed, file by file",
        expect=lambda audited: gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="SELECT 1 AS broken FROM {batch} GROUP BY true HAVING "
            f"sum(documents) <> sum(rows) + sum(unreadable) + {audited.suppressed} "
            f"OR ({audited.suppressed} = 0 AND max(abs(documents - rows - unreadable)) > 0)"
        ),
        frame=_counts_by_file,
    ),
    Law(
        name="few_records_are_unreadable",
        says="at most one document record in ten could not be read",
        expect=lambda _: gxe.UnexpectedRowsExpectation(
            unexpected_rows_query="SELECT 1 AS broken FROM {batch} GROUP BY true "
            "HAVING sum(unreadable) * 10 > sum(documents)"
        ),
        frame=_counts_by_file,
        severity="warning",
    ),
    Law(
        name="the_snapshot_is_not_empty",
        says="a snapshot holds at least one document",
        expect=lambda _: gxe.ExpectTableRowCountToBeBetween(min_value=1),
    ),
)
