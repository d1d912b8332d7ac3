"""What several files of this tier read and none changes."""

import pytest
from pyspark.sql import SparkSession

from tests.spark.releases_lake import ReleasesLake
from tests.spark.two_releases import publish


@pytest.fixture(scope="session")
def made(spark: SparkSession) -> ReleasesLake:
    """Two releases that differ for every cause there is."""
    made = ReleasesLake(spark)
    publish(made)
    return made
