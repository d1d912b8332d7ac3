"""One partition after a takedown: the publication that follows the current one, and the equation that proves it.

after = before - removed - replaced + elected, over the content digest of the partition; and the same over the rows of
the files that the commit took out and put in, read back from their pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import VerificationError
from spark_jobs.lake import commits
from spark_jobs.lake.digest import ContentDigest, digest_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import exchange, exchange_unpinned
from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import TABLES
from spark_jobs.lake.takedown_files import ANSWER_SQL, DiskSearch, Held, key_columns, row_keys

# A list of ids in a predicate is for few; where more go, the partition is written as a whole.
MOST_IDS = 20_000
_NOTHING = ContentDigest(0, 0)


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """What happens to the current publication of a partition.

    `held`: its files with rows of the documents; `elected`: whole rows that replace those of the same id; `inputs`: as
    they are called now; `taken`: ids of the documents, one column; `sequence`: its number, as it was resolved.
    """

    publication: Publication
    held: Sequence[Held]
    elected: DataFrame | None
    inputs: Sequence[Mapping[str, Any]]
    taken: DataFrame
    receipt: str
    sequence: int


def amend(lake: Lake, search: DiskSearch, change: Amendment) -> Publication:
    """Publish the partition without the documents. Raises LostRaceError, VerificationError."""
    current = change.publication
    columns = list(current.record["columns"])
    held = [one.path for one in change.held]
    gone = gone_rows(search, current.table, held, change.taken) if held else None
    removed = digest_of(gone, columns) if gone is not None else _NOTHING
    ids = _ids(gone) if gone is not None else []
    replaced, elected, old, new = _NOTHING, _NOTHING, None, change.elected
    if new is not None:
        again = _ids(new)
        old = lake.read([current]).join(F.broadcast(new.select("doc_id")), "doc_id", "left_semi")
        replaced, elected = digest_of(old, columns), digest_of(new, columns)
        ids = [*ids, *again]
    before = ContentDigest.parse(current.digest)
    after = before - removed - replaced + elected
    record = {
        **{key: value for key, value in current.record.items() if key not in ("publication", "redecided_from")},
        "digest": str(after), "inputs": list(change.inputs), "side_publication": current.side_id,
        "counts": counts_after(current.record.get("counts", {}), [(gone, -1), (old, -1), (new, 1)]),
        # What its inputs lost it never had; only here is something missing that they still count.
        "suppressed": int(current.record.get("suppressed", 0)) + _suppressed(current.table, removed),
        "run_id": change.receipt,
        "takedown": {
            "receipt": change.receipt, "of": current.id, "version": current.version, "before": str(before),
            "removed": str(removed), "replaced": str(replaced), "elected": str(elected),
        },
    }  # fmt: skip
    rows, within = new, _within("doc_id", ids)
    if len(ids) > MOST_IDS:
        rest = lake.read([current]).join(_named(lake, ids), "doc_id", "left_anti")
        rows, within = rest if new is None else rest.unionByName(new), "true"
    return exchange(lake, current, rows, record, within=within, sequence=change.sequence)


def clear(lake: Lake, search: DiskSearch, held: Sequence[Held], taken: DataFrame, receipt: str) -> None:
    """Take the rows of documents out of a table whose rows no publication counts (side tables, caches).

    `held` are files of one table and one partition of it.
    """
    table, partition = held[0].table, held[0].partition
    key = "doc_id" if "doc_id" in key_columns(table) else ANSWER_SQL
    gone = gone_rows(search, table, [one.path for one in held], taken)
    ids = _ids(gone, key)
    for start in range(0, len(ids), MOST_IDS):
        some = ids[start : start + MOST_IDS]
        part = gone.join(_named(lake, some, "some"), F.expr(key) == F.col("some"), "left_semi")
        _exchange(lake, table, partition, _within(key, some), part, None, receipt)


def move(lake: Lake, table: str, partition: str, rows: DataFrame, receipt: str) -> None:
    """Replace rows of a side table by others of the same publication and id."""
    ids = _ids(rows)
    by = list(TABLES[table].partition_by)
    old = lake.at(table).where(F.col(by[0]) == partition).join(
        F.broadcast(rows.select(*by, "doc_id")), [*by, "doc_id"], "left_semi"
    )  # fmt: skip
    if ids:
        _exchange(lake, table, partition, _within("doc_id", ids), old.select(*rows.columns), rows, receipt)


def _exchange(  # noqa: PLR0917 - what goes, what comes, and where
    lake: Lake, table: str, partition: str, within: str, old: DataFrame, new: DataFrame | None, receipt: str
) -> None:
    said = {
        "receipt": receipt, "removed": str(digest_of(old) if new is None else _NOTHING),
        "replaced": str(_NOTHING if new is None else digest_of(old)),
        "elected": str(_NOTHING if new is None else digest_of(new, old.columns)),
    }  # fmt: skip
    record = {"kind": "takedown", "table": table, "partition": partition, "takedown": said}
    exchange_unpinned(lake, table, new, record, within=f"{_scope(table, partition)} AND {within}")


def _scope(table: str, partition: str) -> str:
    by = TABLES[table].partition_by
    return f"{by[0]} = {_literal(partition)}" if by else "true"


def entry(lake: Lake, search: DiskSearch, commit: Publication) -> dict[str, Any]:
    """What a receipt says of a commit of a takedown, after the equations were checked. Raises VerificationError.

    The files that the commit took out must still be there.
    """
    said = commit.record["takedown"]
    removed, replaced, elected = (ContentDigest.parse(said[name]) for name in ("removed", "replaced", "elected"))
    told: dict[str, Any] = {
        "table": commit.table, "partition": commit.partition, "version": commit.version, "removed": removed.rows,
        "replaced": replaced.rows, "elected": elected.rows,
    }  # fmt: skip
    if "of" in said:
        before, after = ContentDigest.parse(said["before"]), ContentDigest.parse(commit.digest)
        told |= {"publication": commit.id, "before_publication": said["of"], "before_version": said["version"]}
        told["digest"] = _equation(f"{commit.table}/{commit.partition}", before, removed, replaced, elected, after)
    files = commits.files(lake.location(commit.table), commit.version)
    columns = list(commit.record.get("columns", lake.schema(commit.table).names))
    old = digest_of(search.rows_of(commit.table, files.removed), columns) if files.removed else _NOTHING
    new = digest_of(search.rows_of(commit.table, files.added), columns) if files.added else _NOTHING
    pages = _equation(f"files of {commit.table}/{commit.partition}", old, removed, replaced, elected, new)
    return told | {"files": {"out": len(files.removed), "in": len(files.added), "digest": pages}}


def _equation(  # noqa: PLR0917 - the terms in their order
    what: str, before: ContentDigest, removed: ContentDigest, replaced: ContentDigest, elected: ContentDigest,
    after: ContentDigest,
) -> dict[str, Any]:  # fmt: skip
    terms = {"before": before, "removed": removed, "replaced": replaced, "elected": elected, "after": after}
    told = {name: str(term) for name, term in terms.items()}
    if before - removed - replaced + elected != after:
        raise VerificationError(
            f"{what}: after the takedown its rows are not those before without the removed ones ({told}); nothing was "
            "destroyed yet, verify the table and run the takedown again"
        )
    return told | {"holds": True}


def gone_rows(search: DiskSearch, table: str, paths: Sequence[str], taken: DataFrame) -> DataFrame:
    """The rows of documents, of what was rewritten from them, or answers that are taken, in some files of a table."""
    rest, own = search.rows_of(table, paths), F.broadcast(taken)
    gone = []
    for key in row_keys(table):
        gone.append(rest.join(own, key == F.col("taken"), "left_semi"))
        rest = rest.join(own, key == F.col("taken"), "left_anti")
    return reduce(DataFrame.unionByName, gone)


_REASONS = ("by_reason", "by_first_reason")


def counts_after(counts: Mapping[str, Any], changes: Sequence[tuple[DataFrame | None, int]]) -> dict[str, Any]:
    """Rows, kept, dropped and the counts by reason after rows went (-1) and came (1); the others are as they were."""
    found: dict[str, Any] = {**counts, **{name: dict(counts[name]) for name in _REASONS if name in counts}}
    for frame, sign in changes:
        if frame is None:
            continue
        rows, kept, reasons = _tally(frame)
        found["rows"] = int(found.get("rows", 0)) + sign * rows
        if "kept" in counts:
            found["kept"] += sign * kept
            found["dropped"] += sign * (rows - kept)
        for name in _REASONS:
            if name in found:
                found[name] = _moved(found[name], reasons[name], sign)
    return found


def _moved(counted: Mapping[str, int], by: Mapping[str, int], sign: int) -> dict[str, int]:
    moved = {reason: counted.get(reason, 0) + sign * by.get(reason, 0) for reason in sorted({*counted, *by})}
    return {reason: number for reason, number in moved.items() if number}


def _tally(frame: DataFrame) -> tuple[int, int, dict[str, dict[str, int]]]:
    """Rows, kept rows, and by each way of counting reasons the rows of each reason."""
    if "kept" not in frame.columns:
        return frame.count(), 0, {name: {} for name in _REASONS}
    if "drop_reasons" in frame.columns:
        reasons = F.transform("drop_reasons", lambda r: F.concat_ws(".", r["annotator"], r["reason"]))
    else:
        reasons = F.array_compact(F.array("duplicate_step"))
    (row,) = frame.agg(F.count(F.lit(1)).alias("rows"), F.count_if("kept").alias("kept")).collect()
    by = {"by_reason": _counted(frame, reasons), "by_first_reason": _counted(frame, F.slice(reasons, 1, 1))}
    return int(row["rows"]), int(row["kept"]), by


def _counted(frame: DataFrame, reasons: Column) -> dict[str, int]:
    rows = frame.select(F.explode(reasons).alias("reason")).groupBy("reason").count().collect()
    return {row["reason"]: int(row["count"]) for row in rows}


def _suppressed(table: str, removed: ContentDigest) -> int:
    """Conservation: raw is counted against the files, and rewritten against its plan, which both still count them."""
    return removed.rows if table in ("raw", "rewritten") else 0


def _ids(frame: DataFrame, key: str = "doc_id") -> list[str]:
    ids = frame.select(F.expr(key).alias("id")).distinct().orderBy("id").collect()
    return [row["id"] for row in ids if row["id"] is not None]


def _within(key: str, ids: Sequence[str]) -> str:
    # An id is never empty: where nothing goes, the publication only names its inputs anew.
    return f"{key} IN ({', '.join(map(_literal, ids)) or _literal('')})"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _named(lake: Lake, ids: Sequence[str], key: str = "doc_id") -> DataFrame:
    return F.broadcast(lake.spark.createDataFrame([(one,) for one in ids], f"{key} STRING"))
