"""What several files of this tier read and none changes."""

import pytest
from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake
from tests.spark.released import make_released
from tests.spark.releases_lake import ReleasesLake
from tests.spark.two_releases import publish


@pytest.fixture(scope="session")
def made(spark: SparkSession) -> ReleasesLake:
    """Two releases that differ for every cause there is."""
    made = ReleasesLake(spark)
    publish(made)
    return made


@pytest.fixture(scope="session")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with a release of few rows; tests break copies of it."""
    return make_released(spark, tmp_path_factory.mktemp("whole") / "home")
