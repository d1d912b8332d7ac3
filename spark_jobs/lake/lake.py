"""The lake: where its tables lie, making them, and reading exactly what is published. Writing is `publish.py`."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import fsspec
import pyarrow.parquet as pq
from pyarrow.compute import Expression
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from spark_jobs.errors import LakeError, NotFoundError, TakenDownError, VerificationError
from spark_jobs.lake import commits, storage
from spark_jobs.lake.commits import Commit
from spark_jobs.lake.cuts import cut_text
from spark_jobs.lake.file_log import DataFile, FileLog
from spark_jobs.lake.receipts import destroyed
from spark_jobs.lake.records import Publication, load
from spark_jobs.lake.tables import TABLES, Table
from spark_jobs.parquet import parquet

LAKE_VERSION = 2
VACUUM = "vacuum"  # the kind of a commit that says which publications are gone
# Partitions of these tables depend on one another, so they are published one after the other, whoever publishes.
SERIAL = frozenset({"deduped"})
_MARKER = "publications"  # made last: where it stands, the lake is whole
_ATTEMPTS = 8
_UNDISTURBED = 3  # attempts over which nobody else made progress with the table
_PATIENCE_SECONDS = 2.0  # between attempts to make a table

# With the defaults old versions and their records vanish and time travel is refused after 7 days.
_FOREVER = "interval 36500 days"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


class Lake:
    """A lake at `home` (a folder or any URI Spark writes), serving one recipe line."""

    def __init__(self, spark: SparkSession, home: str) -> None:
        self.spark = spark
        self.home = home.rstrip("/")
        self._histories: dict[str, dict[int, Publication | None]] = {}
        self._vacuumed: dict[str, dict[str, datetime]] = {}
        self._looked: set[str] = set()
        self._file_logs: dict[str, FileLog] = {}
        self._rows: dict[str, tuple[tuple[DataFile, ...], list[dict[str, Any]]]] = {}
        self._destroyed: Mapping[str, str] | None = None
        self.ledger_heads: dict[str, int] | None = None  # see ledger.py; None until it was read

    def location(self, table: str) -> str:
        """Where a table lies."""
        return storage.join(self.home, "tables", table)

    def sql_name(self, table: str) -> str:
        """The table's name in SQL."""
        return "delta.`" + self.location(table).replace("`", "``") + "`"

    # making and opening -------------------------------------------------------------------------------------------

    def properties(self) -> Mapping[str, str] | None:
        """Properties that the lake was made with, None where there is no (whole) lake."""
        location = self.location(_MARKER)
        # From the log: asking Spark costs seconds in a fresh session.
        return commits.properties(location) if commits.versions(location) else None

    def open(self, recipe: str | None) -> "Lake":
        """Check that the lake is there, of this version and of this recipe line (None: any)."""
        found = self.properties()
        if found is None and commits.versions(self.location("raw")):
            raise LakeError(f"{self.home}: the ledger is missing; ./provender status derives it again from the commits")
        if found is None:
            raise NotFoundError(f"{self.home}: no lake here; make one with ./provender run")
        self._check(found, recipe)
        return self

    def make(self, recipe: str) -> "Lake":
        """Make every table that is missing; open the lake where it is whole already."""
        found = self.properties()
        if found is not None:
            self._check(found, recipe)
            return self
        # Where only the ledger is missing, the other tables say which lake this is.
        if commits.versions(self.location("raw")):
            self._check(commits.properties(self.location("raw")), recipe)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda table: self._create(table, recipe), [t for t in TABLES.values() if t.name != _MARKER]))
        self._create(TABLES[_MARKER], recipe)
        # Another run may have made the lake at the same time, for another recipe.
        self._check(self.properties() or {}, recipe)
        return self

    def _check(self, found: Mapping[str, str], recipe: str | None) -> None:
        version = found.get("provender.lakeVersion")
        if version != str(LAKE_VERSION):
            raise LakeError(
                f"{self.home}: made by lake version {version}, this program reads version {LAKE_VERSION}; "
                "use the release of Provender that made it, or another --home"
            )
        if recipe is not None and found.get("provender.recipe") != recipe:
            raise LakeError(
                f"{self.home}: serves the recipe {found.get('provender.recipe')!r}, not {recipe!r}; "
                "give another recipe a --home of its own"
            )

    def _create(self, table: Table, recipe: str) -> None:
        properties = {
            "delta.logRetentionDuration": _FOREVER,
            "delta.deletedFileRetentionDuration": _FOREVER,
            "delta.enableExpiredLogCleanup": "false",
            # The default would put the first characters of every text into the log.
            "delta.dataSkippingStatsColumns": ",".join(name for name in table.stats if name not in table.partition_by),
            "provender.lakeVersion": str(LAKE_VERSION),
            "provender.recipe": recipe,
        }
        listed = ", ".join(f"'{key}' = '{_quoted(value)}'" for key, value in properties.items())
        partitioned = f"PARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
        location = self.location(table.name)
        seen: list[tuple[str, ...]] = []
        for attempt in range(1, _ATTEMPTS + 1):
            failure: Exception | None = None
            try:
                self.spark.sql(
                    f"CREATE TABLE IF NOT EXISTS {self.sql_name(table.name)} ({table.columns}) USING delta "
                    f"{partitioned} COMMENT '{_quoted(table.row)}' TBLPROPERTIES ({listed})"
                ).collect()
            # Delta refuses a folder that holds something, or takes it for the table: another run makes it now, or was
            # killed while it did.
            except Exception as error:  # noqa: BLE001 - whatever it was, what counts is whether the table is there
                failure = error
            if commits.versions(location):
                return
            if attempt == _ATTEMPTS:
                said = str(failure or "the folder is taken").partition("\n")[0]
                raise LakeError(f"{location}: the table cannot be made ({said}); give a folder of its own") from failure
            time.sleep(_PATIENCE_SECONDS)
            seen.append(commits.unborn(location))
            # What stays the same is of one that was killed; another that makes the table now leaves new names.
            if len(seen) >= _UNDISTURBED and seen[-1] and len(set(seen[-_UNDISTURBED:])) == 1:
                storage.remove(location)
                seen.clear()

    # what is published --------------------------------------------------------------------------------------------

    def refresh(self, *tables: str) -> None:
        """Look for new commits of these tables (none named: of all) when they are asked for next."""
        self._looked.difference_update(tables or tuple(self._looked))
        self._destroyed = None

    def history(self, table: str) -> tuple[Publication, ...]:
        """All publications of a table, oldest first, from its commits; each commit is read once."""
        if table not in self._looked:
            location = self.location(table)
            known = self._histories.get(table, {})
            new = (commits.commit(location, v) for v in commits.versions(location) if v not in known)
            self._histories[table] = known | {c.version: self._publication(table, c) for c in new}
            self._looked.add(table)
        return tuple(p for _, p in sorted(self._histories[table].items()) if p is not None)

    def _publication(self, table: str, commit: Commit) -> Publication | None:
        if commit.metadata is None or not commit.metadata.startswith("{"):
            return None
        record = load(commit.metadata, self.home)
        if record.get("kind") == VACUUM:
            self._vacuumed.setdefault(table, {}).update(dict.fromkeys(record["publications"], commit.at))
            return None
        return Publication(table, str(record.get("partition", "")), commit.version, commit.at, record)

    def publications(self, table: str) -> dict[str, Publication]:
        """The current publication of each partition that was not vacuumed away (only releases are)."""
        newest = {publication.partition: publication for publication in self.history(table)}
        gone = self.vacuumed(table)
        return {partition: p for partition, p in newest.items() if p.id not in gone}

    def vacuumed(self, table: str) -> Mapping[str, datetime]:
        """Ids of the publications whose rows a vacuum let go, and when."""
        self.history(table)
        return self._vacuumed.get(table, {})

    def current(self, table: str, partition: str) -> Publication | None:
        """The current publication of a partition, None where there is none."""
        return self.publications(table).get(partition)

    def sequence(self, table: str, partition: str) -> int:
        """How often this partition was published so far; of a serial table, the last number over all partitions."""
        here = (p for p in self.history(table) if table in SERIAL or p.partition == partition)
        return max((publication.sequence for publication in here), default=0)

    # reading ------------------------------------------------------------------------------------------------------

    def at(self, table: str, version: int | None = None) -> DataFrame:
        """The whole Delta table, at a version or as it is now."""
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self.location(table))

    def rows(self, table: str, where: Expression | None = None) -> list[dict[str, Any]]:
        """Rows of a table as it is now, read without Spark: all of a small one, or those that meet a condition.

        The condition is on the columns in the files. All rows of a table (registry, releases, models) are remembered.
        """
        files = tuple(file for file in self.file_log(table).files() if file.listed_at(None))
        if where is not None:
            return [row for file in files for row in self._rows_of(file, where)]
        known = self._rows.get(table)
        if known is None or known[0] != files:
            known = (files, [row for file in files for row in self._rows_of(file)])
            self._rows[table] = known
        return [dict(row) for row in known[1]]

    def _rows_of(self, file: DataFile, where: Expression | None = None) -> list[dict[str, Any]]:
        named = {str(TABLES[file.table].scope): file.partition, "publication": file.publication}
        partition = {name: named[name] for name in TABLES[file.table].partition_by}
        with fsspec.open(storage.join(self.location(file.table), file.path), "rb") as opened:
            return [{**row, **partition} for row in pq.read_table(opened, filters=where).to_pylist()]

    def read(self, publications: Iterable[Publication]) -> DataFrame:
        """Exactly the rows of some publications of one table. NotFoundError where a vacuum took them."""
        listed = tuple(publications)
        table = TABLES[listed[0].table]
        if table.scope is None:
            raise ValueError(f"{table.name} has no partitions to read")
        self.refuse_gone(listed)
        known = self.file_log(table.name).files()
        files = [f for p in listed for f in known if f.partition == p.partition and f.listed_at(p.version)]
        return self._frame(table.name, files, max(p.version for p in listed))

    def _frame(self, table: str, files: Sequence[DataFile], version: int | None = None) -> DataFrame:
        """The rows of some data files, with the columns of a version of the table (None: the newest).

        What the log lists is known already: Delta would find it out again for each frame, with jobs of its own.
        """
        schema, location = self.schema(table, version), self.location(table)
        if not files:
            return self.spark.createDataFrame([], schema)
        paths = sorted({storage.join(location, file.path) for file in files})
        try:
            return parquet(self.spark, *paths, schema=schema, basePath=location)
        except AnalysisException as error:
            if error.getCondition() != "PATH_NOT_FOUND":
                raise
            (gone, *more) = [path for path in paths if not storage.exists(path)] or [str(error)]
            others = f" and {len(more)} more" if more else ""
            raise VerificationError(
                f"{gone}{others}: gone, though published; restore it from a copy, or serve another version with "
                "./provender rollback (./provender verify RELEASE names all that is missing)"
            ) from None

    def schema(self, table: str, version: int | None = None) -> StructType:
        """The columns of a table at a version (None: now), by its log."""
        return self.file_log(table).schema(version)

    def refuse_gone(self, publications: Iterable[Publication]) -> None:
        """Raise NotFoundError where a vacuum let rows of these go, TakenDownError where a takedown destroyed them."""
        listed = tuple(publications)
        self._refuse_vacuumed(listed)
        for publication in listed:
            if self.publications(publication.table)[publication.partition].version != publication.version:
                self._refuse_destroyed(publication)

    def _refuse_vacuumed(self, publications: Iterable[Publication]) -> None:
        for p in publications:
            if (when := self.vacuumed(p.table).get(p.id)) is not None:
                raise NotFoundError(
                    f"{p.table}/{p.partition} version {p.version}: its rows are gone, a vacuum removed them on "
                    f"{when:%Y-%m-%d %H:%M} UTC, as nothing that was kept needed them; only its record is left"
                )

    def _refuse_destroyed(self, publication: Publication) -> None:
        if (receipt := self.destroyed_by(publication)) is not None:
            raise TakenDownError(
                f"{publication.table}/{publication.partition} version {publication.version} held documents that were "
                f"taken down ({receipt}) and can no longer be read; read the current version"
            )

    def destroyed_by(self, publication: Publication) -> str | None:
        """The receipt of the takedown that destroyed data files of a publication, None where none did."""
        if self._destroyed is None:
            self._destroyed = destroyed(self.home)
        return self._destroyed.get(publication.id)

    def standing(self, publication: Publication) -> Publication | None:
        """The publication, or where takedowns destroyed files of it, what they published of the rest in its place.

        None where they published nothing: it was not current any more, and what is left of its files is not whole.
        """
        last = [publication, *self.amendments(publication)][-1]
        return last if self.destroyed_by(last) is None else None

    def amendments(self, publication: Publication) -> list[Publication]:
        """What takedowns published in its place, one after the other, as far as they destroyed the one before."""
        found, last = [], publication
        while self.destroyed_by(last) is not None and (after := self._amended(last)) is not None:
            found.append(after)
            last = after
        return found

    def _amended(self, publication: Publication) -> Publication | None:
        """What a takedown made of a publication, by the record of its commit, unless a vacuum let it go."""
        gone = self.vacuumed(publication.table)
        later = (p for p in self.history(publication.table) if p.version > publication.version and p.id not in gone)
        return next((p for p in later if p.record.get("takedown", {}).get("of") == publication.id), None)

    def published(self, table: str, partitions: Sequence[str] | None = None) -> DataFrame:
        """The current rows of a main table, of some partitions or all; empty where nothing is published."""
        current = self.publications(table)
        wanted = [p for key, p in current.items() if partitions is None or key in partitions]
        return self.read(wanted) if wanted else self._frame(table, ())

    def side(self, table: str, pinned_by: Iterable[Publication]) -> DataFrame:
        """The rows of a side table that these publications pin."""
        listed = tuple(pinned_by)
        self._refuse_vacuumed(listed)
        ids = {p.side_id for p in listed}
        files = [f for f in self.file_log(table).files() if f.publication in ids and f.listed_at(None)]
        return self._frame(table, files)

    def documents(self, table: str, partitions: Sequence[str] | None = None) -> DataFrame:
        """`cleaned` text and attributes joined with `scored` or `deduped` (without its cuts): what people read."""
        frame = self.published(table, partitions)
        if table not in ("scored", "deduped"):
            return frame
        cleaned = self.published("cleaned", partitions).drop("kept")
        kept = [name for name in frame.columns if name not in cleaned.columns or name in ("snapshot", "doc_id")]
        documents = cleaned.join(frame.select(*kept), ["snapshot", "doc_id"])
        return documents.withColumn("text", cut_text()) if table == "deduped" else documents

    def file_log(self, table: str) -> FileLog:
        """The data files of a table, by its log."""
        return self._file_logs.setdefault(table, FileLog(table, self.location(table), str(TABLES[table].scope)))

    def version(self, table: str) -> int:
        """The newest version of a table, as its log is now."""
        return max(commits.versions(self.location(table)), default=0)
