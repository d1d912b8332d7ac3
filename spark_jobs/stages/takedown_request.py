"""What is asked to be taken down, as rules in the form in which they are kept; and the documents that they name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import sha256_of
from spark_jobs.lake.suppressions import KINDS, SCHEMA, host_column, within
from spark_jobs.lake.takedown_files import DiskSearch, partition_of

_RAW = "doc_id STRING, canonical_url STRING, licence STRING"
_LOCATOR = "url_hash BIGINT, doc_id STRING, url STRING"


@dataclass(frozen=True)
class Request:
    """Rules by kind (`doc`, `url` in canonical form, `domain`, `licence`), and why."""

    rules: Mapping[str, tuple[str, ...]]
    reason: str

    @property
    def receipt(self) -> str:
        """The name of its receipt: the same request has the same one, so a second attempt goes on where it was."""
        return f"takedown-{sha256_of({kind: sorted(self.rules.get(kind, ())) for kind in KINDS})[:16]}"

    @property
    def listed(self) -> list[dict[str, str]]:
        """The rules one by one."""
        return [{"kind": kind, "value": value} for kind in KINDS for value in sorted(self.rules.get(kind, ()))]

    @property
    def broad(self) -> bool:
        """Whether a rule names documents by what only `raw` holds."""
        return bool(self.rules.get("domain") or self.rules.get("licence"))


def documents_of(lake: Lake, search: DiskSearch, request: Request) -> set[tuple[str, str]]:
    """(snapshot, doc_id) of every raw document that the rules hit, in any version that is on disk.

    Documents and URLs are looked up in `locator`, over all publications it was ever written for; a domain or a licence
    takes a scan of two columns of `raw`.
    """
    found = _by_key(lake, search, request) if request.rules.get("doc") or request.rules.get("url") else set()
    return found | (_by_scan(lake, search, request) if request.broad else set())


def _by_key(lake: Lake, search: DiskSearch, request: Request) -> set[tuple[str, str]]:
    urls, ids = set(request.rules.get("url", ())), list(request.rules.get("doc", ()))
    rows = _placed(lake, search, "locator", _LOCATOR)
    if rows is None:
        return set()
    asked = F.lit(False)
    if urls:
        asked |= F.col("url_hash").isin(*(url_hash(url) for url in urls))
    if ids:
        asked |= F.col("doc_id").isin(*ids)
    hit = rows.where(asked).select("file", "doc_id", "url").collect()
    # Equal hashes are no proof.
    return {
        (_snapshot("locator", row["file"]), row["doc_id"])
        for row in hit
        if row["doc_id"] in ids or (row["url"] is not None and canonical_url(row["url"]) in urls)
    }


def _by_scan(lake: Lake, search: DiskSearch, request: Request) -> set[tuple[str, str]]:
    rows = _placed(lake, search, "raw", _RAW)
    if rows is None:
        return set()
    hit = rows.where(hits(rows.columns, request)).select("file", "doc_id").collect()
    return {(_snapshot("raw", row["file"]), row["doc_id"]) for row in hit}


def hits(columns: list[str], request: Request) -> Column:
    """Whether a row with these columns is hit by a domain or a licence."""
    asked = F.lit(False)
    host = host_column(columns)
    if host is not None and request.rules.get("domain"):
        asked |= within(host, request.rules["domain"])
    if "licence" in columns and request.rules.get("licence"):
        asked |= F.coalesce(F.col("licence").isin(*request.rules["licence"]), F.lit(False))
    return asked


def _placed(lake: Lake, search: DiskSearch, table: str, schema: str) -> DataFrame | None:
    if not search.below(table):
        return None
    rows = search.read([lake.location(table)], schema)
    return rows.withColumn("file", F.col("_metadata.file_path"))


def _snapshot(table: str, uri: str) -> str:
    return partition_of(uri.rpartition(f"/tables/{table}/")[2])


def rules_frame(lake: Lake, request: Request, documents: Iterable[str]) -> DataFrame:
    """Rows of `suppressions`: the rules, and each document that they hit."""
    named = {(rule["kind"], rule["value"]) for rule in request.listed} | {("doc", doc_id) for doc_id in documents}
    rows = [(kind, value, request.reason, request.receipt) for kind, value in sorted(named)]
    return lake.spark.createDataFrame(rows, SCHEMA)


def suppressed_by(lake: Lake, receipt: str) -> set[str]:
    """The documents that a takedown has suppressed already."""
    rows = lake.at("suppressions").where((F.col("receipt") == receipt) & (F.col("kind") == "doc"))
    return {row["value"] for row in rows.select("value").distinct().collect()}


def work_place(lake: Lake, receipt: str) -> str:
    """Where an unfinished takedown notes the groups its documents belonged to; removed at its end."""
    return storage.join(lake.home, "takedowns", f"{receipt}.work")
