"""A mismatch: one thing that is not as it was published, and where. Values only."""

from dataclasses import dataclass

from spark_jobs.lake.records import Publication


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """What was looked at, what it should be and what it is; `file` where one file is to blame."""

    check: str
    expected: str
    found: str
    table: str | None = None
    partition: str | None = None
    version: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        place = "" if self.table is None else f"{self.table}/{self.partition} version {self.version}: "
        file = "" if self.file is None else f"{self.file}: "
        return f"{place}{file}{self.check}: expected {self.expected}, found {self.found}"


def mismatch(
    publication: Publication, check: str, expected: object, found: object, *, table: str | None = None,
    file: str | None = None,
) -> Mismatch:  # fmt: skip
    """A mismatch of a publication; `table` where it is in one of its side tables."""
    return Mismatch(
        check=check, expected=str(expected), found=str(found), table=table or publication.table,
        partition=publication.partition, version=publication.version, file=file,
    )  # fmt: skip
