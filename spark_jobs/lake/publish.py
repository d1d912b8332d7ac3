"""Publishing: the only code that writes tables. One Delta commit replaces one partition and holds its record.

Compare and swap: the n-th publication of a scope carries transaction number n. Delta silently discards a commit whose
number is not higher than the last, so the commit is read back and its record compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from spark_jobs.errors import LostRaceError, ProvenderError, VerificationError
from spark_jobs.lake.candidate import Candidate
from spark_jobs.lake.commits import Commit, commit, versions
from spark_jobs.lake.digest import ContentDigest, digest_columns, digest_of, from_metrics
from spark_jobs.lake.files import seal_files
from spark_jobs.lake.lake import SERIAL, VACUUM, Lake
from spark_jobs.lake.records import Publication, dump, seal
from spark_jobs.lake.suppressions import Suppressions, suppress
from spark_jobs.lake.tables import TABLES

_ATTEMPTS = 5
# Another publisher that adds a column, or commits between read and write, makes Delta refuse: from the candidate again.
# If the other one published the same scope, that second write is discarded, and reading back finds the race lost.
_RETRYABLE = (
    "MetadataChanged",
    "ConcurrentAppend",
    "ConcurrentDelete",
    "ConcurrentWrite",
    "ConcurrentModification",
    "ConcurrentTransaction",  # two publishers of a serial table at the same moment
    "DELTA_METADATA_CHANGED",
    "DELTA_CONCURRENT",
    "ProtocolChanged",
)


@dataclass(frozen=True)
class Scope:
    """One unit of compare and swap: a partition of a table, or all of a serial table."""

    table: str
    partition: str

    @property
    def transaction(self) -> str:
        """Delta's application id of the scope."""
        return f"provender/{self.table}" if self.table in SERIAL else f"provender/{self.table}/{self.partition}"

    @property
    def predicate(self) -> str:
        """The rows that a publication replaces."""
        column = TABLES[self.table].scope
        escaped = self.partition.replace("\\", "\\\\").replace("'", "\\'")
        return f"{column} = '{escaped}'" if column else "true"


def publish(lake: Lake, candidate: Candidate, record: Mapping[str, Any], *, sequence: int) -> Publication:
    """Publish an audited candidate as publication number `sequence` of its partition.

    `sequence` is `lake.sequence(...) + 1` as it was when the inputs were resolved. Raises LostRaceError when another
    publisher was first; returns the finished publication when this one is only the retry of a commit that came through.
    """
    scope = Scope(candidate.table, candidate.partition)
    suppressions = Suppressions.read(lake)
    digest = candidate.digest
    if suppressions.version != candidate.suppressions_version and suppressions.frame is not None:
        digest = digest_of(suppress(candidate.frame(lake), suppressions))
    sealed = seal(
        {
            **record,
            "table": scope.table,
            "partition": scope.partition,
            "transaction": scope.transaction,
            "sequence": sequence,
            "columns": list(candidate.columns),
            "digest": str(digest),
            "suppressed": candidate.suppressed + candidate.digest.rows - digest.rows,
            "suppressions_version": suppressions.version,
            "side": sorted(candidate.side),
        }
    )
    for name in candidate.side:
        _write_side(lake, candidate, name, suppressions, sealed)
    rows = suppress(candidate.frame(lake), suppressions)
    published = _commit(lake, scope, rows, sealed, digest)
    seal_files(lake, published)
    return published


def replace(lake: Lake, scope: Scope, rows: DataFrame, record: Mapping[str, Any], *, sequence: int) -> Publication:
    """Publish a partition from a frame that needs no candidate (registry, releases): same commit, same record."""
    suppressions = Suppressions.read(lake)
    rows = suppress(rows, suppressions)
    digest = digest_of(rows)
    sealed = seal(
        {
            **record,
            "table": scope.table,
            "partition": scope.partition,
            "transaction": scope.transaction,
            "sequence": sequence,
            "columns": list(rows.columns),
            "digest": str(digest),
            "suppressions_version": suppressions.version,
        }
    )
    published = _commit(lake, scope, rows, sealed, digest)
    seal_files(lake, published)
    return published


