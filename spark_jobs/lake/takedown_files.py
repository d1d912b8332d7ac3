"""Data files that hold rows of some documents: in every version of every table, and what the log says of them.

Files are found by reading the pages of their key columns where they lie, not by asking the log: what no version lists
any more, or never listed, holds text as well. Nothing is decided here, and nothing published.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from fsspec.core import url_to_fs
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from spark_jobs.errors import VerificationError
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import TABLES
from spark_jobs.parquet import parquet

KEYS = ("doc_id", "parent_id")
_LOG = "_delta_log/"


def key_columns(table: str) -> tuple[str, ...]:
    """The columns by which rows of a table belong to a document: its own id, and that of what it was rewritten from."""
    declared = TABLES[table].columns.replace("\n", " ").split(",")
    names = {column.split()[0] for column in declared if column.split()}
    return tuple(key for key in KEYS if key in names)


HOLDING: tuple[str, ...] = tuple(name for name in TABLES if key_columns(name))


@dataclass(frozen=True)
class Held:
    """A file with rows of the documents. `path` is below the table's location, `partition` its first partition value.

    `since` and `until` are the versions that added it and took it out: (None, None) where no commit ever listed it.
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

    def held(self, documents: DataFrame, partitions: Mapping[str, Sequence[str]]) -> tuple[Held, ...]:
        """Files of the tables that hold rows of `documents` (one column, `taken`), in one job.

        `partitions` bounds the search: column of the first partitioning -> values; a column that is not named is
        searched whole.
        """
        roots = [place for table in HOLDING for place in self._roots(table, partitions)]
        if not roots:
            return ()
        rows = self.read(roots, "doc_id STRING, parent_id STRING").select(
            F.col("_metadata.file_path").alias("file"), F.monotonically_increasing_id().alias("row"), *KEYS
        )
        keys = rows.select("file", "row", F.explode(F.array_distinct(F.array(*KEYS))).alias("taken"))
        hit = keys.join(F.broadcast(documents), "taken", "left_semi")
        counted = hit.groupBy("file").agg(F.countDistinct("row").alias("rows")).collect()
        found = [self._held(row["file"], int(row["rows"])) for row in counted]
        return tuple(sorted(found, key=lambda one: (one.table, one.path)))

    def as_now(self, files: Sequence[Held]) -> tuple[Held, ...]:
        """The same files with what the log says of them by now."""
        return tuple(
            Held(one.table, one.path, one.rows, *self.lake.file_log(one.table).span(one.path)) for one in files
        )

    def bytes_of(self, files: Sequence[Held]) -> int:
        """Their size on disk."""
        return sum(storage.size(storage.join(self.lake.location(one.table), one.path)) for one in files)

    def read(self, roots: Iterable[str], schema: str | StructType) -> DataFrame:
        """Parquet files below some folders, whatever lists them; columns that a file lacks are null."""
        options = {"recursiveFileLookup": "true", "pathGlobFilter": "*.parquet"}
        return parquet(self.lake.spark, *roots, schema=schema, **options)

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

    def _roots(self, table: str, partitions: Mapping[str, Sequence[str]]) -> list[str]:
        location, scope = self.lake.location(table), str(TABLES[table].scope)
        if not self.below(table):
            return []
        if scope not in partitions:
            return [location]
        folders = set(storage.names(location))
        wanted = (f"{scope}={value}" for value in partitions[scope])
        return [storage.join(location, name) for name in wanted if name in folders]

    def _held(self, uri: str, rows: int) -> Held:
        home = url_to_fs(self.lake.home)[1].rstrip("/")
        table, _, path = unquote(uri).partition(f"{home}/tables/")[2].partition("/")
        return Held(table, path, rows, *self.lake.file_log(table).span(path))
