"""No selection by quality: every document of the pool is taken."""

from collections.abc import Sequence
from typing import ClassVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.operators.base import Example, Params


class EverythingParams(Params):
    """There is nothing to choose."""


class Everything:
    """Take all documents; a recipe that trusts its filters, or wants the whole pool."""

    name: ClassVar[str] = "everything"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own"
    Params: ClassVar[type[Params]] = EverythingParams
    examples: ClassVar[tuple[Example, ...]] = ()

    def __init__(self, params: EverythingParams) -> None:
        """Take the (empty) parameters."""
        self.params = params

    def score_column(self, available: Sequence[str]) -> str | None:
        """The only score, to be carried along as `quality`; none where there are several."""
        return available[0] if len(available) == 1 else None

    def select(self, pool: DataFrame) -> DataFrame:
        """Every row is selected."""
        return pool.withColumn("selected", F.lit(True))