def retire(lake: Lake, table: str, record: Mapping[str, Any], *, condition: str | None) -> None:
    """Commit that the publications which `record` names are gone, and take rows that are still listed out of a table.

    `condition` is SQL over the columns of the partitioning; None where the newest version lists none of their rows.
    """
    writer = (
        _none(lake, table)
        .write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", condition or f"{TABLES[table].scope} = ''")  # no partition is named like that
        .option("userMetadata", dump({**record, "kind": VACUUM, "table": table}, lake.home))
        # A commit without files needs something that it commits.
        .option("txnAppId", f"provender/{VACUUM}/{table}")
        .option("txnVersion", str(lake.version(table) + 1))
    )
    _retrying(lambda: writer.save(lake.location(table)))
    lake.refresh(table)


def exchange(
    lake: Lake, of: Publication, rows: DataFrame | None, record: Mapping[str, Any], *, within: str, sequence: int
) -> Publication:
    """Publish a partition anew in which only the rows that meet `within` (SQL) are replaced by `rows` (None: by none).

    Only the files that hold such rows are written again. `record` speaks of the whole partition as it will be; its
    digest follows by arithmetic, and who calls checks it on the files of the commit. Raises LostRaceError.
    """
    scope = Scope(of.table, of.partition)
    suppressions = Suppressions.read(lake)
    sealed = seal(
        {
            **record,
            "table": scope.table,
            "partition": scope.partition,
            "transaction": scope.transaction,
            "sequence": sequence,
            "suppressions_version": suppressions.version,
        }
    )
    new = suppress(rows, suppressions) if rows is not None else _none(lake, scope.table)
    predicate = f"{scope.predicate} AND ({within})"
    _retrying(lambda: _replace_where(lake, scope, new, predicate, sealed))
    published = _read_back(lake, scope, sealed)
    seal_files(lake, published, after=of)
    return published


def exchange_unpinned(
    lake: Lake, table: str, rows: DataFrame | None, record: Mapping[str, Any], *, within: str
) -> Commit:
    """The same for rows that no publication counts: of a side table over all its publications, or of a cache."""
    new = suppress(rows, Suppressions.read(lake)) if rows is not None else _none(lake, table)
    text, before = dump(record, lake.home), lake.version(table)
    _retrying(
        lambda: (
            new.write.format("delta").mode("overwrite").option("replaceWhere", within).option("userMetadata", text)
            .save(lake.location(table))
        )
    )  # fmt: skip
    lake.refresh(table)
    location = lake.location(table)
    new_ones = (commit(location, version) for version in versions(location) if version > before)
    found = [one for one in new_ones if one.metadata == text]
    if not found:
        raise ProvenderError(f"{table}: a commit is not in the log after its write; check the storage and run again")
    return found[-1]


def append(lake: Lake, table: str, rows: DataFrame) -> None:
    """Append to a table without partitions (caches, audits, the ledger): rows are keyed, so repeats are harmless."""
    if TABLES[table].scope is not None:
        raise ValueError(f"{table} is published by partition")
    columns = lake.schema(table)
    typed = rows.select(*(F.col(field.name).cast(field.dataType).alias(field.name) for field in columns))
    suppressed = suppress(typed, Suppressions.read(lake)) if "parent_id" in typed.columns else typed
    _retrying(lambda: suppressed.write.format("delta").mode("append").save(lake.location(table)))
    lake.refresh(table)


def _none(lake: Lake, table: str) -> DataFrame:
    """No rows of a table."""
    return lake.spark.createDataFrame([], lake.schema(table))


def _retrying(write: Any) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            write()
        # Any exception, as some of Delta's reach Python as Spark's and some as bare ones of the JVM.
        except Exception as error:
            if attempt == _ATTEMPTS or not any(name in str(error) for name in _RETRYABLE):
                raise
        else:
            return


