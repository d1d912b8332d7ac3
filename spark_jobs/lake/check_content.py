"""Whether the files and rows of one publication are still those that were published. Reads data pages, every one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake import storage
from spark_jobs.lake.digest import ContentDigest, digest_columns, digest_of, from_metrics
from spark_jobs.lake.file_log import DataFile
from spark_jobs.lake.files import digests_of, files_of, location_of, name_of, sealed
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch, mismatch
from spark_jobs.lake.records import Publication, seal
from spark_jobs.parquet import parquet

_SHOWN = 300  # characters of an error of Spark


@dataclass
class Checked:
    """What was looked at, and what is not as it should be. `unsealed` files have no digest of their bytes."""

    files: int = 0
    bytes: int = 0
    rows: int = 0
    unsealed: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)


def damaged_files(lake: Lake, publication: Publication) -> list[Mismatch]:
    """Files of a publication that are missing or have another size than the log says; reads no data."""
    files = files_of(lake, publication)
    there: dict[str, int] = {}
    for folder in dict.fromkeys(location_of(lake, file).rpartition("/")[0] for file in files):
        there |= {f"{folder}/{name}": size for name, size in storage.sizes(folder).items()}
    wrong = []
    for file in files:
        size = there.get(location_of(lake, file))
        if size != file.bytes:
            check, found_size = ("file", "no such file") if size is None else ("size", f"{size} bytes")
            wrong.append(_of_file(publication, file, check, f"{file.bytes} bytes", found_size))
    return wrong


def check_publication(lake: Lake, publication: Publication) -> Checked:
    """Record, files, their bytes, the rows' content digest and their counts."""
    files = files_of(lake, publication)
    checked = Checked(files=len(files), bytes=sum(file.bytes for file in files))
    true_id = seal(publication.record)["publication"]
    if true_id != publication.id:
        checked.mismatches.append(mismatch(publication, "record", f"publication {true_id}", publication.id))
    damaged = damaged_files(lake, publication)
    missing = {m.file: m.table for m in damaged if m.check == "file"}
    there = [file for file in files if file.path not in missing]
    seals = sealed(lake, publication) or {}
    unsealed = [file for file in there if name_of(file) not in seals]
    checked.unsealed = len(unsealed)
    changed = _changed_files(lake, publication, [file for file in there if name_of(file) in seals], seals)
    checked.mismatches += [*damaged, *(m for m in changed if m.file not in {d.file for d in damaged})]
    # Where a file is missing nothing new is learnt from rows.
    content = [] if publication.table in missing.values() else _content(lake, publication, checked)
    checked.mismatches += content
    # Where no digest of bytes told which file it is, each is read alone; rows of side tables have no other check.
    unread = [file for file in unsealed if content or file.table != publication.table]
    checked.mismatches += _unreadable_files(lake, publication, unread)
    return checked


def _of_file(publication: Publication, file: DataFile, check: str, expected: str, found: str) -> Mismatch:
    return mismatch(publication, check, expected, found, table=file.table, file=file.path)


def _changed_files(
    lake: Lake, publication: Publication, files: list[DataFile], seals: Mapping[str, str]
) -> list[Mismatch]:
    return [
        _of_file(publication, file, "bytes", f"sha256 {seals[name_of(file)]}", f"sha256 {found}")
        for file, found in zip(files, digests_of(lake, files), strict=True)
        if found != seals[name_of(file)]
    ]


def _content(lake: Lake, publication: Publication, checked: Checked) -> list[Mismatch]:
    """The rows of the main table by their digest and counts."""
    try:
        digest, kept = _digest_and_kept(lake.read([publication]), publication.record["columns"])
    except Exception as error:  # noqa: BLE001 - whatever Spark says of rows that cannot be read
        return [mismatch(publication, "rows", publication.digest, _told(error))]
    checked.rows += digest.rows
    return _compared(publication, digest, kept)


def _digest_and_kept(frame: DataFrame, columns: list[str]) -> tuple[ContentDigest, int | None]:
    has_kept = "kept" in columns
    kept = [F.count_if("kept").alias("kept")] if has_kept else []
    (row,) = frame.agg(*digest_columns(frame.schema, columns), *kept).collect()
    return from_metrics(row.asDict()), row["kept"] if has_kept else None


def _compared(publication: Publication, digest: ContentDigest, kept: int | None) -> list[Mismatch]:
    counts: dict[str, Any] = dict(publication.record.get("counts", {}))
    told = ContentDigest.parse(publication.digest)
    wrong = []
    if digest.rows != told.rows:
        wrong.append(mismatch(publication, "row count", told.rows, digest.rows))
    if digest != told:
        wrong.append(mismatch(publication, "content digest", told, digest))
    if kept is not None and "kept" in counts and kept != counts["kept"]:
        wrong.append(mismatch(publication, "kept rows", counts["kept"], kept))
    if "rows" in counts and counts["rows"] != told.rows:
        wrong.append(mismatch(publication, "rows of the record", told.rows, counts["rows"]))
    return wrong


def _unreadable_files(lake: Lake, publication: Publication, files: list[DataFile]) -> list[Mismatch]:
    """Which files it is, where no digest of bytes told: each is read alone."""
    wrong = []
    for file in files:
        try:
            digest_of(parquet(lake.spark, location_of(lake, file)))
        except Exception as error:  # noqa: BLE001 - the same
            wrong.append(_of_file(publication, file, "pages", "readable", _told(error)))
    return wrong


def _told(error: BaseException) -> str:
    text = " ".join(str(error).partition("JVM stacktrace")[0].split())
    return f"not readable: {text[:_SHOWN]}" if text else f"not readable: {type(error).__name__}"
