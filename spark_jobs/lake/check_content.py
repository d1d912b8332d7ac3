"""Whether the files and rows of one publication are still those that were published. Reads data pages, every one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake import storage
from spark_jobs.lake.digest import ContentDigest, digest_columns, digest_of, from_metrics
from spark_jobs.lake.file_log import DataFile
from spark_jobs.lake.files import digests_of, files_of, location_of, name_of, sealed, sealed_since
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch, mismatch
from spark_jobs.lake.receipts import Destruction
from spark_jobs.lake.records import Publication, seal
from spark_jobs.parquet import parquet

_SHOWN = 300  # characters of an error of Spark


@dataclass
class Checked:
    """What was looked at, and what is not as it should be. `unsealed` files have no digest of their bytes.

    `destroyed` are files that takedowns deleted, which is no mismatch; `proved` says that the rows were read and are
    those that were published.
    """

    files: int = 0
    bytes: int = 0
    rows: int = 0
    unsealed: int = 0
    destroyed: int = 0
    proved: bool = False
    mismatches: list[Mismatch] = field(default_factory=list)


def damaged_files(lake: Lake, publication: Publication) -> list[Mismatch]:
    """Files of a publication that are missing or have another size than the log says; reads no data."""
    return _damaged(lake, publication, files_of(lake, publication))


def check_record(publication: Publication) -> list[Mismatch]:
    """Whether the publication's id is that of what its record says."""
    true_id = seal(publication.record)["publication"]
    return [] if true_id == publication.id else [
        mismatch(publication, "record", f"publication {true_id}", publication.id)
    ]  # fmt: skip


def check_amendment(before: Publication, after: Publication) -> list[Mismatch]:
    """Whether the digests that a takedown recorded lead from the one publication to the other."""
    said = {name: str(after.record["takedown"][name]) for name in ("before", "removed", "replaced", "elected")}
    terms = {name: ContentDigest.parse(value) for name, value in said.items()}
    left = terms["before"] - terms["removed"] - terms["replaced"] + terms["elected"]
    if (said["before"], str(left)) == (before.digest, after.digest):
        return []
    told = f"{said['before']}, then {left}"
    return [mismatch(after, "digests of the takedown", f"{before.digest}, then {after.digest}", told)]


def check_publication(lake: Lake, publication: Publication, gone: Destruction | None = None) -> Checked:
    """Record, files, their bytes, the rows' content digest and their counts.

    `gone` is what takedowns destroyed of it: then nothing can be said of its rows, and the files that are left are
    checked. Raises LakeError, VerificationError where a log does not tell the files.
    """
    files = files_of(lake, publication)
    seals = sealed_since(lake, publication)
    checked = Checked(mismatches=check_record(publication))
    damaged = _damaged(lake, publication, files)
    missing = {f"{m.table}/{m.file}" for m in damaged if m.check == "file"}
    there = [file for file in files if name_of(file) not in missing]
    # A takedown deletes no file that a table still lists.
    explained = {
        name_of(file) for file in files
        if gone is not None and not file.listed_at(None) and name_of(file) in missing and gone.explains(name_of(file))
    }  # fmt: skip
    unsealed = [file for file in there if name_of(file) not in seals]
    checked.files, checked.bytes = len(there), sum(file.bytes for file in there)
    checked.unsealed, checked.destroyed = len(unsealed), len(explained)
    changed = _changed_files(lake, publication, [file for file in there if name_of(file) in seals], seals)
    checked.mismatches += [m for m in damaged if f"{m.table}/{m.file}" not in explained]
    checked.mismatches += [m for m in changed if m.file not in {d.file for d in damaged}]
    # Where a file is missing nothing new is learnt from rows.
    whole = gone is None and publication.table not in {m.table for m in damaged if m.check == "file"}
    content = _content(lake, publication, checked) if whole else []
    checked.mismatches += content
    # Where no digest of bytes told which file it is, each is read alone; rows of side tables have no other check.
    unread = [file for file in unsealed if not checked.proved or file.table != publication.table]
    checked.mismatches += _unreadable_files(lake, publication, unread)
    return checked


def check_sealed(lake: Lake, publication: Publication, gone: Destruction | None, *, why: str) -> Checked:
    """What can be checked where no log tells the files, which is a mismatch: the record, and the files of its seals."""
    told = mismatch(publication, "log", "the files of this version", why)
    checked = Checked(mismatches=[*check_record(publication), told])
    seals, there = sealed(lake, publication) or {}, []
    for name in sorted(seals):
        table, _, path = name.partition("/")
        place = storage.join(lake.location(table), path)
        size = storage.size(place) if storage.exists(place) else None
        file = DataFile(table, path, publication.partition, publication.id, size or 0, publication.version)
        if size is not None:
            there.append(file)
        elif gone is not None and gone.explains(name):
            checked.destroyed += 1
        else:
            checked.mismatches.append(_of_file(publication, file, "file", f"sha256 {seals[name]}", "no such file"))
    checked.files, checked.bytes = len(there), sum(file.bytes for file in there)
    checked.mismatches += _changed_files(lake, publication, there, seals)
    return checked


def _damaged(lake: Lake, publication: Publication, files: list[DataFile]) -> list[Mismatch]:
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
    wrong = _compared(publication, digest, kept)
    checked.proved = not wrong
    return wrong


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
