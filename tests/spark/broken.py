"""Doing damage to a lake that was published, for real: to its data files and its logs."""

from pathlib import Path

from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.verify import Verification, verify
from tests.spark.published import RELEASE, SNAPSHOT


def verified(lake: Lake) -> Verification:
    return verify(lake, find_release(lake, RELEASE))


def behind(lake: Lake, table: str) -> Publication:
    """A table's current publication behind the release, or of it."""
    publication = lake.current(table, RELEASE if table in {"mixed", "releases"} else SNAPSHOT)
    assert publication is not None
    return publication


def file_of(lake: Lake, table: str, side: str | None = None) -> Path:
    """A data file of a table's publication behind the release."""
    publication = behind(lake, table)
    return next(Path(location_of(lake, f)) for f in files_of(lake, publication) if f.table == (side or table))


def flip(path: Path, place: int) -> None:
    """One bit of a byte, and no sum of it left beside."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(bytes(data))
    forget_sum(path)


def forget_sum(path: Path) -> None:
    """Hadoop keeps a sum beside local files; other storages have none, so nothing may depend on it."""
    (path.parent / f".{path.name}.crc").unlink(missing_ok=True)


def lose_commit(lake: Lake, table: str, version: int) -> None:
    """Delete one commit of a table's log."""
    path = Path(lake.location(table)) / "_delta_log" / f"{version:020d}.json"
    path.unlink()
    forget_sum(path)


def about(found: Verification, **wanted: object) -> list[Mismatch]:
    return [m for m in found.mismatches if all(getattr(m, key) == value for key, value in wanted.items())]
