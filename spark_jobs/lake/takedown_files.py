"""Data files that hold rows of some documents: in every version of every table, and what the log says of them.

Files are found by reading the pages of their key columns where they lie, not by asking the log: what no version lists
any more, or never listed, holds text as well. Nothing is decided here, and nothing published.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.errors import VerificationError
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import TABLES
from spark_jobs.parquet import parquet

KEYS = ("doc_id", "parent_id")
# A row of `rewrite_cache` has no id of its own: it is named by what the id of its rewrite is made of.
ANSWER = ("parent_snapshot", "parent_id", "strategy", "model", "sample")
_PARTS = ", ".join(f"coalesce(cast({name} AS STRING), '')" for name in ANSWER)
ANSWER_SQL = f"concat_ws('/', {_PARTS})"
_READ = "doc_id STRING, parent_id STRING, parent_snapshot STRING, strategy STRING, model STRING, sample INT"
_LOG = "_delta_log/"


def key_columns(table: str) -> tuple[str, ...]:
    """The columns by which rows of a table belong to a document: its own id, and that of what it was rewritten from."""
    declared = TABLES[table].columns.replace("\n", " ").split(",")
    names = {column.split()[0] for column in declared if column.split()}
    return tuple(key for key in KEYS if key in names)


def row_keys(table: str) -> tuple[Column, ...]:
    """The same with the name of an answer, as expressions: what of a row may be among what is taken."""
    keys = key_columns(table)
    return (*map(F.col, keys), *(() if "doc_id" in keys else (F.expr(ANSWER_SQL),)))


HOLDING: tuple[str, ...] = tuple(name for name in TABLES if key_columns(name))


@dataclass(frozen=True)
class Held:
    """A file with rows of the documents. `path` is below the table's location, `partition` its first partition value.

    `since` and `until` are the versions that added it and took it out: (None, None) where no commit ever listed it.
    One with 0 `rows` was never listed and cannot be read, as after a killed write: it may hold some.
    """

    table: str
    path: str
    rows: int
    since: int | None
    until: int | None

    @property
    def active(self) -> bool:
        """Whether the newest version of the table lists it."""
        return self.since is not None and self.until is None

    @property
    def partition(self) -> str:
        """The value of the first partition column, empty in a table without one."""
        return partition_of(self.path)


def partition_of(path: str) -> str:
    """The value of the first partition column in a path below a table."""
    first, slash, _ = path.partition("/")
    return unquote(first.partition("=")[2]) if slash else ""


class DiskSearch:
    """Looks for rows of documents in the Parquet files of the tables, listed or not."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def held(self, taken: DataFrame, partitions: Mapping[str, Sequence[str]]) -> tuple[Held, ...]:
        """Files of the tables that hold rows of what is taken (one column, `taken`), in one job; and `torn` ones.

        `partitions` bounds the search: column of the first partitioning -> values; a column that is not named is
        searched whole. Raises VerificationError for a file that cannot be read.
        """
        found = self.torn(partitions)
        rows = self.rows(HOLDING, _READ, partitions)
        if rows is not None:
            answer = F.when(F.col("doc_id").isNull(), F.expr(ANSWER_SQL))
            keys = rows.select(
                "file", F.monotonically_increasing_id().alias("row"),
                F.explode(F.array_distinct(F.array(*KEYS, answer))).alias("taken"),
            )  # fmt: skip
            hit = keys.join(F.broadcast(taken), "taken", "left_semi")
            counted = self.collect(hit.groupBy("file").agg(F.countDistinct("row").alias("rows")))
            found += [self._held(row["file"], int(row["rows"])) for row in counted]
        return tuple(sorted(found, key=lambda one: (one.table, one.path)))

    def torn(self, partitions: Mapping[str, Sequence[str]]) -> list[Held]:
        """Files that no commit lists and that have no footer: they hold nobody knows what, and nobody misses them."""
        return [
            Held(table, path, 0, None, None)
            for table in HOLDING for path in self._torn(table, self._within(table, partitions))
        ]  # fmt: skip

    def as_now(self, files: Sequence[Held]) -> tuple[Held, ...]:
        """The same files with what the log says of them by now."""
        return tuple(
            Held(one.table, one.path, one.rows, *self.lake.file_log(one.table).span(one.path)) for one in files
        )

    def bytes_of(self, files: Sequence[Held]) -> int:
        """Their size on disk."""
        return sum(storage.size(storage.join(self.lake.location(one.table), one.path)) for one in files)

    def rows(
        self, tables: Sequence[str], schema: str, partitions: Mapping[str, Sequence[str]] | None = None
    ) -> DataFrame | None:
        """Rows of the files of tables, whatever lists them, with their `file`; None without files, or only torn ones.

        Columns that a file lacks are null. What comes of it is collected with `collect`.
        """
        roots = [place for table in tables for place in self._roots(table, partitions or {})]
        if not roots:
            return None
        options = {"recursiveFileLookup": "true", "pathGlobFilter": "*.parquet"}
        read = parquet(self.lake.spark, *roots, schema=schema, **options)
        return read.withColumn("file", F.col("_metadata.file_path"))

    def collect(self, frame: DataFrame) -> list[Any]:
        """The rows of a small frame over `rows`. Raises VerificationError naming a file that cannot be read."""
        try:
            return frame.collect()
        except Exception as error:
            told = unquote(str(error))
            for table in HOLDING:
                for path in self.below(table):
                    if path.rpartition("/")[2] in told:
                        raise VerificationError(self._unreadable(table, path)) from error
            raise

    def _unreadable(self, table: str, path: str) -> str:
        since, until = self.lake.file_log(table).span(path)
        listed = "no version" if since is None else f"version {since}" if until is None else f"versions from {since} on"
        return (
            f"{self.lake.location(table)}/{path}: cannot be read, so nobody knows whether it holds what is to be taken "
            f"down ({listed} lists it); restore it from a copy, or where no current version lists it (another can be "
            "served with ./provender rollback) delete it, and run the takedown again"
        )

    def below(self, table: str) -> tuple[str, ...]:
        """All Parquet files of a table, listed or not, as paths below its location."""
        names = storage.below(self.lake.location(table))
        return tuple(name for name in names if name.endswith(".parquet") and not name.startswith(_LOG))

    def rows_of(self, table: str, paths: Sequence[str]) -> DataFrame:
        """The rows of some files of a table, with its partition columns."""
        location, frame = self.lake.location(table), self.lake.at(table)
        if not paths:
            return frame.limit(0)
        by = TABLES[table].partition_by
        data = StructType([field for field in frame.schema if field.name not in by])
        read = parquet(self.lake.spark, *(storage.join(location, path) for path in paths), schema=data)
        if not by:
            return read
        parts = F.split(F.substring_index(F.col("_metadata.file_path"), "/", -1 - len(by)), "/")
        values = {name: F.url_decode(F.substring_index(parts[place], "=", -1)) for place, name in enumerate(by)}
        return read.withColumns(values).select(*frame.columns)

    def delete(self, files: Sequence[Held]) -> None:
        """Delete files that no current version lists. Raises VerificationError for one that is listed."""
        listed = [f"{one.table}/{one.path}" for one in files if one.active]
        if listed:
            raise VerificationError(
                f"{listed[0]}: still listed by the current version and still holds what is to be taken down; "
                "another program published meanwhile, run the takedown again"
            )
        for one in files:
            place = storage.join(self.lake.location(one.table), one.path)
            folder, _, name = place.rpartition("/")
            storage.remove(place)
            storage.remove(f"{folder}/.{name}.crc")  # Hadoop's own, on local disks

    def destroyed(self, files: Sequence[Held]) -> list[dict[str, object]]:
        """The publications that cannot be read without these files: table, partition, version, publication."""
        spans: dict[tuple[str, str], list[tuple[int, int | None]]] = {}
        for one in files:
            if one.since is not None and TABLES[one.table].scope is not None and not TABLES[one.table].side:
                spans.setdefault((one.table, one.partition), []).append((one.since, one.until))
        return [
            {"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id}
            for (table, partition), held in sorted(spans.items())
            for p in self.lake.history(table)
            if p.partition == partition
            and any(since <= p.version and (until is None or p.version < until) for since, until in held)
        ]

    def _within(self, table: str, partitions: Mapping[str, Sequence[str]]) -> list[str]:
        """The files of a table in some partitions."""
        scope = str(TABLES[table].scope)
        if scope not in partitions:
            return list(self.below(table))
        folders = {f"{scope}={value}" for value in partitions[scope]}
        return [path for path in self.below(table) if path.partition("/")[0] in folders]

    def _torn(self, table: str, files: Sequence[str]) -> list[str]:
        listed = {file.path for file in self.lake.file_log(table).files()} if files else set()
        location = self.lake.location(table)
        return [path for path in files if path not in listed and not _has_footer(storage.join(location, path))]

    def _roots(self, table: str, partitions: Mapping[str, Sequence[str]]) -> list[str]:
        """What is read of a table: whole, by folders of partitions, or file by file where torn ones lie between."""
        location, files = self.lake.location(table), self._within(table, partitions)
        if torn := set(self._torn(table, files)):
            return [storage.join(location, path) for path in files if path not in torn]
        if str(TABLES[table].scope) in partitions:
            return [storage.join(location, name) for name in sorted({path.partition("/")[0] for path in files})]
        return [location] if files else []

    def _held(self, uri: str, rows: int) -> Held:
        home = url_to_fs(self.lake.home)[1].rstrip("/")
        table, _, path = unquote(uri).partition(f"{home}/tables/")[2].partition("/")
        return Held(table, path, rows, *self.lake.file_log(table).span(path))


def _has_footer(place: str) -> bool:
    try:
        with fsspec.open(place, "rb") as file:
            pq.read_metadata(file)
    except (pa.ArrowException, OSError):
        return False
    return True
