"""A lake as its logs alone tell it, without Spark: publications, the registry, models. For what looks often.

Sensors look every half minute in a process that lives for weeks: a Java machine there costs gigabytes. Documents
cannot be read.
"""

from typing import NoReturn

from spark_jobs.errors import LakeError
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import FLOW


class NoSpark:
    """Stands where a session would: says what is wrong when one is asked for."""

    def __getattr__(self, name: str) -> NoReturn:
        raise LakeError(f"spark.{name} was asked of a lake that was opened without Spark; open it as a Lake")


class LogLake(Lake):
    """The lake at `home`, for reading what its logs say."""

    def __init__(self, home: str) -> None:
        super().__init__(NoSpark(), home)  # type: ignore[arg-type]
        self._there = False

    def is_there(self) -> bool:
        """Whether there is a whole lake."""
        # To ask the log costs more with every commit, and what is there stays there.
        self._there = self._there or self.properties() is not None
        return self._there

    def heads(self) -> dict[str, int]:
        """The newest version of each main table of the flow."""
        return {table: self.version(table) for table in FLOW}