def _write_side(
    lake: Lake, candidate: Candidate, name: str, suppressions: Suppressions, sealed: Mapping[str, Any]
) -> None:
    """Side tables come first: until the main commit pins their publication, their rows count for nothing."""
    rows = suppress(candidate.frame(lake, name), suppressions).withColumn("publication", F.lit(sealed["publication"]))
    predicate = Scope(candidate.table, candidate.partition).predicate + f" AND publication = '{sealed['publication']}'"
    record = {
        "kind": "side",
        "table": name,
        "of": candidate.table,
        "partition": candidate.partition,
        "publication": sealed["publication"],
        "sequence": sealed["sequence"],
        "fingerprint": sealed["fingerprint"],
    }
    text = dump(record, lake.home)
    _retrying(
        lambda: (
            rows.write.format("delta")
            .mode("overwrite")
            .option("replaceWhere", predicate)
            .option("userMetadata", text)
            .save(lake.location(name))
        )
    )
    lake.refresh(name)


def _commit(lake: Lake, scope: Scope, rows: DataFrame, sealed: Mapping[str, Any], digest: ContentDigest) -> Publication:
    written = Observation()
    observed = rows.observe(written, *digest_columns(rows.schema, rows.columns))

    try:
        _retrying(lambda: _replace_where(lake, scope, observed, scope.predicate, sealed))
    except Exception:
        # The commit may be there, and only the answer lost. What was observed is lost with it: the rows are read.
        came_through = _same(lake, scope, sealed)
        if not came_through or not _is(came_through[0], sealed):
            raise
        _check_written(scope, digest_of(lake.read(came_through), sealed["columns"]), digest)
        return came_through[0]
    published = _read_back(lake, scope, sealed)
    # A discarded commit (the retry of a finished one) ran nothing, so there is nothing observed to compare.
    if _is(published, sealed):
        _check_written(scope, from_metrics(written.get), digest)
    return published


def _is(publication: Publication, sealed: Mapping[str, Any]) -> bool:
    """Whether this run wrote it."""
    return publication.id == sealed["publication"] and publication.record.get("run_id") == sealed.get("run_id")


def _replace_where(lake: Lake, scope: Scope, rows: DataFrame, predicate: str, sealed: Mapping[str, Any]) -> None:
    (
        rows.write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", predicate)
        .option("mergeSchema", str(TABLES[scope.table].open).lower())
        .option("userMetadata", dump(sealed, lake.home))
        .option("txnAppId", scope.transaction)
        .option("txnVersion", str(sealed["sequence"]))
        .save(lake.location(scope.table))
    )


def _same(lake: Lake, scope: Scope, sealed: Mapping[str, Any]) -> list[Publication]:
    """What was published under this number of the scope, as the commits are now."""
    lake.refresh(scope.table)
    here = (p for p in lake.history(scope.table) if p.record.get("transaction") == scope.transaction)
    return [p for p in here if p.sequence == sealed["sequence"]]


def _read_back(lake: Lake, scope: Scope, sealed: Mapping[str, Any]) -> Publication:
    same = _same(lake, scope, sealed)
    if not same:
        raise ProvenderError(
            f"{scope.table}/{scope.partition}: publication {sealed['sequence']} is not among the commits after its "
            "write; the storage did not keep it, check it and run again"
        )
    if same[0].id != sealed["publication"]:
        raise LostRaceError(
            f"{scope.table}/{scope.partition}: another run published {same[0].table}/{same[0].partition} first "
            f"(publication {same[0].id}, version {same[0].version}); run again to build on that"
        )
    return same[0]


def _check_written(scope: Scope, found: ContentDigest, digest: ContentDigest) -> None:
    if found != digest:
        raise VerificationError(
            f"{scope.table}/{scope.partition}: the rows written ({found}) are not the rows audited ({digest}); "
            "the candidate changed on disk while it was published. Run again"
        )
